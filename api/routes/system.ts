import { isGrpcServiceError, type Client } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { Health, Ready, StorageUse, SystemInfo, WorkerPage } from '../../contracts/system.ts';
import { NAMESPACE, OPTIONAL_QUEUES, TASK_QUEUES } from '../../contracts/task-queues.ts';
import { VERSION } from '../../contracts/version.ts';
import type { Database } from '../../db/connection.ts';
import { readStorageUse } from '../../db/storage-use.ts';
import type { WorkerBackendsRepository } from '../../db/repositories/worker-backends.ts';
import type { FileStore } from '../../storage/file-store.ts';
import { HttpError } from '../errors.ts';
import type { ApiMetrics } from '../metrics.ts';
import { defineRoute, type Route } from '../route.ts';
import { hasPoller, listLiveWorkers, servedQueues, withTensorflow } from '../workers.ts';

const CHECK_TIMEOUT_MS = 3000;
/** gRPC status of a call that the server doesn't know. */
const UNIMPLEMENTED = 12;
const tags: [string] = ['system'];
const QUEUES = Object.values(TASK_QUEUES);

type Check = Ready['checks']['database'];

export interface SystemDependencies {
  db: Database;
  metrics: ApiMetrics;
  workerBackends: WorkerBackendsRepository;
  fileStore: FileStore;
  temporal: Client;
  temporalUiUrl?: string;
}

/** `work`'s answer as a check; whatever goes wrong, or takes too long, is what its `detail` says. */
async function check(work: () => Promise<Check | undefined>): Promise<Check> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Check>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT_MS, { ok: false, detail: 'no answer in time' });
  });
  try {
    return (await Promise.race([work(), late])) ?? { ok: true };
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** How the system itself is (API.md section 5). */
export function systemRoutes(dependencies: SystemDependencies): Route[] {
  const { db, metrics, workerBackends, fileStore, temporal, temporalUiUrl } = dependencies;
  const withDeadline = <T>(work: () => Promise<T>): Promise<T> =>
    temporal.withDeadline(Date.now() + CHECK_TIMEOUT_MS, work);

  async function checkQueues(): Promise<Record<string, Check>> {
    const workers = withDeadline(() => listLiveWorkers(temporal)).catch((error: unknown) => {
      // An older server, or the test server: the pollers have to say.
      if (isGrpcServiceError(error) && error.code === UNIMPLEMENTED) return undefined;
      throw error;
    });
    const checks = QUEUES.map(async (queue) => {
      const result = await check(async () => {
        const live = await workers;
        const isPolled = live
          ? servedQueues(live).has(queue)
          : await withDeadline(() => hasPoller(temporal, queue));
        if (isPolled) return { ok: true };
        return OPTIONAL_QUEUES.includes(queue)
          ? { ok: true, detail: 'no worker is polling, and none is needed' }
          : { ok: false, detail: 'no worker is polling' };
      });
      return [queue, result] as const;
    });
    return Object.fromEntries(await Promise.all(checks));
  }

  async function readiness(): Promise<Ready> {
    const [database, temporalCheck, storage, queues] = await Promise.all([
      check(async () => {
        await db.execute(sql`select 1 from jobs limit 1`);
        return undefined;
      }),
      check(async () => {
        await withDeadline(() => temporal.workflowService.describeNamespace({ namespace: NAMESPACE }));
        return undefined;
      }),
      check(async () => {
        await fileStore.check();
        return undefined;
      }),
      checkQueues(),
    ]);
    const all = [database, temporalCheck, storage, ...Object.values(queues)];
    return {
      ready: all.every(({ ok }) => ok),
      checks: { database, temporal: temporalCheck, storage, queues },
    };
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/health',
      operationId: 'getHealth',
      summary: 'Is the API alive',
      tags,
      responses: { 200: Health },
      handler: async () => ({ status: 200, body: { status: 'ok', version: VERSION } }),
    }),
    defineRoute({
      method: 'get',
      path: '/api/ready',
      operationId: 'getReady',
      summary: 'Can jobs run: database, Temporal, storage, a worker on each queue that jobs need',
      tags,
      responses: { 200: Ready, 503: Ready },
      handler: async () => {
        const body = await readiness();
        return { status: body.ready ? 200 : 503, body };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/workers',
      operationId: 'listWorkers',
      summary: 'Workers whose last heartbeat is younger than 15 s, with their TensorFlow',
      tags,
      responses: { 200: WorkerPage },
      errors: [503],
      handler: async () => {
        const backends = await workerBackends.list();
        try {
          const live = await withDeadline(() => listLiveWorkers(temporal));
          return { status: 200, body: { workers: withTensorflow(live, backends) } };
        } catch (error) {
          if (!(error instanceof Error)) throw error;
          throw new HttpError(503, 'temporal_unavailable', `Temporal does not say: ${error.message}`);
        }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/system',
      operationId: 'getSystem',
      summary: 'What this server is, and where Temporal’s web UI is',
      tags,
      responses: { 200: SystemInfo },
      handler: async () => ({
        status: 200,
        body: {
          version: VERSION,
          ...(temporalUiUrl === undefined ? {} : { temporal_ui_url: temporalUiUrl }),
          namespace: NAMESPACE,
          spectra_read_only: fileStore.archiveReadOnly,
        },
      }),
    }),
    defineRoute({
      method: 'get',
      path: '/api/system/storage',
      operationId: 'getStorageUse',
      summary: 'What takes room: spectra, results, the database; and the room there is',
      tags,
      responses: { 200: StorageUse },
      handler: async () => {
        const [use, room] = await Promise.all([readStorageUse(db), fileStore.room()]);
        const disk = room && { total_bytes: room.totalBytes, free_bytes: room.freeBytes };
        return { status: 200, body: { ...use, ...(disk && { disk }) } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      summary: 'Numbers for Prometheus',
      tags,
      responses: {
        200: { mediaTypes: ['text/plain; version=0.0.4; charset=utf-8'], description: 'Prometheus text' },
      },
      handler: async () => ({ status: 200, content: await metrics.render() }),
    }),
  ];
}
