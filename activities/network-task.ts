import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure, activityInfo, Context } from '@temporalio/activity';
import type { EpochMetric } from '../contracts/training.ts';
import { type FileStore, FileStoreError, type Loan } from '../storage/file-store.ts';
import { countSpectra } from './count-spectra.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { startHeartbeats } from './heartbeats.ts';
import { type ChildProcesses, TASK_REFUSED } from './network/child-process.ts';
import type { ChildMessage, NetworkTask } from './network/messages.ts';

/** So often the job's row says how far a scoring is. */
const PROGRESS_MS = 1000;

/** Files of a task on this machine. */
export interface TaskFiles {
  /** Empty at first; deleted at the end of the task. */
  scratchDir: string;
  /** Host path of a file of the store, until the end of the task. */
  file(path: string): Promise<string>;
  /** Host path of a directory of the store, until the end of the task. */
  directory(path: string): Promise<string>;
  /** As `file`, of one that a configuration names. @throws ApplicationFailure TASK_REFUSED where there is none */
  given(path: string, key: string): Promise<string>;
}

type Ended = Awaited<ReturnType<ChildProcesses['run']>>;

/**
 * Does a task of the current activity in the child process: its log lines and epochs reach the job, its progress the
 * heartbeats.
 * @param prepare says what the child is to do
 * @param finish moves what the child left in the scratch directory to its place
 * @throws ApplicationFailure TASK_REFUSED, CHILD_DIED
 */
export async function runNetworkTask<Kind extends Ended['kind'], Result>(
  { jobs, fileStore, tempDir, children, log }: TrainingDependencies,
  { jobId, iteration, ends }: { jobId: string; iteration?: number; ends: readonly Kind[] },
  prepare: (files: TaskFiles) => Promise<NetworkTask>,
  finish: (ending: Extract<Ended, { kind: Kind }>, files: TaskFiles, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { cancellationSignal: signal } = Context.current();
  const { activityId, attempt } = activityInfo();
  // The run, too: an activity's number starts anew in each.
  const scratchDir = join(
    tempDir,
    `${jobId}-${activityInfo().workflowExecution?.runId ?? ''}-${activityId}-${attempt}`,
  );
  const loans: Loan[] = [];
  const files = taskFiles(fileStore, scratchDir, loans);
  let at: unknown;
  let told = -Infinity;
  const stopHeartbeats = startHeartbeats(() => at);
  // In order, and all of them before the activity ends.
  let recording: Promise<unknown> = Promise.resolve();
  const record = (work: () => Promise<unknown>) => {
    recording = recording.then(work).catch((error: unknown) => {
      log.warn({ err: error, jobId }, 'what the child process said was not recorded');
    });
  };
  const keyed = (key: string) => (iteration === undefined ? key : `iteration-${iteration}-${key}`);
  try {
    await mkdir(scratchDir, { recursive: true });
    const ending = await children.run(await prepare(files), {
      signal,
      onMessage: (message) => {
        if (message.kind === 'log')
          record(() => jobs.appendLog(jobId, { ...message, key: keyed(message.key) }));
        else if (message.kind === 'epoch')
          record(() =>
            jobs.recordEpoch(jobId, {
              ...epochOf(message),
              ...(iteration === undefined ? {} : { iteration }),
            }),
          );
        else {
          at = { ...message };
          if (message.kind !== 'scoring' || performance.now() - told < PROGRESS_MS) return;
          told = performance.now();
          const { done, total } = message;
          record(() => jobs.recordProgress(jobId, { done, total, unit: 'spectra' }));
        }
      },
    });
    await recording;
    if (ending.kind === 'scored') countSpectra('scored', ending.rows);
    if (!isOneOf(ending, ends)) throw new Error(`a task that ends as ${ends.join()} ended as ${ending.kind}`);
    signal.throwIfAborted();
    return await finish(ending, files, signal);
  } catch (error) {
    if (error instanceof ApplicationFailure && !error.nonRetryable)
      record(() =>
        jobs.appendLog(jobId, {
          level: 'warning',
          message: error.message,
          key: keyed(`child-died-${activityId}-${attempt}`),
        }),
      );
    throw error;
  } finally {
    await recording;
    stopHeartbeats();
    await rm(scratchDir, { recursive: true, force: true });
    for (const loan of loans) await loan.release();
  }
}

function isOneOf<Kind extends Ended['kind']>(
  ending: Ended,
  kinds: readonly Kind[],
): ending is Extract<Ended, { kind: Kind }> {
  return kinds.some((kind) => kind === ending.kind);
}

function epochOf({ attempt, epochs, metrics }: Extract<ChildMessage, { kind: 'epoch' }>) {
  const values: Partial<Record<EpochMetric, number>> = {
    loss: metrics.loss,
    accuracy: metrics.accuracy,
    ...(metrics.validation && {
      val_loss: metrics.validation.loss,
      val_accuracy: metrics.validation.accuracy,
    }),
    learning_rate: metrics.learningRate,
    spectra_per_second: metrics.trainingSpectraPerSecond,
  };
  return { attempt, epoch: metrics.epoch, epochs, values };
}

function taskFiles(fileStore: FileStore, scratchDir: string, loans: Loan[]): TaskFiles {
  const lent = async (lending: Promise<Loan>): Promise<string> => {
    const loan = await lending;
    loans.push(loan);
    return loan.hostPath;
  };
  return {
    scratchDir,
    file: (path) => lent(fileStore.lend(path)),
    directory: (path) => lent(fileStore.lendDirectory(path)),
    given: (path, key) => lent(refusedUnlessThere(fileStore.lend(path), key)),
  };
}

/** @throws ApplicationFailure TASK_REFUSED where what the configuration names by `key` is not there */
export async function refusedUnlessThere<T>(work: Promise<T>, key: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof FileStoreError)) throw error;
    throw ApplicationFailure.nonRetryable(`${key}: ${error.message}`, TASK_REFUSED);
  }
}
