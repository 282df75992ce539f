import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ApiError } from '../../contracts/error.ts';
import { Job, JobPage, LogPage } from '../../contracts/job.ts';
import { outbox as outboxTable } from '../../db/schema.ts';
import { type Answer, call, startTestServer, type TestServer } from './test-server.ts';

const CONFIG = {
  data_dir_path: '/M31',
  wave_start_point: 6519,
  wave_end_point: 6732,
  wave_point_count: 140,
};

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await mkdir(join(server.filesDir, 'SPECTRA', 'M31'), { recursive: true });
});
afterAll(() => server.close());
beforeEach(async () => {
  await server.pool.query('delete from jobs');
});

const post = (path: string, body?: unknown) => call('POST', `${server.url}${path}`, body);
const get = (path: string) => call('GET', `${server.url}${path}`);
const jobIn = (answer: Answer): Job => Job.parse(answer.body);
const codeOf = (answer: Answer): string => ApiError.parse(answer.body).code;
const problemsOf = (answer: Answer): string[] =>
  (ApiError.parse(answer.body).errors ?? []).map(({ path }) => path);
const directoryOf = (job: Job): string => join(server.filesDir, job.dir_path);
/** What waits in the outbox for a job, in order. */
const commands = async ({ job_id }: { job_id: string }) =>
  (
    await server.db
      .select()
      .from(outboxTable)
      .where(eq(outboxTable.workflowId, job_id))
      .orderBy(outboxTable.id)
  ).map(({ command, payload }) => ({ command, payload }));

async function create(values: Record<string, unknown> = {}): Promise<Job> {
  const answer = await post('/jobs', {
    type: 'DATA_PREPROCESSING',
    label: 'Be stars',
    config: CONFIG,
    ...values,
  });
  expect(answer.status).toBe(201);
  return jobIn(answer);
}
async function running(): Promise<Job> {
  const job = await create();
  const answer = await post(`/jobs/${job.job_id}/process/RUN`);
  expect(answer.status).toBe(202);
  return jobIn(answer);
}
async function inPhase(phase: string): Promise<Job> {
  if (phase === 'PENDING') return create();
  const job = await running();
  if (phase === 'COMPLETED') await server.jobs.complete(job.job_id, { artifacts: [] });
  if (phase === 'ERROR') await server.jobs.fail(job.job_id, { message: 'no disk', trace: 'at disk' });
  if (phase === 'ABORTED') await post(`/jobs/${job.job_id}/process/ABORT`);
  return jobIn(await get(`/jobs/${job.job_id}`));
}

describe('creating', () => {
  it('answers 201 with a pending job whose directory holds its config.json', async () => {
    const job = await create({ label: 'Be stars: Ähre/№ 2-b_c', description: null });
    expect(job).toMatchObject({ phase: 'PENDING', type: 'DATA_PREPROCESSING', config: CONFIG });
    expect(job.dir_path).toBe(`/JOBS/job_be_stars_ähre_2-b_c_${job.job_id}`);
    expect(Object.keys(job).filter((key) => key.endsWith('_at') && key !== 'created_at')).toEqual([]);
    expect(job).not.toHaveProperty('description');
    expect(JSON.parse(await readFile(join(directoryOf(job), 'config.json'), 'utf8'))).toEqual(CONFIG);
  });

  it('makes an empty directory where no config is given', async () => {
    const job = await create({ config: undefined });
    expect((await stat(directoryOf(job))).isDirectory()).toBe(true);
    expect(job).not.toHaveProperty('config');
  });

  it.each([
    [{ type: 'DATA_PREPROCESSING' }, 'label'],
    [{ type: 'NONSENSE', label: 'x' }, 'type'],
    [{ type: 'ACTIVE_ML', label: '' }, 'label'],
    [{ type: 'ACTIVE_ML', label: 'x'.repeat(51) }, 'label'],
    [{ type: 'ACTIVE_ML', label: 'x', description: 'x'.repeat(256) }, 'description'],
    [{ type: 'ACTIVE_ML', label: 'x', config: [] }, 'config'],
    [{ type: 'ACTIVE_ML', label: 'a\u0000b' }, 'label'],
    [{ type: 'ACTIVE_ML', label: 'x', config: { a: ['\ud800'] } }, 'config.a[0]'],
  ])('answers 422 to %j and names %s', async (body, path) => {
    const answer = await post('/jobs', body);
    expect(answer.status).toBe(422);
    expect(codeOf(answer)).toBe('invalid');
    expect(problemsOf(answer)).toContain(path);
  });

  it.each(['{"type":', '[]', '3', 'null', '', '[[[['.repeat(50_000)])(
    'answers 422 to the body %.20s',
    async (body) => {
      const answer = await call('POST', `${server.url}/jobs`, body);
      expect(answer.status).toBe(422);
      expect(codeOf(answer)).toBe('invalid');
    },
  );

  it('answers 413 to a body above the limit, in the one error shape', async () => {
    const answer = await post('/jobs', {
      type: 'ACTIVE_ML',
      label: 'x',
      config: { a: 'x'.repeat(17 << 20) },
    });
    expect(answer.status).toBe(413);
    expect(codeOf(answer)).toBe('too_large');
  });

  it('reads JSON without a content type too', async () => {
    const body = new Blob([JSON.stringify({ type: 'ACTIVE_ML', label: 'x' })]);
    const response = await fetch(`${server.url}/jobs/`, { method: 'POST', body });
    expect(response.status).toBe(201);
  });
});

describe('reading', () => {
  it('answers 404 for an unknown job and 422 for what is no uuid, everywhere', async () => {
    const id = randomUUID();
    const paths: [string, string][] = [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/process/RUN'],
      ['POST', '/process/ABORT'],
      ['POST', '/process/PAUSE'],
      ['POST', '/process/RESUME'],
      ['POST', '/end/COMPLETE'],
      ['POST', '/end/ERROR'],
      ['POST', '/clone'],
      ['GET', '/events'],
      ['GET', '/log'],
      ['GET', '/metrics'],
      ['GET', '/artifacts'],
      ['GET', '/rejects'],
    ];
    for (const [method, path] of paths) {
      expect((await call(method, `${server.url}/jobs/${id}${path}`)).status, `${method} ${path}`).toBe(404);
      expect((await call(method, `${server.url}/jobs/nonsense${path}`)).status, `${method} ${path}`).toBe(
        422,
      );
    }
    expect((await call('PATCH', `${server.url}/jobs/${id}`, { description: 'x' })).status).toBe(404);
    expect((await post(`/jobs/${id}/process/FLY`)).status).toBe(422);
    expect((await post(`/jobs/${id}/process/run`)).status).toBe(422);
    expect((await post(`/jobs/${id}/end/ABORT`)).status).toBe(422);
    expect((await get('/jobs/%E0%A4%A')).status).toBe(422);
  });

  it('lists by how far jobs are, those that told nothing last, either way', async () => {
    const [half, all, none, little] = [await create(), await create(), await create(), await create()];
    for (const [job, done] of [
      [half, 50],
      [all, 100],
      [little, 5],
    ] as const)
      await server.pool.query('update jobs set progress = $2 where id = $1', [
        job.job_id,
        { done, total: 100, unit: 'spectra' },
      ]);
    const list = async (sort: string) =>
      JobPage.parse((await get(`/jobs?sort=${sort}`)).body).jobs.map((job) => job.job_id);
    const ids = (...jobs: Job[]) => jobs.map((job) => job.job_id);
    expect(await list('progress')).toEqual(ids(little, half, all, none));
    expect(await list('-progress')).toEqual(ids(all, half, little, none));
  });

  it('orders its list as an index does: thousands of jobs are not sorted for a page', async () => {
    const client = await server.pool.connect();
    try {
      await client.query('begin');
      await client.query('set local enable_seqscan = off'); // what a table of a few rows is read by
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        'explain select id from jobs order by created_at desc, id asc limit 50 offset 100',
      );
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(plan).toContain('using jobs_newest');
      expect(plan).not.toContain('Sort');
    } finally {
      await client.query('rollback');
      client.release();
    }
  });

  it('lists newest first, in pages, by phase, type and text', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) {
      ids.unshift((await create({ label: `run ${index}`, description: `100%_${index}` })).job_id);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    const list = async (query: string) => JobPage.parse((await get(`/jobs?${query}`)).body);
    expect((await list('')).jobs.map((job) => job.job_id)).toEqual(ids);
    expect(await list('offset=1&limit=1')).toMatchObject({ total: 3, offset: 1, limit: 1 });
    expect((await list('offset=1&limit=1')).jobs.map((job) => job.job_id)).toEqual([ids[1]]);
    expect(await list('limit=0')).toEqual({ total: 3, offset: 0, limit: 0, jobs: [] });
    expect((await list('phase=ABORTED')).total).toBe(0);
    expect((await list('type=ACTIVE_ML')).total).toBe(0);
    expect((await list('q=RUN%201')).total).toBe(1);
    expect((await list('q=%25_2')).total).toBe(1);
    expect((await list(`q=${ids[0]}`)).total).toBe(1);
    for (const wrong of [
      'limit=1001',
      'limit=-1',
      'offset=x',
      'offset=1.5',
      'phase=LOST',
      'limit=1&limit=2',
      'q=%00',
    ])
      expect((await get(`/jobs?${wrong}`)).status, wrong).toBe(422);
  });

  it('answers with and without a trailing slash alike, never by a redirect', async () => {
    const job = await create();
    for (const path of ['/jobs/', `/jobs/${job.job_id}/`, `/jobs/${job.job_id}/log/`, '/health/']) {
      const response = await fetch(`${server.url}${path}`, { redirect: 'manual' });
      await response.text();
      expect(response.status, path).toBe(200);
    }
  });

  it('changes and clears the description', async () => {
    const { job_id } = await create();
    const patch = (body: unknown) => call('PATCH', `${server.url}/jobs/${job_id}`, body);
    expect(jobIn(await patch({ description: 'of M31' })).description).toBe('of M31');
    for (const none of [null, '']) {
      expect(jobIn(await patch({ description: none }))).not.toHaveProperty('description');
      expect(await create({ description: none })).not.toHaveProperty('description');
    }
    expect((await patch({})).status).toBe(422);
  });
});

describe('running', () => {
  it('answers 202 with PROCESSING and leaves the start in the outbox', async () => {
    const job = await running();
    expect(job).toMatchObject({ phase: 'PROCESSING', workflow_id: job.job_id });
    expect(job.started_at).toBeDefined();
    expect(job.config).toMatchObject({ ...CONFIG, bad_pixels: 'interpolate', recursive: true });
    expect(await commands(job)).toEqual([
      {
        command: 'start',
        payload: {
          workflow: 'preprocess',
          taskQueue: 'control',
          jobType: 'DATA_PREPROCESSING',
          label: 'Be stars',
          dataset: '/M31',
          input: { jobId: job.job_id, config: job.config },
        },
      },
    ]);
  });

  it('takes the config.json that was uploaded, and not the one of the creation', async () => {
    const job = await create();
    await writeFile(
      join(directoryOf(job), 'config.json'),
      `\ufeff${JSON.stringify({ ...CONFIG, data_dir_path: '/SPECTRA/M31', wave_point_count: 9 })}`,
    );
    const run = jobIn(await post(`/jobs/${job.job_id}/process/RUN`));
    expect(run.config).toMatchObject({ wave_point_count: 9, data_dir_path: '/SPECTRA/M31' });
  });

  it.each([
    ['no file', undefined, []],
    ['not JSON', '{"data_dir_path": ', []],
    ['no object', '[1]', ['']],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), []],
    ['too long', ' '.repeat(1 << 21), []],
    ['deeply nested', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, ['']],
    ['wrong types', JSON.stringify({ ...CONFIG, wave_point_count: '140' }), ['wave_point_count']],
    ['unknown keys', JSON.stringify({ ...CONFIG, colour: 1 }), ['']],
    ['a range upside down', JSON.stringify({ ...CONFIG, wave_end_point: 1 }), ['wave_end_point']],
    ['an absent directory', JSON.stringify({ ...CONFIG, data_dir_path: '/M32' }), ['data_dir_path']],
    ['a way out', JSON.stringify({ ...CONFIG, data_dir_path: '/../..' }), ['data_dir_path']],
  ])('answers 422 to a config.json with %s, and the job stays pending', async (_, content, problems) => {
    const job = await create({ config: undefined });
    if (content !== undefined) await writeFile(join(directoryOf(job), 'config.json'), content);
    const answer = await post(`/jobs/${job.job_id}/process/RUN`);
    expect(answer.status).toBe(422);
    expect(codeOf(answer)).toBe('invalid');
    expect(problemsOf(answer)).toEqual(problems);
    expect(jobIn(await get(`/jobs/${job.job_id}`)).phase).toBe('PENDING');
    expect(await commands(job)).toEqual([]);
  });

  it('takes the configuration of an old client, with "" for what it does not use', async () => {
    const config = {
      classes: ['other', 'double peak'],
      candidate_classes: ['double peak'],
      pool_data_path: '/pool.h5',
      training_data_path: '',
      training_data_to_add_path: '',
      oracle_data_to_add_path: '/JOBS/before/oracle_data.json',
      perf_est_list_path: '',
      oracle_batch_size: 100,
      iteration: 1,
    };
    const job = await create({ type: 'ACTIVE_ML', config });
    const run = jobIn(await post(`/jobs/${job.job_id}/process/RUN`));
    expect(run).toMatchObject({ phase: 'PROCESSING', config: { iteration: 1, strategy: 'entropy' } });
    expect(run.config).not.toHaveProperty('training_data_path');
    expect(await commands(job)).toMatchObject([
      { payload: { workflow: 'activeLearning', input: { jobId: job.job_id, config: run.config } } },
    ]);
  });

  it('answers 422 to the configuration of another type', async () => {
    const job = await create({ type: 'ACTIVE_ML' });
    const answer = await post(`/jobs/${job.job_id}/process/RUN`);
    expect(answer.status).toBe(422);
    expect(problemsOf(answer)).toEqual(expect.arrayContaining(['classes', 'pool_data_path']));
  });

  it.each([
    ['PENDING', { RUN: 202, ABORT: 202, PAUSE: 409, RESUME: 409 }],
    ['PROCESSING', { RUN: 409, ABORT: 202, PAUSE: 202, RESUME: 409 }],
    ['COMPLETED', { RUN: 409, ABORT: 409, PAUSE: 409, RESUME: 409 }],
    ['ERROR', { RUN: 409, ABORT: 409, PAUSE: 409, RESUME: 409 }],
    ['ABORTED', { RUN: 409, ABORT: 409, PAUSE: 409, RESUME: 409 }],
  ])('from %s answers %j', async (phase, statuses) => {
    for (const [action, status] of Object.entries(statuses)) {
      const job = await inPhase(phase);
      expect(job.phase).toBe(phase);
      const answer = await post(`/jobs/${job.job_id}/process/${action}`);
      expect(answer.status, action).toBe(status);
      if (status === 409) expect(codeOf(answer)).toBe('wrong_phase');
    }
    const ends = { 'end/COMPLETE': 'COMPLETED', 'end/ERROR': 'ERROR' };
    for (const [path, ended] of Object.entries(ends)) {
      const job = await inPhase(phase);
      const answer = await post(`/jobs/${job.job_id}/${path}`);
      expect(answer.status, path).toBe(phase === 'PROCESSING' ? 200 : 409);
      if (answer.status === 200) expect(jobIn(answer).phase).toBe(ended);
    }
    const job = await inPhase(phase);
    const deleted = await call('DELETE', `${server.url}/jobs/${job.job_id}`);
    expect(deleted.status).toBe(phase === 'PROCESSING' ? 409 : 204);
    expect((await get(`/jobs/${job.job_id}`)).status).toBe(phase === 'PROCESSING' ? 200 : 404);
  });

  it('does not pause a training, which would not hear of it', async () => {
    const config = { training_data_path: '/labelled.h5' };
    const { job_id } = jobIn(await post('/jobs', { type: 'TRAINING', label: 'x', config }));
    expect((await post(`/jobs/${job_id}/process/RUN`)).status).toBe(202);
    const answer = await post(`/jobs/${job_id}/process/PAUSE`);
    expect(answer.status).toBe(409);
    expect(codeOf(answer)).toBe('wrong_phase');
    expect(jobIn(await get(`/jobs/${job_id}`))).not.toHaveProperty('waiting_for');
  });

  it('pauses once and resumes once, each with its signal', async () => {
    const { job_id } = await running();
    const act = async (action: string) => (await post(`/jobs/${job_id}/process/${action}`)).status;
    expect(jobIn(await post(`/jobs/${job_id}/process/PAUSE`)).waiting_for).toBe('resume');
    expect(await act('PAUSE')).toBe(409);
    expect(jobIn(await post(`/jobs/${job_id}/process/RESUME`))).not.toHaveProperty('waiting_for');
    expect(await act('RESUME')).toBe(409);
    expect((await commands({ job_id })).slice(1).map(({ payload }) => payload)).toEqual([
      { signal: 'pause' },
      { signal: 'resume' },
    ]);
  });

  it('cancels a run that is aborted, and sends nothing for one that never began', async () => {
    const pending = await create();
    expect(jobIn(await post(`/jobs/${pending.job_id}/process/ABORT`))).toMatchObject({ phase: 'ABORTED' });
    expect(await commands(pending)).toEqual([]);
    const job = await running();
    const aborted = jobIn(await post(`/jobs/${job.job_id}/process/ABORT`));
    expect(aborted.ended_at).toBeDefined();
    expect((await commands(job)).map(({ command }) => command)).toEqual(['start', 'cancel']);
  });

  it('lets one RUN of many win, and gives RUN against ABORT exactly one outcome', async () => {
    const { job_id } = await create();
    const runs = await Promise.all(Array.from({ length: 8 }, () => post(`/jobs/${job_id}/process/RUN`)));
    expect(runs.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409, 409, 409, 409, 409]);
    expect(await commands({ job_id })).toHaveLength(1);

    for (let round = 0; round < 10; round++) {
      const job = await create();
      const [run, abort] = await Promise.all([
        post(`/jobs/${job.job_id}/process/RUN`),
        post(`/jobs/${job.job_id}/process/ABORT`),
      ]);
      expect(abort.status).toBe(202);
      expect(jobIn(await get(`/jobs/${job.job_id}`)).phase).toBe('ABORTED');
      // Either the run came first, and is cancelled, or it never began.
      const sent = (await commands(job)).map(({ command }) => command);
      expect(sent).toEqual(run.status === 202 ? ['start', 'cancel'] : []);
    }
  });

  it('lets one of COMPLETE, ERROR and ABORT win, and the result of an ended job is not taken', async () => {
    for (let round = 0; round < 5; round++) {
      const { job_id } = await running();
      const outcomes = await Promise.all([
        post(`/jobs/${job_id}/process/ABORT`).then(({ status }) => status === 202),
        server.jobs.complete(job_id, { artifacts: [] }),
        server.jobs.fail(job_id, { message: 'x', trace: '' }),
      ]);
      expect(outcomes.filter(Boolean)).toHaveLength(1);
    }
  });
});

describe('ending, cloning, deleting', () => {
  it('takes the times of the client, with or without an offset', async () => {
    const { job_id } = await running();
    const ended = jobIn(
      await post(`/jobs/${job_id}/end/COMPLETE`, {
        started_at: '2026-01-01T10:00:00',
        ended_at: '2026-01-01T11:00:30.5+01:00',
      }),
    );
    expect(ended).toMatchObject({
      started_at: '2026-01-01T10:00:00.000Z',
      ended_at: '2026-01-01T10:00:30.500Z',
      execution_duration: 30.5,
    });
    expect((await commands({ job_id })).map(({ command }) => command)).toEqual(['start', 'cancel']);
  });

  it.each([
    { ended_at: 'yesterday' },
    { started_at: '0000-01-01T00:00:00Z' },
    { started_at: '2026-01-02T00:00:00Z', ended_at: '2026-01-01T00:00:00Z' },
  ])('answers 422 to the times %j', async (body) => {
    const { job_id } = await running();
    expect((await post(`/jobs/${job_id}/end/ERROR`, body)).status).toBe(422);
    expect(jobIn(await get(`/jobs/${job_id}`)).phase).toBe('PROCESSING');
  });

  it('clones the configuration as it was submitted, with changes', async () => {
    const origin = await running();
    await writeFile(join(directoryOf(origin), 'config.json'), '{"changed": "afterwards"}');
    const answer = await post(`/jobs/${origin.job_id}/clone`, { config: { wave_point_count: 280 } });
    expect(answer.status).toBe(201);
    const clone = jobIn(answer);
    expect(clone).toMatchObject({
      phase: 'PENDING',
      label: 'Be stars',
      config: { ...CONFIG, wave_point_count: 280 },
    });
    const written: unknown = JSON.parse(await readFile(join(directoryOf(clone), 'config.json'), 'utf8'));
    expect(written).toEqual({ ...CONFIG, wave_point_count: 280 });
    expect(jobIn(await post(`/jobs/${clone.job_id}/clone`, { label: 'again' })).label).toBe('again');
    expect((await post(`/jobs/${clone.job_id}/process/RUN`)).status).toBe(202);
  });

  it('clones what was uploaded to a job that never ran', async () => {
    const origin = await create({ config: undefined });
    await writeFile(join(directoryOf(origin), 'config.json'), JSON.stringify(CONFIG));
    expect(jobIn(await post(`/jobs/${origin.job_id}/clone`)).config).toEqual(CONFIG);
  });

  it('keeps the files of a deleted job unless asked to delete them', async () => {
    const kept = await create();
    await call('DELETE', `${server.url}/jobs/${kept.job_id}`);
    expect((await stat(directoryOf(kept))).isDirectory()).toBe(true);
    const gone = await create();
    await call('DELETE', `${server.url}/jobs/${gone.job_id}?files=true`);
    await expect(stat(directoryOf(gone))).rejects.toThrow('ENOENT');
  });

  it('deletes a job whose directory somebody replaced by a file, and leaves the file', async () => {
    const job = await create();
    await rm(directoryOf(job), { recursive: true });
    await writeFile(directoryOf(job), 'mine');
    expect((await call('DELETE', `${server.url}/jobs/${job.job_id}?files=true`)).status).toBe(204);
    expect(await readFile(directoryOf(job), 'utf8')).toBe('mine');
  });
});

describe('what a run leaves', () => {
  it('shows its error, its log each line once, its artifacts and its rejects', async () => {
    const { job_id } = await running();
    await server.jobs.appendLog(job_id, { level: 'info', message: 'a\u0000b', key: 'once' });
    await server.jobs.appendLog(job_id, { level: 'info', message: 'again', key: 'once' });
    await server.jobs.appendLog(job_id, { level: 'warning', message: 'two' });
    const { lines } = LogPage.parse((await get(`/jobs/${job_id}/log`)).body);
    expect(lines.map(({ message }) => message)).toEqual(['a\ufffdb', 'two']);
    expect(LogPage.parse((await get(`/jobs/${job_id}/log?after=${lines[0]?.id}`)).body).lines).toHaveLength(
      1,
    );

    await server.jobs.recordRejects(job_id, [
      { path: 'b.fits', reason: 'empty' },
      { path: 'a.fits', reason: 'truncated' },
    ]);
    await server.jobs.recordRejects(job_id, [{ path: 'b.fits', reason: 'empty file' }]);
    expect((await get(`/jobs/${job_id}/rejects?offset=1&limit=5`)).body).toEqual({
      job_id,
      total: 2,
      rejects: [{ path: 'b.fits', reason: 'empty file' }],
    });
    const artifact = { path: 'result.h5', media_type: 'application/x-hdf5', bytes: 5e9, sha256: 'ab' };
    expect(await server.jobs.complete(job_id, { statusDetail: '2 spectra', artifacts: [artifact] })).toBe(
      true,
    );
    expect((await get(`/jobs/${job_id}/artifacts`)).body).toMatchObject({ artifacts: [artifact] });
    expect(jobIn(await get(`/jobs/${job_id}`)).status_detail).toBe('2 spectra');
    expect(jobIn(await inPhaseJob('ERROR')).error).toEqual({ message: 'no disk', trace: 'at disk' });
    const metrics = z
      .object({ metrics: z.array(z.unknown()) })
      .parse((await get(`/jobs/${job_id}/metrics`)).body);
    expect(metrics.metrics).toEqual([]);
  });

  it('waits a little for the hash of a result that has just been made, and no longer', async () => {
    const { job_id } = await running();
    const artifact = { path: 'result.h5', media_type: 'application/x-hdf5', bytes: 5e9 };
    await server.jobs.complete(job_id, { artifacts: [artifact] });
    const asked = get(`/jobs/${job_id}/artifacts`);
    await delay(300);
    await server.jobs.recordHash(job_id, 'result.h5', 'ab');
    expect((await asked).body).toMatchObject({ artifacts: [{ ...artifact, sha256: 'ab' }] });

    const { job_id: earlier } = await running();
    await server.jobs.complete(earlier, { artifacts: [artifact] });
    await server.pool.query(`update jobs set ended_at = now() - interval '1 hour' where id = $1`, [earlier]);
    const since = performance.now();
    expect((await get(`/jobs/${earlier}/artifacts`)).body).toMatchObject({ artifacts: [artifact] });
    expect(performance.now() - since).toBeLessThan(5000);
  });

  it('counts a retried shard once, and none after the end', async () => {
    const { job_id } = await running();
    await server.jobs.setProgressTotal(job_id, 100);
    const shard = (shard: number, done: number) =>
      server.jobs.recordShard(job_id, { shard, done, rejected: 1 });
    expect(await shard(0, 10)).toBe(true);
    await Promise.all([shard(0, 20), shard(1, 30), shard(2, 5)]);
    expect(jobIn(await get(`/jobs/${job_id}`)).progress).toEqual({
      done: 55,
      total: 100,
      unit: 'spectra',
      rejected: 3,
    });
    const { rows } = await server.pool.query(
      `select count(*)::int as progress from job_events where job_id = $1 and kind = 'progress'`,
      [job_id],
    );
    expect(rows).toEqual([{ progress: 1 }]);
    await post(`/jobs/${job_id}/process/ABORT`);
    expect(await shard(0, 90)).toBe(false);
    expect(jobIn(await get(`/jobs/${job_id}`)).progress?.done).toBe(55);
  });

  it('takes nothing for a job that was deleted meanwhile', async () => {
    const id = randomUUID();
    await server.jobs.appendLog(id, { level: 'info', message: 'late' });
    expect(await server.jobs.recordRejects(id, [{ path: 'a', reason: 'b' }])).toBe(false);
    expect(await server.jobs.complete(id, { artifacts: [] })).toBe(false);
  });
});

async function inPhaseJob(phase: string): Promise<Answer> {
  return get(`/jobs/${(await inPhase(phase)).job_id}`);
}
