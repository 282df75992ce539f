import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure, activityInfo, Context } from '@temporalio/activity';
import type { Artifact } from '../contracts/job.ts';
import { TRAINING_ENVIRONMENT } from '../science/cnn/tensorflow.ts';
import { FileStoreError } from '../storage/file-store.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { startHeartbeats } from './heartbeats.ts';
import { runInChild, TASK_REFUSED } from './network/child-process.ts';

export interface ScorePoolInput {
  jobId: string;
  /** HDF5 of spectra in the file store. */
  poolPath: string;
  batchSize: number;
}

/**
 * Classifies all spectra of an HDF5 with the model of the job, in a child process and block by block, into the job's
 * predictions.h5.
 * @returns undefined where the job has ended meanwhile
 * @throws ApplicationFailure TASK_REFUSED, CHILD_DIED
 */
export function createScorePool(dependencies: TrainingDependencies) {
  const { jobs, fileStore, tempDir, networkProgram } = dependencies;
  return async function scorePool({
    jobId,
    poolPath,
    batchSize,
  }: ScorePoolInput): Promise<{ artifact: Artifact; rows: number } | undefined> {
    const { cancellationSignal: signal } = Context.current();
    const { activityId, attempt } = activityInfo();
    const job = await jobs.find(jobId);
    if (job?.phase !== 'PROCESSING') return undefined;
    const scratchDir = join(tempDir, `${jobId}-${activityId}-${attempt}`);
    let at: unknown;
    const stopHeartbeats = startHeartbeats(() => at);
    try {
      await mkdir(scratchDir, { recursive: true });
      const directory = await fileStore.makeDirectory(job.dirPath);
      const target = join(scratchDir, 'predictions.h5');
      const ending = await runInChild(
        {
          kind: 'score',
          modelDir: join(directory, 'model'),
          poolPath: await resolvePool(poolPath),
          target,
          batchSize,
          scratchDir,
        },
        {
          program: networkProgram,
          env: TRAINING_ENVIRONMENT,
          signal,
          onMessage: (message) => {
            if (message.kind === 'scoring') at = { done: message.done, total: message.total };
          },
        },
      );
      if (ending.kind !== 'scored') throw new Error(`a scoring ended as ${ending.kind}`);
      signal.throwIfAborted();
      await rename(target, join(directory, 'predictions.h5'));
      const { rows, bytes, sha256 } = ending;
      await jobs.appendLog(jobId, {
        level: 'info',
        message: `predictions.h5: ${rows} spectra of ${poolPath} classified, ${bytes} bytes, sha256 ${sha256}`,
        key: 'scored',
      });
      return {
        artifact: { path: 'predictions.h5', media_type: 'application/x-hdf5', bytes, sha256 },
        rows,
      };
    } finally {
      stopHeartbeats();
      await rm(scratchDir, { recursive: true, force: true });
    }
  };

  async function resolvePool(path: string): Promise<string> {
    try {
      return await fileStore.resolveFile(path);
    } catch (error) {
      if (!(error instanceof FileStoreError)) throw error;
      throw ApplicationFailure.nonRetryable(`pool_data_path: ${error.message}`, TASK_REFUSED);
    }
  }
}
