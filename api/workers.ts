import type { Client } from '@temporalio/client';
import { z } from 'zod';
import type { WorkerInfo } from '../contracts/system.ts';
import { NAMESPACE, TASK_QUEUES, type TaskQueue } from '../contracts/task-queues.ts';
import type { WorkerBackend } from '../db/repositories/worker-backends.ts';

/** Workers send a heartbeat each second; after this many without one, nobody is there. */
export const WORKER_ALIVE_MS = 15_000;
/** DescribeTaskQueue remembers pollers for minutes; one long poll lasts about a minute. */
const POLLER_ALIVE_MS = 70_000;
const PAGE = 200;
/** Temporal dates a worker's start a little after its process began to take tasks. */
const START_SLACK_MS = 30_000;
/** temporal.api.enums.v1.WorkerStatus */
const STATUS_NAMES: Readonly<Record<number, string>> = { 1: 'running', 2: 'shutting down', 3: 'shut down' };

/** google.protobuf.Timestamp, its seconds a number or a Long; as milliseconds since the epoch. */
const Timestamp = z
  .object({ seconds: z.coerce.number().nullish(), nanos: z.number().nullish() })
  .transform(({ seconds, nanos }) => (seconds ?? 0) * 1000 + Math.floor((nanos ?? 0) / 1e6));

type TimestampLike = object | null | undefined;
const timeOf = (timestamp: TimestampLike): number | undefined =>
  timestamp ? Timestamp.parse(timestamp) : undefined;
const isoOf = (timestamp: TimestampLike): string | undefined => {
  const time = timeOf(timestamp);
  return time === undefined ? undefined : new Date(time).toISOString();
};

/** The workers whose last heartbeat is younger than WORKER_ALIVE_MS. @throws where Temporal can't say */
export async function listLiveWorkers(client: Client): Promise<WorkerInfo[]> {
  const workers: WorkerInfo[] = [];
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const page = await client.workflowService.listWorkers({
      namespace: NAMESPACE,
      pageSize: PAGE,
      nextPageToken,
    });
    for (const { workerHeartbeat } of page.workersInfo) {
      if (!workerHeartbeat) continue;
      const heartbeatAt = timeOf(workerHeartbeat.heartbeatTime);
      if (heartbeatAt === undefined || Date.now() - heartbeatAt > WORKER_ALIVE_MS) continue;
      workers.push({
        identity: workerHeartbeat.workerIdentity ?? '',
        task_queue: workerHeartbeat.taskQueue ?? '',
        host: workerHeartbeat.hostInfo?.hostName ?? undefined,
        pid: workerHeartbeat.hostInfo?.processId ?? undefined,
        status: STATUS_NAMES[workerHeartbeat.status ?? 0],
        started_at: isoOf(workerHeartbeat.startTime),
        heartbeat_at: new Date(heartbeatAt).toISOString(),
      });
    }
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
  return workers.sort(
    (a, b) => a.task_queue.localeCompare(b.task_queue) || a.identity.localeCompare(b.identity),
  );
}

/**
 * The workers, each with what its process has said of its TensorFlow. A record from before the worker's start is that of
 * an earlier process with its pid.
 */
export function withTensorflow(
  workers: readonly WorkerInfo[],
  backends: readonly WorkerBackend[],
): WorkerInfo[] {
  const byIdentity = new Map(backends.map((backend) => [backend.identity, backend]));
  return workers.map((worker) => {
    const backend = byIdentity.get(worker.identity);
    if (!backend || backend.updatedAt.getTime() < Date.parse(worker.started_at ?? '') - START_SLACK_MS)
      return worker;
    return { ...worker, tensorflow: backend.tensorflow };
  });
}

/** Those that take tasks: one that is shutting down takes no more. */
export function pollingWorkers(workers: readonly WorkerInfo[]): WorkerInfo[] {
  return workers.filter(({ status }) => status === 'running');
}

/** How many living workers poll a task queue. @throws where Temporal can't say */
export async function countWorkers(client: Client, queue: TaskQueue): Promise<number> {
  return pollingWorkers(await listLiveWorkers(client)).filter((worker) => worker.task_queue === queue).length;
}

/** The task queues that these workers poll. */
export function servedQueues(workers: readonly WorkerInfo[]): Set<string> {
  return new Set(pollingWorkers(workers).map(({ task_queue: queue }) => queue));
}

/** Temporal keeps two queues under each name. */
export type TaskKind = 'workflow' | 'activity';
/** temporal.api.enums.v1.TaskQueueType */
const TASK_QUEUE_TYPES: Readonly<Record<TaskKind, number>> = { workflow: 1, activity: 2 };
const QUEUES: readonly (readonly [TaskQueue, TaskKind])[] = [
  // Workflows run on `control` only.
  [TASK_QUEUES.control, 'workflow'],
  ...Object.values(TASK_QUEUES).map((queue) => [queue, 'activity'] as const),
];

/** Tasks that wait on a task queue, as far as Temporal knows at once. */
export interface Backlog {
  queue: TaskQueue;
  kind: TaskKind;
  tasks: number;
  /** Age of the oldest [s]. */
  oldestSeconds: number;
}

/** What waits on each task queue. @throws where Temporal can't say */
export function readBacklogs(client: Client): Promise<Backlog[]> {
  return Promise.all(
    QUEUES.map(async ([queue, kind]) => {
      const { stats } = await client.workflowService.describeTaskQueue({
        namespace: NAMESPACE,
        taskQueue: { name: queue },
        taskQueueType: TASK_QUEUE_TYPES[kind],
        reportStats: true,
      });
      return {
        queue,
        kind,
        tasks: Number(stats?.approximateBacklogCount ?? 0),
        // A Duration has the fields of a Timestamp.
        oldestSeconds: (timeOf(stats?.approximateBacklogAge) ?? 0) / 1000,
      };
    }),
  );
}

/**
 * Whether somebody polls the queue, for servers that don't know ListWorkers. Says yes for a minute after a worker's
 * death, and no to a one-slot worker deep in a long activity.
 */
export async function hasPoller(client: Client, taskQueue: TaskQueue): Promise<boolean> {
  for (const taskQueueType of Object.values(TASK_QUEUE_TYPES)) {
    const { pollers } = await client.workflowService.describeTaskQueue({
      namespace: NAMESPACE,
      taskQueue: { name: taskQueue },
      taskQueueType,
    });
    for (const { lastAccessTime } of pollers)
      if (Date.now() - (timeOf(lastAccessTime) ?? 0) < POLLER_ALIVE_MS) return true;
  }
  return false;
}
