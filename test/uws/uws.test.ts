import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sql } from 'drizzle-orm';
import { z } from 'zod';
import { type Artifact, Job, JobPage } from '../../contracts/job.ts';
import { changePhase, type JobRow } from '../../db/repositories/jobs.ts';
import { call, startTestServer, type TestServer } from '../api/test-server.ts';

/** Python with pyvo: `PYVO_PYTHON=/path/to/venv/bin/python npx vitest run --project integration test/uws`. */
const PYTHON = process.env['PYVO_PYTHON'] ?? 'python3';
const noPyvo =
  spawnSync(PYTHON, ['-c', 'import pyvo']).status === 0
    ? undefined
    : `${PYTHON} has no pyvo (set PYVO_PYTHON)`;
const noStilts = spawnSync('stilts', ['-version']).status === 0 ? undefined : 'there is no stilts';
if (noPyvo) console.log(`UWS was not used with pyvo: ${noPyvo}.`);
if (noStilts) console.log(`UWS documents were not held against IVOA's schema: ${noStilts}.`);

let server: TestServer;
/** Documents that the tests got, for the schema to be held against. */
let documents: string;
beforeAll(async () => {
  server = await startTestServer();
  await mkdir(join(server.filesDir, 'SPECTRA', 'plate'), { recursive: true });
  documents = await mkdtemp(join(tmpdir(), 'uws documents '));
});
afterAll(async () => {
  await server.close();
  await rm(documents, { recursive: true, force: true });
});

interface UwsAnswer {
  status: number;
  text: string;
  location: string | undefined;
  type: string | undefined;
}

/** @param path below /uws, or a whole address */
async function ask(path: string, init: RequestInit = {}): Promise<UwsAnswer> {
  const response = await fetch(path.startsWith('http') ? path : `${server.origin}/uws${path}`, {
    redirect: 'manual',
    ...init,
  });
  return {
    status: response.status,
    text: await response.text(),
    type: response.headers.get('content-type') ?? undefined,
    location: response.headers.get('location') ?? undefined,
  };
}
type Fields = [string, string][] | Record<string, string>;
const post = (path: string, fields: Fields): Promise<UwsAnswer> =>
  ask(path, { method: 'POST', body: new URLSearchParams(fields) });

/** A document, kept for the schema. */
async function xmlOf(path: string, name?: string): Promise<string> {
  const { status, text, type } = await ask(path);
  expect([status, type]).toEqual([200, 'application/xml']);
  if (name !== undefined) await writeFile(join(documents, `${name}.xml`), text);
  return text;
}

const GRID = {
  data_dir_path: '/plate',
  wave_start_point: '6519',
  wave_end_point: '6732',
  wave_point_count: '140',
};

/** Makes a job. @returns its address */
async function create(fields: Fields = GRID, type = 'data-preprocessing'): Promise<string> {
  const { status, location, text } = await post(`/${type}`, fields);
  expect([status, text]).toEqual([303, '']);
  if (location === undefined) throw new Error('no Location');
  return location;
}
const idOf = (url: string): string => url.slice(url.lastIndexOf('/') + 1);
const restJob = async (url: string): Promise<z.infer<typeof Job>> =>
  Job.parse((await call('GET', `${server.url}/jobs/${idOf(url)}`)).body);
const change = (url: string, changes: Partial<JobRow>): Promise<unknown> =>
  server.db.transaction((tx) => changePhase(tx, idOf(url), changes));

const element = (text: string, name: string): string | undefined =>
  new RegExp(`<uws:${name}>([^<]*)</uws:${name}>`).exec(text)?.[1];
const phaseOf = async (url: string): Promise<string> => (await ask(`${url}/phase`)).text;
const listed = async (query: string, type = 'data-preprocessing'): Promise<string[]> =>
  Array.from((await xmlOf(`/${type}${query}`)).matchAll(/<uws:jobref id="([^"]+)"/g), ([, id = '']) => id);
const parameters = (text: string): [string, string][] =>
  Array.from(text.matchAll(/<uws:parameter id="([^"]+)">([^<]*)</g), ([, id = '', value = '']) => [
    id,
    value,
  ]);

/** Ends a run as its worker would: one result file. */
async function complete(url: string, path = 'result.h5'): Promise<Artifact & { content: string }> {
  const { dir_path: directory } = await restJob(url);
  const content = `content of ${path}`;
  await mkdir(join(server.filesDir, directory, path, '..'), { recursive: true });
  await writeFile(join(server.filesDir, directory, path), content);
  const artifact = {
    path,
    media_type: 'application/x-hdf5',
    bytes: content.length,
    sha256: createHash('sha256').update(content).digest('hex'),
  };
  expect(await server.jobs.complete(idOf(url), { artifacts: [artifact] })).toBe(true);
  return { ...artifact, content };
}

describe('a job', () => {
  it('is made by a form, shown as XML, and is the job of the REST API', async () => {
    const url = await create({ ...GRID, runid: 'night <1> & co', Description: '"x"', despike: 'TRUE' });
    expect(url).toBe(`${server.origin}/uws/data-preprocessing/${idOf(url)}`);
    const text = await xmlOf(`${url}/`, 'job-pending');
    expect(element(text, 'jobId')).toBe(idOf(url));
    expect(element(text, 'runId')).toBe('night &lt;1&gt; &amp; co');
    expect(element(text, 'phase')).toBe('PENDING');
    expect(element(text, 'executionDuration')).toBe('0');
    expect(text).toContain('<uws:destruction xsi:nil="true"/>');
    expect(text).toContain('<description>&quot;x&quot;</description>');
    expect(await restJob(url)).toMatchObject({
      type: 'DATA_PREPROCESSING',
      phase: 'PENDING',
      label: 'night <1> & co',
      description: '"x"',
      config: {
        data_dir_path: '/plate',
        wave_start_point: 6519,
        wave_end_point: 6732,
        wave_point_count: 140,
        despike: true,
      },
    });
  });

  it('takes arrays as repeated parameters, lists or JSON, and objects as JSON, urlencoded or multipart', async () => {
    const fields: [string, string][] = [
      ['classes', 'other, with a comma'],
      ['classes', 'double peak'],
      ['candidate_classes', 'double peak'],
      ['pool_data_path', '/JOBS/x/result.h5'],
      ['training_data_path', ''],
      ['show_candidates', '0'],
      ['min_delta_train', '1e-4'],
      ['stopping', '{"rule": "label_budget", "labels": 500}'],
      ['cuts', '{"class": ["STAR"]}'],
    ];
    const config = {
      classes: ['other, with a comma', 'double peak'],
      candidate_classes: ['double peak'],
      pool_data_path: '/JOBS/x/result.h5',
      training_data_path: '',
      show_candidates: false,
      min_delta_train: 1e-4,
      stopping: { rule: 'label_budget', labels: 500 },
      cuts: { class: ['STAR'] },
    };
    const url = await create(fields, 'active-ml');
    expect((await restJob(url)).config).toEqual(config);
    const form = new FormData();
    for (const [name, value] of fields) form.append(name, value);
    const { location = '' } = await ask('/active-ml', { method: 'POST', body: form });
    expect((await restJob(location)).config).toEqual(config);
    // What is shown makes the same job again.
    const shown = parameters(await xmlOf(`${url}/parameters`, 'parameters')).map(
      ([name, value]): [string, string] => [name, value.replaceAll('&quot;', '"')],
    );
    expect((await restJob(await create(shown, 'active-ml'))).config).toEqual(config);

    const ranges = await create({ ...GRID, required_ranges: '6550 6580, 6600 6610' });
    expect((await restJob(ranges)).config).toMatchObject({
      required_ranges: [
        [6550, 6580],
        [6600, 6610],
      ],
    });
    const list = await create({ classes: 'other,double peak', labels_path: '/l.csv' }, 'training');
    expect((await restJob(list)).config).toEqual({
      classes: ['other', 'double peak'],
      labels_path: '/l.csv',
    });
  });

  it.each([
    ['an unknown parameter', { ...GRID, wave_point_cuont: '3' }, 'wave_point_cuont: is no parameter'],
    ['a number that is none', { ...GRID, wave_point_count: 'many' }, 'wave_point_count: '],
    ['a value out of bounds', { ...GRID, wave_point_count: '1' }, 'wave_point_count: '],
    ['keys that do not fit together', { ...GRID, wave_end_point: '6000' }, 'wave_end_point: must be above'],
    ['JSON that is none', { required_ranges: '[[1,2]' }, 'required_ranges: must be JSON'],
    ['another phase', { ...GRID, PHASE: 'ABORT' }, 'PHASE: '],
    ['RUN without all that it needs', { data_dir_path: '/plate', PHASE: 'RUN' }, 'wave_start_point: '],
    [
      'RUN on a directory that is not there',
      { ...GRID, data_dir_path: '/no', PHASE: 'RUN' },
      'data_dir_path: ',
    ],
    ['a destruction that is no time', { ...GRID, DESTRUCTION: 'tomorrow' }, 'DESTRUCTION: must be a time'],
    ['NUL', { ...GRID, RUNID: 'a\0' }, 'RUNID'],
    ['NUL in JSON', { ...GRID, required_ranges: '["\\u0000"]' }, 'required_ranges[0]: must be Unicode'],
    ['half a character in JSON', { ...GRID, required_ranges: '["\\ud800"]' }, 'must be Unicode'],
    ['JSON too deep', { ...GRID, required_ranges: '['.repeat(1e5) + ']'.repeat(1e5) }, 'nest deeper'],
  ])('is refused, and not made, for %s', async (_what, fields, reason) => {
    const before = (await listed('')).length;
    const { status, text, type } = await post('/data-preprocessing', fields);
    expect([status, type]).toEqual([400, 'text/plain; charset=utf-8']);
    expect(text).toContain(reason);
    expect((await listed('')).length).toBe(before);
  });

  it('is refused where the body is no form, or holds a file', async () => {
    const json = await ask('/data-preprocessing', {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
    });
    expect(json.status).toBe(415);
    const form = new FormData();
    form.append('upload', new Blob(['x']), 'x.fits');
    expect(await ask('/data-preprocessing', { method: 'POST', body: form })).toMatchObject({
      status: 400,
      text: expect.stringContaining('upload is a file'),
    });
  });

  it('takes parameters until it runs', async () => {
    const url = await create({ data_dir_path: '/plate' });
    expect((await post(`${url}/phase`, { PHASE: 'RUN' })).status).toBe(400);
    expect(await phaseOf(url)).toBe('PENDING');
    expect((await post(`${url}/parameters`, { ...GRID, grid: 'log' })).location).toBe(url);
    expect((await post(`${url}/phase`, { PHASE: 'RUN' })).location).toBe(url);
    expect((await restJob(url)).config).toMatchObject({ grid: 'log', max_gap: 5 });
    expect(parameters(await xmlOf(url, 'job-queued'))).toHaveLength(5);
    expect((await post(`${url}/parameters`, { grid: 'linear' })).status).toBe(403);
  });

  it('shows each state of a run as its phase, and RUN goes on where it is held', async () => {
    const url = await create({ ...GRID, PHASE: 'RUN' });
    expect(await phaseOf(url)).toBe('QUEUED');
    await server.jobs.recordProgress(idOf(url), { done: 3, total: 7, unit: 'spectra' });
    expect(await phaseOf(url)).toBe('EXECUTING');
    expect(await xmlOf(url)).toContain('<progress_done>3</progress_done>');
    await change(url, { waitingFor: 'worker' });
    expect(await phaseOf(url)).toBe('QUEUED');
    await change(url, { waitingFor: 'labels' });
    expect(await phaseOf(url)).toBe('SUSPENDED');
    await change(url, { waitingFor: 'resume' });
    expect(await phaseOf(url)).toBe('HELD');
    expect(await listed('?PHASE=HELD')).toEqual([idOf(url)]);
    await xmlOf(url, 'job-held');
    expect((await post(`${url}/phase`, { PHASE: 'RUN' })).status).toBe(303);
    expect(await phaseOf(url)).toBe('EXECUTING');
    expect((await post(`${url}/phase`, { PHASE: 'RUN' })).status).toBe(409);
    expect((await post(`${url}/phase`, { PHASE: 'ABORT' })).status).toBe(303);
    expect(await phaseOf(url)).toBe('ABORTED');
    expect((await post(`${url}/phase`, { PHASE: 'ABORT' })).status).toBe(409);
    expect((await post(`${url}/phase`, { PHASE: 'STOP' })).status).toBe(400);
  });

  it('shows what it made, under ids that lead to the files', async () => {
    const url = await create({ ...GRID, PHASE: 'RUN' });
    const { content } = await complete(url);
    const { dir_path: directory } = await restJob(url);
    const href = `${server.url}/files/result.h5/download?parent_dir_path=${encodeURIComponent(directory)}`;
    for (const text of [await xmlOf(url, 'job-completed'), await xmlOf(`${url}/results`, 'results')])
      expect(text).toContain(
        `<uws:result id="result" xlink:type="simple" xlink:href="${href}" size="${content.length}" mime-type="application/x-hdf5"/>`,
      );
    for (const id of ['result', 'result.h5'])
      expect(await ask(`${url}/results/${id}`)).toMatchObject({ status: 303, location: href });
    expect(await ask(href)).toMatchObject({ status: 200, text: content });
    expect((await ask(`${url}/results/none`)).status).toBe(404);
    const training = await create({ training_data_path: '/t.h5', PHASE: 'RUN' }, 'training');
    const { content: model } = await complete(training, 'model/weights 1.bin');
    const { location = '' } = await ask(`${training}/results/${encodeURIComponent('model/weights 1.bin')}`);
    expect((await ask(location)).text).toBe(model);
  });

  it('says why it failed, in short and at length', async () => {
    const url = await create({ ...GRID, PHASE: 'RUN' });
    expect((await ask(`${url}/error`)).text).toBe('');
    await server.jobs.fail(idOf(url), { message: 'no <flux>', trace: 'at line 1' });
    const text = await xmlOf(url, 'job-error');
    expect(text).toContain('<uws:errorSummary type="fatal" hasDetail="true">');
    expect(element(text, 'message')).toBe('no &lt;flux&gt;');
    expect(await ask(`${url}/error`)).toMatchObject({
      text: 'no <flux>\n\nat line 1',
      type: 'text/plain; charset=utf-8',
    });
  });

  it('is deleted with its files, running or not, by DELETE or a form', async () => {
    const list = `${server.origin}/uws/data-preprocessing`;
    for (const remove of [
      (url: string) => ask(url, { method: 'DELETE' }),
      (url: string) => post(url, { ACTION: 'DELETE' }),
    ]) {
      const url = await create({ ...GRID, PHASE: 'RUN' });
      const directory = join(server.filesDir, (await restJob(url)).dir_path);
      expect((await stat(directory)).isDirectory()).toBe(true);
      expect(await remove(url)).toMatchObject({ status: 303, location: list });
      expect((await ask(url)).status).toBe(404);
      await expect(stat(directory)).rejects.toThrow('ENOENT');
    }
    const url = await create();
    expect((await post(url, { ACTION: 'KEEP' })).status).toBe(400);
    expect((await post(url, {})).status).toBe(400);
  });

  it('ends at its execution duration and goes at its destruction', async () => {
    const url = await create({ ...GRID, PHASE: 'RUN' });
    expect((await ask(`${url}/executionduration`)).text).toBe('0');
    expect((await post(`${url}/executionduration`, { EXECUTIONDURATION: '-1' })).status).toBe(400);
    expect((await post(`${url}/executionduration`, { EXECUTIONDURATION: '1' })).location).toBe(url);
    expect(element(await xmlOf(url), 'executionDuration')).toBe('1');
    const expired = await create({ ...GRID, PHASE: 'RUN', DESTRUCTION: '2099-01-01' });
    expect((await ask(`${expired}/destruction`)).text).toBe('2099-01-01T00:00:00.000Z');
    expect((await post(`${expired}/destruction`, { DESTRUCTION: '2001-01-01T00:00' })).status).toBe(303);
    await expect.poll(() => phaseOf(url), { timeout: 15_000 }).toBe('ABORTED');
    expect((await restJob(url)).status_detail).toContain('longer than its execution duration of 1 s');
    await expect.poll(async () => (await ask(expired)).status, { timeout: 15_000 }).toBe(404);
    expect((await post(`${url}/executionduration`, { EXECUTIONDURATION: '5' })).status).toBe(403);
    expect((await ask(`${url}/quote`)).text + (await ask(`${url}/owner`)).text).toBe('');
  });
});

describe('WAIT', () => {
  async function timed(path: string): Promise<{ seconds: number; phase: string | undefined }> {
    const begunAt = performance.now();
    const text = await xmlOf(path);
    return { seconds: (performance.now() - begunAt) / 1000, phase: element(text, 'phase') };
  }

  it('ends with a change of the phase, and only with that', async () => {
    const url = await create();
    const waiting = timed(`${url}?WAIT=-1`);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await server.jobs.setDescription(idOf(url), 'another one');
    await post(`${url}/phase`, { PHASE: 'RUN' });
    const { seconds, phase } = await waiting;
    expect(phase).toBe('QUEUED');
    expect(seconds).toBeGreaterThan(0.25);
    expect(seconds).toBeLessThan(15);
    const begins = timed(`${url}?wait=20&phase=QUEUED`);
    await server.jobs.recordProgress(idOf(url), { done: 1, total: 7, unit: 'spectra' });
    expect((await begins).phase).toBe('EXECUTING');
  });

  it('ends when its time is over', async () => {
    const url = await create();
    const { seconds, phase } = await timed(`${url}?WAIT=1`);
    expect(phase).toBe('PENDING');
    expect(seconds).toBeGreaterThanOrEqual(0.99);
    expect(seconds).toBeLessThan(15);
  });

  it('does not wait in another phase than the client thinks, nor where only a person can go on', async () => {
    const url = await create();
    for (const phase of ['QUEUED', 'EXECUTING', 'COMPLETED', 'SUSPENDED'])
      expect((await timed(`${url}?WAIT=20&PHASE=${phase}`)).seconds).toBeLessThan(15);
    await post(`${url}/phase`, { PHASE: 'RUN' });
    await change(url, { waitingFor: 'labels' });
    expect((await timed(`${url}?WAIT=20`)).seconds).toBeLessThan(15);
    await post(`${url}/phase`, { PHASE: 'ABORT' });
    expect((await timed(`${url}?WAIT=20`)).seconds).toBeLessThan(15);
    expect((await ask(`${url}?WAIT=soon`)).status).toBe(400);
  });

  it('ends when the server stops', async () => {
    const url = await create();
    const waiting = timed(`${url}?WAIT=-1`);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const begunAt = performance.now();
    await server.restart();
    expect((await waiting).phase).toBe('PENDING');
    expect(performance.now() - begunAt).toBeLessThan(20_000);
  });
});

describe('the list', () => {
  it('is filtered by phase, time and number, oldest first', async () => {
    await xmlOf('/data-preprocessing', 'jobs');
    const [first, second, third] = [await create(), await create(), await create()].map(idOf);
    if (first === undefined) throw new Error('no job');
    await post(`/data-preprocessing/${second}/phase`, { PHASE: 'ABORT' });
    expect(await listed('?LAST=3')).toEqual([first, second, third]);
    expect(await listed('?LAST=2&PHASE=PENDING')).toEqual([first, third]);
    expect(await listed('?LAST=2&PHASE=PENDING&PHASE=ABORTED')).toEqual([second, third]);
    expect(await listed('?LAST=0')).toEqual([]);
    expect(await listed('?PHASE=ARCHIVED&PHASE=UNKNOWN')).toEqual([]);
    const { created_at: made } = await restJob(first);
    expect(await listed(`?AFTER=${made}`)).toEqual([second, third]);
    expect(await listed('?after=2099')).toEqual([]);
    expect((await listed('?AFTER=2015-10-26T09:00')).length).toBeGreaterThan(3);
    // Another type's jobs are not there, by no address.
    expect(await listed('', 'training')).not.toContain(first);
    expect((await ask(`/training/${first}`)).status).toBe(404);
  });

  it.each([
    '?PHASE=pending',
    '?PHASE=SUCCESS',
    '?LAST=-1',
    '?LAST=x',
    '?AFTER=2015-26-10',
    '?AFTER=2015-10-26T09:00%2B01:00',
  ])('refuses %s', async (query) => {
    expect(await ask(`/data-preprocessing${query}`)).toMatchObject({
      status: 400,
      type: 'text/plain; charset=utf-8',
    });
  });

  it('is quick with thousands of jobs', async () => {
    await server.db.execute(sql`
      insert into jobs (id, type, phase, label, dir_path, created_at)
      select gen_random_uuid(), 'TRAINING', 'COMPLETED', 'old', '/JOBS/old', now() - n * interval '1 hour'
      from generate_series(1, 5000) n`);
    expect((await listed('', 'training')).length).toBeGreaterThanOrEqual(5000);
    const milliseconds = async (path: string): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 5; i++) {
        const begunAt = performance.now();
        await ask(path);
        times.push(performance.now() - begunAt);
      }
      return times.sort((a, b) => a - b)[2] ?? NaN;
    };
    const [all, last] = [await milliseconds('/training'), await milliseconds('/training?LAST=100')];
    console.log(`UWS list of 5,000 jobs: ${all.toFixed(0)} ms, the last 100 of them ${last.toFixed(0)} ms`);
    expect(last).toBeLessThan(200);
    expect(all).toBeLessThan(2000);
  });
});

it('answers errors as text, and pages of other sites not at all', async () => {
  const url = await create();
  for (const path of ['/none', '/data-preprocessing/x', `/active-ml/${idOf(url)}`, `${url}/nothing`, '/'])
    expect(await ask(path)).toMatchObject({ status: 404, type: 'text/plain; charset=utf-8' });
  expect(await ask(`${url}/quote`, { method: 'POST' })).toMatchObject({ status: 405 });
  const form = { method: 'POST', body: new URLSearchParams({ PHASE: 'ABORT' }) };
  expect(await ask(`${url}/phase`, { ...form, headers: { origin: 'http://evil.example' } })).toMatchObject({
    status: 403,
    type: 'text/plain; charset=utf-8',
  });
  expect(await phaseOf(url)).toBe('PENDING');
  expect((await ask(`${url}/phase`, { ...form, headers: { origin: server.origin } })).status).toBe(303);
});

const FoundByPyvo = z.object({
  id: z.uuid(),
  phase: z.string(),
  results: z.record(z.string(), z.tuple([z.number(), z.string()])),
  parameters: z.record(z.string(), z.string()),
  listed: z.array(z.tuple([z.string(), z.string()])),
});

describe.skipIf(noPyvo)(`pyvo${noPyvo ? ` (${noPyvo})` : ''}`, () => {
  it('makes, runs, awaits, fetches and deletes a job', async () => {
    const endpoint = `${server.origin}/uws/data-preprocessing`;
    const pairs = Object.entries({ ...GRID, LABEL: 'of pyvo' }).map((pair) => pair.join('='));
    const client = spawn(PYTHON, [join(import.meta.dirname, 'pyvo-client.py'), endpoint, ...pairs]);
    let [output, errors] = ['', ''];
    client.stdout.on('data', (data: Buffer) => (output += data.toString()));
    client.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    const ended = new Promise<number | null>((resolve) => client.once('close', resolve));
    // There is no worker here: the test does its work.
    const running = async (): Promise<z.infer<typeof Job> | undefined> =>
      JobPage.parse((await call('GET', `${server.url}/jobs?phase=PROCESSING&q=of+pyvo`)).body).jobs[0];
    await expect
      .poll(async () => client.exitCode === null && (await running()) === undefined, { timeout: 60_000 })
      .toBe(false);
    expect(errors).toBe('');
    const job = await running();
    const url = `${endpoint}/${job?.job_id}`;
    await server.jobs.recordProgress(idOf(url), { done: 1, total: 2, unit: 'spectra' });
    const { sha256, bytes } = await complete(url);
    expect({ code: await ended, errors }).toEqual({ code: 0, errors: '' });
    const found: unknown = JSON.parse(output);
    expect(found).toMatchObject({
      id: idOf(url),
      version: '1.1',
      created: 'PENDING',
      phase: 'COMPLETED',
      executionDuration: 3600,
      destruction: '2028-01-01T00:00:00.000',
      label: 'of pyvo',
      results: { result: [bytes, 'application/x-hdf5'] },
      sha256,
      deleted: 404,
    });
    const { parameters: sent, listed: all } = FoundByPyvo.parse(found);
    expect(sent).toEqual(GRID);
    expect(all).toContainEqual([idOf(url), 'COMPLETED']);
  });
});

describe.skipIf(noStilts)(`the schema of IVOA${noStilts ? ` (${noStilts})` : ''}`, () => {
  it('has nothing against any document', async () => {
    const names = await readdir(documents);
    expect(names.sort()).toEqual(
      [
        'job-completed',
        'job-error',
        'job-held',
        'job-pending',
        'job-queued',
        'jobs',
        'parameters',
        'results',
      ].map((name) => `${name}.xml`),
    );
    for (const name of names) {
      const { status, stdout, stderr } = spawnSync(
        'stilts',
        ['xsdvalidate', 'uselocals=true', `doc=${join(documents, name)}`],
        { encoding: 'utf8' },
      );
      expect({ name, status, found: stdout + stderr }).toEqual({ name, status: 0, found: '' });
    }
  });
});
