import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Ready, WorkerPage } from '../../contracts/system.ts';
import { NAMESPACE, REQUIRED_QUEUES } from '../../contracts/task-queues.ts';
import { createWorkerBackendsRepository } from '../../db/repositories/worker-backends.ts';
import { findTemporal } from '../../deploy/embedded/temporal-binaries.ts';
import { startTemporal, type RunningTemporal } from '../../deploy/embedded/temporal.ts';
import { call, startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
let temporal: RunningTemporal;
let connection: NativeConnection;
let scratch: string;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), workerHeartbeatInterval: '5s' });
  scratch = await mkdtemp(join(tmpdir(), 'workers of a test '));
  temporal = await startTemporal({
    executable: await findTemporal(() => undefined),
    databaseFile: join(scratch, 'temporal.db'),
    logFile: join(scratch, 'temporal.log'),
    uiPort: 'none',
  });
  server = await startTestServer({ TEMPORAL_ADDRESS: temporal.address });
  connection = await NativeConnection.connect({ address: temporal.address });
});
afterAll(async () => {
  await connection.close();
  await server.close();
  await temporal.stop();
  await rm(scratch, { recursive: true, force: true });
});

const ready = async () => Ready.parse((await call('GET', `${server.url}/ready`)).body);

it('is ready once every queue that jobs need has a worker, and no more once one has gone', async () => {
  expect((await ready()).checks).toMatchObject({
    temporal: { ok: true },
    queues: {
      ...Object.fromEntries(REQUIRED_QUEUES.map((queue) => [queue, { ok: false }])),
      gpu: { ok: true, detail: 'no worker is polling, and none is needed' },
    },
  });
  const start = async (taskQueue: string) => {
    const worker = await Worker.create({
      connection,
      namespace: NAMESPACE,
      taskQueue,
      activities: { nothing: async () => undefined },
    });
    return { worker, running: worker.run() };
  };
  const started = [];
  for (const queue of REQUIRED_QUEUES) started.push({ queue, ...(await start(queue)) });
  await expect.poll(async () => (await ready()).ready, { timeout: 15_000 }).toBe(true);
  expect((await call('GET', `${server.url}/ready`)).status).toBe(200);
  const { workers } = WorkerPage.parse((await call('GET', `${server.url}/workers`)).body);
  expect(workers.map(({ task_queue, status }) => [task_queue, status])).toEqual(
    [...REQUIRED_QUEUES].sort().map((queue) => [queue, 'running']),
  );
  expect(workers.every(({ pid, heartbeat_at }) => pid === String(process.pid) && heartbeat_at)).toBe(true);

  const [identity = ''] = workers.map((worker) => worker.identity);
  const backends = createWorkerBackendsRepository(server.db);
  const tensorflow = async () => {
    const page = WorkerPage.parse((await call('GET', `${server.url}/workers`)).body);
    return page.workers.map((worker) => worker.tensorflow);
  };
  // One process serves all queues here; what another said with its pid, before its start, is not its word.
  await backends.upsert(identity, { state: 'ready', backend: 'tfjs-node' }, new Date(Date.now() - 3_600_000));
  expect(await tensorflow()).toEqual(workers.map(() => undefined));
  await backends.upsert(identity, { state: 'setting up' });
  expect(await tensorflow()).toEqual(workers.map(() => ({ state: 'setting up' })));
  const fallback = {
    state: 'failed',
    backend: 'javascript',
    version: '4.22.0',
    threads: 2,
    note: 'a thousand times slower',
  } as const;
  await backends.upsert(identity, fallback);
  expect(await tensorflow()).toEqual(workers.map(() => fallback));

  const cpu = started.find(({ queue }) => queue === 'cpu');
  cpu?.worker.shutdown();
  await cpu?.running;
  await expect
    .poll(async () => (await ready()).checks.queues, { timeout: 20_000, interval: 200 })
    .toMatchObject({ control: { ok: true }, cpu: { ok: false } });
  for (const { queue, worker, running } of started) {
    if (queue === 'cpu') continue;
    worker.shutdown();
    await running;
  }
});

it('forgets workers that have not been heard of for a day', async () => {
  const backends = createWorkerBackendsRepository(server.db);
  const hours = (count: number) => new Date(Date.now() - count * 3_600_000);
  await backends.upsert('1@gone', { state: 'ready', backend: 'tfjs-node' }, hours(23));
  await backends.upsert('2@there', { state: 'ready', backend: 'tfjs-node' });
  const identities = async () => (await backends.list()).map(({ identity }) => identity);
  expect(await identities()).toEqual(expect.arrayContaining(['1@gone', '2@there']));
  await backends.upsert('1@gone', { state: 'ready', backend: 'tfjs-node' }, hours(25));
  expect(await identities()).toContain('2@there');
  expect(await identities()).not.toContain('1@gone');
});
