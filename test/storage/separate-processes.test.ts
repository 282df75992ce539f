import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { CandidatePage } from '../../contracts/candidate.ts';
import { DirectoryListing, UploadedFile } from '../../contracts/file.ts';
import { ArtifactPage, ENDED_PHASES, Job } from '../../contracts/job.ts';
import { BatchPage, LabellingPage } from '../../contracts/labelling.ts';
import { SpectraFilePage } from '../../contracts/spectra-file.ts';
import { migrateDatabase } from '../../db/migrate.ts';
import { freePort } from '../../deploy/embedded/port.ts';
import { startPostgres } from '../../deploy/embedded/postgres.ts';
import { type ManagedProcess, startProcess } from '../../deploy/embedded/process.ts';
import { findTemporal } from '../../deploy/embedded/temporal-binaries.ts';
import { startTemporal } from '../../deploy/embedded/temporal.ts';
import { registerSearchAttributes } from '../../deploy/services/temporal-namespace.ts';
import { openBucket } from '../../storage/s3-bucket.ts';
import { RunningStack } from '../faults/running-stack.ts';
import { findS3Server, type TestBucket } from './s3-server.ts';

// API, control worker and cpu worker, each in an empty directory of its own: they share Temporal, PostgreSQL and S3.

const root = fileURLToPath(new URL('../../', import.meta.url));
const samples = join(root, 'samples', 'spectra');
const UPLOADS_AT_ONCE = 4;
const CLASSES = ['even', 'odd'];
const PREPROCESSING = {
  data_dir_path: '/samples',
  wave_start_point: 6519,
  wave_end_point: 6732,
  wave_point_count: 32,
};
const NETWORK = { layers: [{ kind: 'flatten' }, { kind: 'dense', units: 4 }] };

type Send = (method: string, path: string, body?: unknown) => Promise<unknown>;

async function run(send: Send, type: string, config: object): Promise<Job> {
  const { job_id: id } = Job.parse(await send('POST', '/jobs', { type, label: 'S3', config }));
  return Job.parse(await send('POST', `/jobs/${id}/process/RUN`));
}
async function ended(send: Send, { job_id: id }: Job, meanwhile = () => Promise.resolve()): Promise<Job> {
  for (;;) {
    const job = Job.parse(await send('GET', `/jobs/${id}`));
    if (ENDED_PHASES.includes(job.phase)) return job;
    await meanwhile();
    await delay(100);
  }
}
async function artifactsOf(send: Send, { job_id: id }: Job): Promise<Map<string, string | undefined>> {
  const { artifacts } = ArtifactPage.parse(await send('GET', `/jobs/${id}/artifacts`));
  return new Map(artifacts.map(({ path, sha256 }) => [path, sha256]));
}

const startS3 = await findS3Server();

describe.skipIf(!startS3)('processes that share nothing but Temporal, PostgreSQL and S3', () => {
  let base: string;
  let url: string;
  let bucket: TestBucket;
  const closing: (() => Promise<unknown>)[] = [];

  const send: Send = async (method, path, body) => {
    const answer = await fetch(`${url}/api${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`);
    return text === '' ? undefined : JSON.parse(text);
  };
  async function upload(
    directory: string,
    filename: string,
    content: Uint8Array<ArrayBuffer>,
  ): Promise<void> {
    const form = new FormData();
    form.set('file', new Blob([content]), filename);
    const query = `parent_dir_path=${encodeURIComponent(directory)}`;
    const answer = await fetch(`${url}/api/files/${encodeURIComponent(filename)}/upload?${query}`, {
      method: 'POST',
      body: form,
    });
    expect(UploadedFile.parse(await answer.json()).size).toBe(content.length);
  }
  async function download(directory: string, filename: string, headers = {}): Promise<Response> {
    const query = `parent_dir_path=${encodeURIComponent(directory)}`;
    return fetch(`${url}/api/files/${encodeURIComponent(filename)}/download?${query}`, { headers });
  }
  /** Every artifact can be had through the API, and is what the job says. */
  async function expectWhole(job: Job): Promise<string[]> {
    const artifacts = await artifactsOf(send, job);
    for (const [path, sha256] of artifacts) {
      const at = path.lastIndexOf('/') + 1;
      const answer = await download(`${job.dir_path}/${path.slice(0, at)}`, path.slice(at));
      const bytes = new Uint8Array(await answer.arrayBuffer());
      expect([path, createHash('sha256').update(bytes).digest('hex')]).toEqual([path, sha256]);
    }
    return [...artifacts.keys()];
  }
  async function keysBelow(start: string): Promise<string[]> {
    const keys = [];
    for await (const { objects } of openBucket(bucket.location).pages(start))
      keys.push(...objects.map(({ key }) => key));
    return keys;
  }

  async function startPart(entry: string, environment: Record<string, string>): Promise<ManagedProcess> {
    const own = join(base, basename(entry, '.js'));
    const cwd = join(own, 'work');
    mkdirSync(cwd, { recursive: true });
    const part = await startProcess({
      name: entry,
      command: process.execPath,
      args: ['--enable-source-maps', join(root, 'dist', entry)],
      env: { ...process.env, ...environment, TEMP_DIR: join(own, 'temp'), TENSORFLOW_SETUP: 'never' },
      cwd,
      logFile: join(own, 'log'),
    });
    closing.unshift(() => part.stop([['SIGTERM', 25]]));
    return part;
  }

  beforeAll(async () => {
    if (!startS3) throw new Error('skipped without a server');
    base = mkdtempSync(join(tmpdir(), 'processes of a test '));
    const [s3, postgres, temporal] = await Promise.all([
      startS3(),
      startPostgres({ dataDir: join(base, 'postgres'), logFile: join(base, 'postgres.log') }),
      startTemporal({
        executable: await findTemporal(() => undefined),
        databaseFile: join(base, 'temporal', 'temporal.db'),
        logFile: join(base, 'temporal.log'),
        uiPort: 'none',
      }),
    ]);
    bucket = s3;
    closing.push(temporal.stop, postgres.stop, s3.close);
    for (const [name, value] of Object.entries(s3.credentials)) vi.stubEnv(name, value);
    await migrateDatabase(postgres.url);
    await registerSearchAttributes(temporal.address);
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const { bucket: name, endpoint = '' } = s3.location;
    const environment = {
      DATABASE_URL: postgres.url,
      TEMPORAL_ADDRESS: temporal.address,
      FILES_URL: `s3://${name}/files`,
      OBJECTS_URL: `s3://${name}/objects`,
      S3_ENDPOINT: endpoint,
      S3_DOWNLOAD_ENDPOINT: endpoint,
      PORT: String(port),
    };
    const entries = ['api/server.js', 'workers/control.js', 'workers/cpu.js'];
    const parts = await Promise.all(entries.map((entry) => startPart(entry, environment)));
    while (!(await fetch(`${url}/api/ready`).catch(() => undefined))?.ok) {
      const dead = parts.find((part) => part.hasExited());
      if (dead) throw new Error(`${dead.name} ended at its start`);
      await delay(100);
    }
  });
  afterAll(async () => {
    for (const close of closing) await close();
    vi.unstubAllEnvs();
    rmSync(base, { recursive: true, force: true });
  });

  it('preprocess what was uploaded, to the same bytes as on a disk, train and run a campaign', async () => {
    const names = readdirSync(samples, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('.fits'),
    );
    for (let i = 0; i < names.length; i += UPLOADS_AT_ONCE)
      await Promise.all(
        names.slice(i, i + UPLOADS_AT_ONCE).map((name) => {
          const directory = join('/SPECTRA/samples', name, '..');
          return upload(directory, basename(name), new Uint8Array(readFileSync(join(samples, name))));
        }),
      );
    const classOf = new Map(names.map((name, i) => [basename(name), CLASSES[i % 2] ?? '']));
    const labels = ['filename,label', ...[...classOf].map((row) => row.join(',')), ''].join('\n');
    await upload('/', 'labels.csv', new TextEncoder().encode(labels));
    expect(await send('GET', '/spectra?limit=1')).toMatchObject({ total: names.length });

    const preprocessed = await ended(send, await run(send, 'DATA_PREPROCESSING', PREPROCESSING));
    expect(preprocessed).toMatchObject({ phase: 'COMPLETED', progress: { done: names.length, rejected: 1 } });
    expect(await expectWhole(preprocessed)).toEqual(['log.txt', 'preview.json', 'result.h5']);
    const pool = `${preprocessed.dir_path}/result.h5`;
    const directory = `parent_dir_path=${encodeURIComponent(preprocessed.dir_path)}`;
    const rows = SpectraFilePage.parse(await send('GET', `/files/result.h5/spectra?${directory}`));
    expect(rows.total).toBe(names.length - 1);
    const part = await download(preprocessed.dir_path, 'result.h5', { range: 'bytes=1-3' });
    expect([part.status, await part.text()]).toEqual([206, 'HDF']);
    const etag = part.headers.get('etag') ?? '';
    const again = await download(preprocessed.dir_path, 'result.h5', { 'if-none-match': etag });
    expect(again.status).toBe(304);
    await upload('/', 'large', new Uint8Array(16 * 1024 * 1024).fill(76));
    const elsewhere = await download('/', 'large', { range: 'bytes=9-11' });
    expect([elsewhere.status, await elsewhere.text()]).toEqual([206, 'LLL']);
    expect(new URL(elsewhere.url).origin).toBe(bucket.location.endpoint);

    const training = await ended(
      send,
      await run(send, 'TRAINING', {
        training_data_path: pool,
        labels_path: '/labels.csv',
        pool_data_path: pool,
        network: NETWORK,
        fitting: { epochs: 2, batch_size: 16 },
      }),
    );
    expect(training.phase).toBe('COMPLETED');
    expect(await expectWhole(training)).toContain('model/weights.bin');

    const campaign = await run(send, 'ACTIVE_ML', {
      classes: CLASSES,
      candidate_classes: ['odd'],
      pool_data_path: pool,
      oracle_batch_size: 8,
      perf_est_batch_size: 3,
      max_iterations: 2,
      epochs_train: 2,
      batch_size_train: 8,
      network: NETWORK,
    });
    const { job_id: id } = campaign;
    const answerOpenBatch = async (): Promise<void> => {
      const { batches } = BatchPage.parse(await send('GET', `/jobs/${id}/batches`));
      for (const { iteration } of batches.filter((batch) => batch.closed_at === undefined)) {
        const query = `job_id=${id}&iteration=${iteration}`;
        const { labellings } = LabellingPage.parse(await send('GET', `/labellings?${query}`));
        const asked = labellings.filter((one) => one.spectrum_set !== 'CANDIDATE' && !one.user_label);
        if (asked.length === 0) continue;
        await send('PATCH', '/labellings/batch', {
          labelling_ids: asked.map((one) => one.labelling_id),
          batch: asked.map((one) => ({ user_label: classOf.get(one.spectrum_filename) })),
        });
      }
    };
    expect(await ended(send, campaign, answerOpenBatch)).toMatchObject({ phase: 'COMPLETED' });
    const files = await expectWhole(campaign);
    for (const name of ['catalogue.csv', 'campaign.tar.gz', 'model/weights.bin', 'perf_est_list.json'])
      expect(files).toContain(name);
    expect(files).toContain('iteration-001/selection.json');
    CandidatePage.parse(await send('GET', `/jobs/${id}/candidates`));

    // Plans and checkpoints go with their job; parts stay; nothing of it is in anybody's directory.
    await vi.waitFor(async () => expect(await keysBelow('objects/work')).toEqual([]), 10_000);
    expect((await keysBelow('objects/parts')).length).toBeGreaterThan(0);
    for (const part of ['server', 'control', 'cpu']) {
      expect(readdirSync(join(base, part, 'work'))).toEqual([]);
      expect(readdirSync(join(base, part, 'temp', 'lent'))).toEqual([]);
      expect(readdirSync(join(base, part, 'temp')).filter((name) => /\.part$|\.h5$/.test(name))).toEqual([]);
    }
    await send('DELETE', `/jobs/${id}?files=true`);
    const { directories } = DirectoryListing.parse(await send('GET', '/files?parent_dir_path=/JOBS'));
    expect(directories.map(({ dirname }) => `/JOBS/${dirname}`)).not.toContain(campaign.dir_path);

    const embedded = new RunningStack(join(base, 'embedded'));
    closing.unshift(() => embedded.stop());
    const archive = join(embedded.directory, 'files', 'SPECTRA', 'samples');
    mkdirSync(archive, { recursive: true });
    cpSync(samples, archive, { recursive: true });
    await embedded.start();
    const sendThere: Send = (method, path, body) => embedded.call(z.unknown(), method, path, body);
    const onDisk = await ended(sendThere, await run(sendThere, 'DATA_PREPROCESSING', PREPROCESSING));
    const [there, here] = [await artifactsOf(sendThere, onDisk), await artifactsOf(send, preprocessed)];
    expect(here.get('result.h5')).toMatch(/^[0-9a-f]{64}$/);
    expect(there.get('result.h5')).toBe(here.get('result.h5'));
  });
});
