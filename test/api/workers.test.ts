import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Ready, WorkerPage } from '../../contracts/system.ts';
import { NAMESPACE } from '../../contracts/task-queues.ts';
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

it('is ready once every queue has a worker, and no more once one has gone', async () => {
  expect((await ready()).checks).toMatchObject({
    temporal: { ok: true },
    queues: { control: { ok: false }, cpu: { ok: false }, merge: { ok: false } },
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
  const [control, cpu, merge] = [await start('control'), await start('cpu'), await start('merge')];
  await expect.poll(async () => (await ready()).ready, { timeout: 15_000 }).toBe(true);
  expect((await call('GET', `${server.url}/ready`)).status).toBe(200);
  const { workers } = WorkerPage.parse((await call('GET', `${server.url}/workers`)).body);
  expect(workers.map(({ task_queue, status }) => [task_queue, status])).toEqual([
    ['control', 'running'],
    ['cpu', 'running'],
    ['merge', 'running'],
  ]);
  expect(workers.every(({ pid, heartbeat_at }) => pid === String(process.pid) && heartbeat_at)).toBe(true);

  cpu.worker.shutdown();
  await cpu.running;
  await expect
    .poll(async () => (await ready()).checks.queues, { timeout: 20_000, interval: 200 })
    .toMatchObject({ control: { ok: true }, cpu: { ok: false } });
  for (const { worker, running } of [control, merge]) {
    worker.shutdown();
    await running;
  }
});
