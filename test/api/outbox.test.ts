import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { markWaitingForWorkers, reconcileRuns } from '../../api/run-reconciler.ts';
import { Job } from '../../contracts/job.ts';
import { Ready } from '../../contracts/system.ts';
import { NAMESPACE, REQUIRED_QUEUES } from '../../contracts/task-queues.ts';
import { addToOutbox, type OutboxCommand } from '../../db/repositories/outbox.ts';
import { freePort } from '../../deploy/embedded/port.ts';
import { findTemporal } from '../../deploy/embedded/temporal-binaries.ts';
import { startTemporal, type RunningTemporal } from '../../deploy/embedded/temporal.ts';
import { call, startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
let scratch: string;
let port: number;
let temporal: RunningTemporal;
let connection: Connection;
let client: Client;

async function startOwnTemporal(): Promise<RunningTemporal> {
  return startTemporal({
    executable: await findTemporal(() => undefined),
    databaseFile: join(scratch, 'temporal.db'),
    logFile: join(scratch, 'temporal.log'),
    port,
    uiPort: 'none',
  });
}

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'outbox of a test '));
  port = await freePort();
  server = await startTestServer({ TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
  temporal = await startOwnTemporal();
  connection = Connection.lazy({ address: `127.0.0.1:${port}` });
  client = new Client({ connection, namespace: NAMESPACE });
});
afterAll(async () => {
  await connection.close();
  await server.close();
  await temporal.stop();
  await rm(scratch, { recursive: true, force: true });
});

const CONFIG = {
  data_dir_path: '/',
  wave_start_point: 6519,
  wave_end_point: 6732,
  wave_point_count: 140,
};

async function run(): Promise<string> {
  const made = await call('POST', `${server.url}/jobs`, {
    type: 'DATA_PREPROCESSING',
    label: 'outbox',
    description: 'a description',
    config: CONFIG,
  });
  const { job_id } = Job.parse(made.body);
  expect((await call('POST', `${server.url}/jobs/${job_id}/process/RUN`)).status).toBe(202);
  return job_id;
}
const act = async (jobId: string, action: string) =>
  expect((await call('POST', `${server.url}/jobs/${jobId}/process/${action}`)).status).toBe(202);

/** Waits until nothing is in the outbox. */
async function drained(): Promise<void> {
  await expect.poll(async () => (await server.outbox.lag()).waiting, { timeout: 30_000 }).toBe(0);
}
const add = (workflowId: string, command: OutboxCommand) =>
  server.db.transaction((tx) => addToOutbox(tx, workflowId, command));
async function eventTypes(workflowId: string): Promise<string[]> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: NAMESPACE,
    execution: { workflowId },
  });
  return (history?.events ?? []).map((event) =>
    event.workflowExecutionSignaledEventAttributes
      ? `signal ${event.workflowExecutionSignaledEventAttributes.signalName}`
      : event.workflowExecutionCancelRequestedEventAttributes
        ? 'cancel'
        : event.workflowExecutionStartedEventAttributes
          ? 'start'
          : 'other',
  );
}

it('starts a run with its memo and its search attributes', async () => {
  const jobId = await run();
  await drained();
  const described = await client.workflow.getHandle(jobId).describe();
  expect(described).toMatchObject({
    type: 'preprocess',
    taskQueue: 'control',
    memo: { label: 'outbox', description: 'a description' },
    status: { name: 'RUNNING' },
  });
  const attributes = Object.fromEntries(
    described.typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
  );
  expect(attributes).toEqual({
    SpectrolabeJobId: jobId,
    SpectrolabeJobType: 'DATA_PREPROCESSING',
    SpectrolabeDataset: '/',
  });
});

it('ends a job whose run was terminated behind its back, and leaves one that runs alone', async () => {
  const [terminated, running] = [await run(), await run()];
  for (const jobId of [terminated, running])
    await expect.poll(() => eventTypes(jobId).catch(() => []), { timeout: 30_000 }).toContain('start');
  await client.workflow.getHandle(terminated).terminate('an operator');
  // A run is compared only once it is ten seconds old.
  await server.pool.query(`update jobs set started_at = now() - interval '1 minute' where id = any($1)`, [
    [terminated, running],
  ]);
  await reconcileRuns(server.db, server.jobs, client, pino({ level: 'silent' }));
  expect(await server.jobs.find(terminated)).toMatchObject({
    phase: 'ERROR',
    error: { message: expect.stringContaining('terminated') as unknown },
  });
  expect(await server.jobs.find(running)).toMatchObject({ phase: 'PROCESSING' });
});

it('says that a job waits for a worker while a queue has none, but of a paused one that it is paused', async () => {
  const [waiting, paused] = [await run(), await run()];
  await act(paused, 'PAUSE');
  await drained();
  await server.pool.query(`update jobs set started_at = now() - interval '1 minute' where id = any($1)`, [
    [waiting, paused],
  ]);
  await markWaitingForWorkers(server.db, server.jobs, new Set(['control']));
  expect(await server.jobs.find(waiting)).toMatchObject({ waitingFor: 'worker' });
  expect(await server.jobs.find(paused)).toMatchObject({ waitingFor: 'resume' });
  // Nobody serves `gpu`: only a job that asked for it misses it.
  expect(REQUIRED_QUEUES).not.toContain('gpu');
  await markWaitingForWorkers(server.db, server.jobs, new Set(REQUIRED_QUEUES));
  expect(await server.jobs.find(waiting)).toMatchObject({ waitingFor: null });
  await server.pool.query(`update jobs set config = '{"accelerator": "gpu"}' where id = $1`, [waiting]);
  await markWaitingForWorkers(server.db, server.jobs, new Set(REQUIRED_QUEUES));
  expect(await server.jobs.find(waiting)).toMatchObject({ waitingFor: 'worker' });
  await markWaitingForWorkers(server.db, server.jobs, new Set([...REQUIRED_QUEUES, 'gpu']));
  expect(await server.jobs.find(waiting)).toMatchObject({ waitingFor: null });
  expect(await server.jobs.find(paused)).toMatchObject({ waitingFor: 'resume' });
});

it('keeps what is asked while Temporal is down, delivers it in order afterwards, and once', async () => {
  await temporal.stop();
  const jobs: string[] = [];
  for (let index = 0; index < 5; index++) {
    const jobId = await run();
    await act(jobId, 'PAUSE');
    await act(jobId, 'RESUME');
    await act(jobId, 'ABORT');
    jobs.push(jobId);
  }
  expect((await server.outbox.lag()).waiting).toBe(20);
  const ready = await call('GET', `${server.url}/ready`);
  expect(ready.status).toBe(503);
  expect(Ready.parse(ready.body)).toMatchObject({
    ready: false,
    checks: { database: { ok: true }, storage: { ok: true }, temporal: { ok: false } },
  });
  await server.restart();
  temporal = await startOwnTemporal();
  await drained();
  for (const jobId of jobs)
    expect((await eventTypes(jobId)).filter((type) => type !== 'other')).toEqual([
      'start',
      'signal pause',
      'signal resume',
      'cancel',
    ]);
});

it('hands a signal its input', async () => {
  const jobId = await run();
  const input = { oracle_batch_size: 50, strategy: 'margin' };
  await add(jobId, { command: 'signal', payload: { signal: 'changeSettings', input } });
  await drained();
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: NAMESPACE,
    execution: { workflowId: jobId },
  });
  const payloads = (history?.events ?? []).flatMap(
    (event) => event.workflowExecutionSignaledEventAttributes?.input?.payloads ?? [],
  );
  expect(
    payloads.map(({ data }) => JSON.parse(new TextDecoder().decode(data ?? undefined)) as unknown),
  ).toEqual([input]);
});

it('takes a second delivery of a start for delivered, while it runs and after it ended', async () => {
  const jobId = await run();
  await drained();
  const start = {
    command: 'start',
    payload: {
      workflow: 'preprocess',
      taskQueue: 'control',
      input: {},
      jobType: 'DATA_PREPROCESSING',
    },
  } as const;
  const { firstExecutionRunId } = await client.workflow
    .getHandle(jobId)
    .describe()
    .then((described) => ({ firstExecutionRunId: described.runId }));
  await add(jobId, start);
  await drained();
  await client.workflow.getHandle(jobId).terminate();
  await add(jobId, start);
  await add(jobId, { command: 'signal', payload: { signal: 'pause' } });
  await add(jobId, { command: 'cancel' });
  await drained();
  const described = await client.workflow.getHandle(jobId).describe();
  expect(described.runId).toBe(firstExecutionRunId);
  expect(described.status.name).toBe('TERMINATED');
});

it('does not let a command that Temporal refuses hold up another workflow', async () => {
  const refused = randomUUID();
  // Longer than any workflow type may be.
  await add(refused, {
    command: 'start',
    payload: { workflow: 'x'.repeat(5000), taskQueue: 'control', input: {} },
  });
  await add(refused, { command: 'cancel' });
  const jobId = await run();
  await expect
    .poll(async () => (await eventTypes(jobId).catch(() => [])).length, { timeout: 10_000 })
    .toBeGreaterThan(0);
  const { rows } = await server.pool.query<{ attempts: number; last_error: string | null }>(
    'select attempts, last_error from outbox where workflow_id = $1 order by id',
    [refused],
  );
  expect(rows).toHaveLength(2);
  expect(rows[0]?.last_error).not.toBeNull();
  await server.pool.query('delete from outbox where workflow_id = $1', [refused]);
});

it('is delivered once by two processes at once', async () => {
  const delivered: string[] = [];
  const workflowIds = Array.from({ length: 20 }, () => randomUUID());
  await server.restart({ TEMPORAL_ADDRESS: '127.0.0.1:1' });
  await drained();
  await server.db.transaction(async (tx) => {
    for (const id of workflowIds)
      for (const signal of ['pause', 'resume'])
        await addToOutbox(tx, id, { command: 'signal', payload: { signal } });
  });
  const takeAll = async (): Promise<void> => {
    for (let idle = 0; idle < 20;) {
      const taken = await server.outbox.deliverNext(async (row) => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        delivered.push(`${row.workflowId} ${String(row.payload['signal'])}`);
      });
      if (taken) idle = 0;
      else {
        idle++;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  };
  await Promise.all([takeAll(), takeAll(), takeAll()]);
  // The server's own dispatcher may hold one row until its attempt at nobody's address has failed.
  await expect
    .poll(
      async () => {
        await takeAll();
        return delivered.length;
      },
      { timeout: 30_000 },
    )
    .toBe(40);
  expect(new Set(delivered).size).toBe(40);
  for (const id of workflowIds)
    expect(delivered.indexOf(`${id} pause`)).toBeLessThan(delivered.indexOf(`${id} resume`));
});
