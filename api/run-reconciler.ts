import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from 'pino';
import { REQUIRED_QUEUES, TASK_QUEUES } from '../contracts/task-queues.ts';
import type { Database } from '../db/connection.ts';
import type { JobsRepository } from '../db/repositories/jobs.ts';
import { listRunsWithoutCommands } from '../db/repositories/running-jobs.ts';
import { listLiveWorkers, servedQueues } from './workers.ts';

const INTERVAL_MS = 10_000;
const DESCRIBE_TIMEOUT_MS = 5000;

/** Why a run that Temporal no longer has running cannot end its job any more; undefined while it is running. */
async function endedBehindOurBack(client: Client, workflowId: string): Promise<string | undefined> {
  try {
    const { status } = await client.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, () =>
      client.workflow.getHandle(workflowId).describe(),
    );
    return ['RUNNING', 'PAUSED'].includes(status.name)
      ? undefined
      : `its run ended in Temporal (${status.name.toLowerCase()}) without a result, as when an operator terminates it`;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'Temporal does not know its run any more';
    throw error;
  }
}

/**
 * Ends jobs whose run has ended where no workflow code could say so: terminated by an operator, or lost with
 * Temporal's own database. Without it such a job would be PROCESSING for ever.
 */
export async function reconcileRuns(
  db: Database,
  jobs: JobsRepository,
  client: Client,
  log: Logger,
): Promise<void> {
  for (const { id, workflowId } of await listRunsWithoutCommands(db)) {
    const reason = await endedBehindOurBack(client, workflowId);
    if (reason === undefined) continue;
    // Refused where the workflow's own last words came in between.
    const ended = await jobs.fail(id, { message: reason });
    if (ended) log.warn({ jobId: id, reason }, 'a job was ended whose run is gone');
  }
}

/**
 * Says of running jobs that they wait for a worker where a queue that they cannot do without has none, and that they no
 * longer do once it has.
 * A paused job stays paused.
 * @param liveQueues the task queues that a living worker polls
 */
export async function markWaitingForWorkers(
  db: Database,
  jobs: JobsRepository,
  liveQueues: ReadonlySet<string>,
): Promise<void> {
  for (const { id, waitingFor, needsGpu } of await listRunsWithoutCommands(db)) {
    const queues = needsGpu ? [...REQUIRED_QUEUES, TASK_QUEUES.gpu] : REQUIRED_QUEUES;
    const isServed = queues.every((queue) => liveQueues.has(queue));
    if (!isServed && waitingFor === null) await jobs.replaceWaitingFor(id, null, 'worker');
    if (isServed && waitingFor === 'worker') await jobs.replaceWaitingFor(id, 'worker', null);
  }
}

async function liveQueues(client: Client): Promise<Set<string>> {
  const workers = await client.withDeadline(Date.now() + DESCRIBE_TIMEOUT_MS, () => listLiveWorkers(client));
  return servedQueues(workers);
}

/** Reconciles now and then, until stopped. While Temporal or the database is away, it waits for the next time. */
export function startRunReconciler(options: {
  db: Database;
  jobs: JobsRepository;
  client: Client;
  log: Logger;
}): { stop: () => Promise<void> } {
  const { db, jobs, client, log } = options;
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => reconcileRuns(db, jobs, client, log))
      .then(async () => markWaitingForWorkers(db, jobs, await liveQueues(client)))
      .catch((error: unknown) =>
        log.warn({ reason: String(error) }, 'runs could not be compared with Temporal'),
      );
  }, INTERVAL_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
