import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { createRoutes } from '../../api/app.ts';
import { JobEventHub } from '../../api/job-event-hub.ts';
import { createApiMetrics } from '../../api/metrics.ts';
import type { Route } from '../../api/route.ts';
import { createSpectrumReader } from '../../api/spectrum-reader.ts';
import { Spectrum } from '../../contracts/spectrum.ts';
import { connect } from '../../db/connection.ts';
import { createJobsRepository } from '../../db/repositories/jobs.ts';
import { createLabellingsRepository } from '../../db/repositories/labellings.ts';
import { createOutboxRepository } from '../../db/repositories/outbox.ts';
import { createDiskFileStore } from '../../storage/disk-file-store.ts';
import * as campaigns from './campaigns.ts';
import * as files from './files.ts';
import * as http from './http.ts';
import * as jobs from './jobs.ts';
import * as labellings from './labellings.ts';
import * as spectraFiles from './spectra-files.ts';
import * as spectra from './spectra.ts';
import * as system from './system.ts';

// The dashboard and the OpenAPI document cannot differ: every call is one of the routes that the document is made from, with
// parameters and a body that this route takes, and the answer is read by the very schema that the route answers by.

/** What the dashboard asked for. `schema`: what it reads the answer by. */
interface Call {
  method: string;
  url: URL;
  body?: unknown;
  schema?: z.ZodType;
}
const calls: Call[] = [];
const urlOf = (address: string) => new URL(address, 'http://localhost');

vi.mock('./http.ts', async (importOriginal) => {
  const original = await importOriginal<typeof http>();
  const record = (path: string, { method = 'GET', query, body }: http.RequestOptions = {}) => ({
    ...{ method, url: urlOf(original.apiUrl(path, query)) },
    ...(body === undefined ? {} : { body }),
  });
  // What was answered is no matter: the call is known.
  const gone = () => Promise.reject(new original.ApiFailure({ status: 404, code: 'absent', detail: '' }));
  return {
    ...original,
    requestJson: (schema: z.ZodType, path: string, options?: http.RequestOptions) => {
      calls.push({ ...record(path, options), schema });
      return gone();
    },
    requestNothing: (path: string, options: http.RequestOptions) => {
      calls.push(record(path, options));
      return gone();
    },
    requestBytes: (path: string, options?: http.RequestOptions) => {
      calls.push(record(path, options));
      return gone();
    },
  };
});

const ID = '7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0';
const AT = { dirPath: `/JOBS/job_a_${ID}`, iteration: 1 };
const FILE = { parentPath: '/a', name: 'result.h5' };

class SentByXmlHttpRequest {
  readonly upload = new EventTarget();
  readonly #events = new EventTarget();
  open(method: string, address: string): void {
    calls.push({ method, url: urlOf(address) });
  }
  addEventListener(type: string, listener: () => void): void {
    this.#events.addEventListener(type, listener);
  }
  setRequestHeader(): void {
    // Nothing is sent.
  }
  send(): void {
    this.#events.dispatchEvent(new Event('error'));
  }
}

/** Every function of the client that asks the API, or gives an address of it. */
const CLIENT: Record<string, Record<string, () => unknown>> = {
  campaigns: {
    getSettings: () => campaigns.getSettings(ID),
    changeSettings: () => campaigns.changeSettings(ID, { oracle_batch_size: 10 }),
    finishCampaign: () => campaigns.finishCampaign(ID),
    getJobSteps: () => campaigns.getJobSteps(ID),
    listCampaignLabellings: () => campaigns.listCampaignLabellings(ID),
    getSelection: () => campaigns.getSelection(AT),
    getTrainingMap: () => campaigns.getTrainingMap(AT),
    getJobText: () => campaigns.getJobText(AT.dirPath, 'log.txt'),
  },
  files: {
    listDirectory: () => files.listDirectory('/a'),
    fileDownloadUrl: () => files.fileDownloadUrl('/a', 'b c.txt'),
    deleteFile: () => files.deleteFile('/a', 'b c.txt'),
    createDirectory: () => files.createDirectory('/a', 'b'),
    deleteDirectory: () => files.deleteDirectory('/a', 'b'),
    uploadFile: () =>
      files.uploadFile({
        parentPath: '/a',
        file: new File(['x'], 'b c.txt'),
        onProgress: () => undefined,
        signal: new AbortController().signal,
      }),
  },
  jobs: {
    listJobs: () => jobs.listJobs({ offset: 0, limit: 10, phase: 'PENDING', type: 'TRAINING', q: 'a' }),
    getJob: () => jobs.getJob(ID),
    createJob: () => jobs.createJob({ type: 'TRAINING', label: 'a' }),
    processJob: () => jobs.processJob(ID, 'RUN'),
    deleteJob: () => jobs.deleteJob(ID, { files: true }),
    getJobLog: () => jobs.getJobLog(ID, 0),
    getJobMetrics: () => jobs.getJobMetrics(ID),
    getJobArtifacts: () => jobs.getJobArtifacts(ID),
    getJobRejects: () => jobs.getJobRejects(ID, { offset: 0, limit: 10 }),
    getPreprocessingPreview: () => jobs.getPreprocessingPreview(AT.dirPath),
    getTrainingReport: () => jobs.getTrainingReport(AT.dirPath),
    jobEventsUrl: () => jobs.jobEventsUrl(ID, 'newest'),
    artifactUrl: () => jobs.artifactUrl(AT.dirPath, 'iteration-001/result.h5'),
  },
  labellings: {
    listBatches: () => labellings.listBatches(ID),
    listClassLists: () => labellings.listClassLists(ID),
    listLabellings: () =>
      labellings.listLabellings({ jobId: ID, iteration: 0, sets: ['ORACLE'], open: true }),
    getLabelling: () => labellings.getLabelling(ID),
    patchLabelling: () => labellings.patchLabelling(ID, { user_label: 'a', expected: { user_label: null } }),
    listDisagreements: () => labellings.listDisagreements(ID),
    countDisagreements: () => labellings.countDisagreements(ID),
    closeBatch: () => labellings.closeBatch(ID),
    getPreparedSpectra: () => labellings.getPreparedSpectra(AT),
    getTrainingMap: () => labellings.getTrainingMap(AT),
    getPreprocessingOf: () => labellings.getPreprocessingOf('/a/result.h5'),
  },
  spectraFiles: {
    getSpectraFile: () => spectraFiles.getSpectraFile(FILE),
    getSpectraFileRows: () => spectraFiles.getSpectraFileRows(FILE, { offset: 0, limit: 10 }),
    findSpectrumInFile: () => spectraFiles.findSpectrumInFile(FILE, 'a.fits'),
    fluxesUrl: () => spectraFiles.fluxesUrl(FILE, { offset: 0, limit: 10 }),
  },
  spectra: {
    listSpectra: () => spectra.listSpectra({ type: 'STAR', limit: 10, sort: '-sn_r' }),
    spectraTableUrl: () => spectra.spectraTableUrl({ type: 'STAR', format: 'votable' }),
    getSpectrumScalars: () => spectra.getSpectrumScalars('a/b.fits'),
    getSpectrumArrays: () => spectra.getSpectrumArrays('a/b.fits', undefined, 100),
    getSpectrumFile: () => spectra.getSpectrumFile('a/b.fits'),
    spectrumDownloadUrl: () => spectra.spectrumDownloadUrl('a/b.fits'),
    scanArchive: () => spectra.scanArchive('/'),
  },
  system: {
    getSystemInfo: () => system.getSystemInfo(),
    listWorkers: () => system.listWorkers(),
    getStorageUse: () => system.getStorageUse(),
    isApiAlive: () => system.isApiAlive(),
  },
};
const MODULES = { campaigns, files, jobs, labellings, spectraFiles, spectra, system };
/** Exported, and no call. */
const NO_CALLS = ['decodeSpectrum'];

let base: string;
let routes: Route[];
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'contract of a test '));
  const address = '127.0.0.1:1';
  const { db } = connect(`postgresql://nobody@${address}/nothing`);
  const temporal = new Client({ connection: Connection.lazy({ address }) });
  const [hub, log] = [new JobEventHub(), pino({ level: 'silent' })];
  const tempDir = join(base, 'tmp');
  const fileStore = await createDiskFileStore({ root: join(base, 'files'), tempDir });
  const metrics = createApiMetrics({
    jobs: createJobsRepository(db),
    outbox: createOutboxRepository(db),
    labellings: createLabellingsRepository(db),
    ...{ hub, temporal, log },
  });
  routes = createRoutes(
    {
      db,
      fileStore,
      spectrumReader: createSpectrumReader(),
      temporal,
      hub,
      log,
      allowedHosts: [],
      corsOrigins: [],
      webRoot: base,
    },
    metrics,
  );
  vi.stubGlobal('XMLHttpRequest', SentByXmlHttpRequest);
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await rm(base, { recursive: true, force: true });
});
afterEach(() => void calls.splice(0));

/** The route of a call, with the parameters of its path. A path without parameters is that one only. */
function routeOf({ method, url }: Call): { route: Route; params: Record<string, string> } {
  const fitting = routes
    .filter((route) => route.method === method.toLowerCase())
    .flatMap((route) => {
      const pattern = route.path.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)');
      const found = new RegExp(`^${pattern}$`).exec(url.pathname);
      const params = Object.entries(found?.groups ?? {}).map(([name, text]) => [
        name,
        decodeURIComponent(text),
      ]);
      return found ? [{ route, params: Object.fromEntries(params) }] : [];
    })
    .sort((a, b) => Object.keys(a.params).length - Object.keys(b.params).length);
  const [first] = fitting;
  if (!first) throw new Error(`${method} ${url.pathname} is no route`);
  return first;
}

/** Schemas of the JSON that a route answers with, where all is well; none where it answers with a file, or nothing. */
function answersOf(route: Route): z.ZodType[] {
  return Object.entries(route.responses).flatMap(([status, spec]) => {
    if (spec === 'empty' || !status.startsWith('2')) return [];
    if (!('mediaTypes' in spec)) return [spec];
    return spec.json ? [spec.json] : [];
  });
}

const functionsOf = Object.entries(MODULES).flatMap(([module, exports]) =>
  Object.entries(exports)
    .filter(([name, value]) => typeof value === 'function' && !NO_CALLS.includes(name))
    .map(([name]) => ({ module, name })),
);

describe('the dashboard’s client', () => {
  it.each(functionsOf)('$module: $name calls what the API has, as it has it', async ({ module, name }) => {
    const work = CLIENT[module]?.[name];
    if (!work) throw new Error(`say in CLIENT how ${name} is called`);
    try {
      const result = await work();
      if (typeof result === 'string') calls.push({ method: 'GET', url: urlOf(result) });
    } catch (error) {
      if (!(error instanceof http.ApiFailure)) throw error;
    }
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      const { route, params } = routeOf(call);
      route.params?.parse(params);
      const query = Object.fromEntries(call.url.searchParams);
      z.strictObject(route.query?.shape ?? {}).parse(query);
      if (route.body instanceof z.ZodType) route.body.parse(call.body);
      else expect(call.body).toBeUndefined();
      const answers = answersOf(route);
      if (call.schema === undefined) continue;
      if (answers.length === 0) expect(route.path).toBe('/api/files/{filename}/download');
      else if (name === 'getSpectrumScalars')
        expect(call.schema).toMatchObject({ shape: Spectrum.omit({ wave: true, flux: true }).shape });
      else expect(answers).toContain(call.schema);
    }
  });
});
