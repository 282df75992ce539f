import { join } from 'node:path';
import type { Artifact } from '../contracts/job.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { runNetworkTask } from './network-task.ts';

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
  const { jobs, fileStore } = dependencies;
  return async function scorePool({
    jobId,
    poolPath,
    batchSize,
  }: ScorePoolInput): Promise<{ artifact: Artifact; rows: number } | undefined> {
    const job = await jobs.find(jobId);
    if (job?.phase !== 'PROCESSING') return undefined;
    return runNetworkTask(
      dependencies,
      { jobId, ends: ['scored'] },
      async ({ scratchDir, directory, given }) => ({
        kind: 'score',
        modelDir: await directory(`${job.dirPath}/model`),
        poolPath: await given(poolPath, 'pool_data_path'),
        target: join(scratchDir, 'predictions.h5'),
        batchSize,
        scratchDir,
      }),
      async ({ rows, bytes, sha256 }, { scratchDir }) => {
        await fileStore.placeFile(join(scratchDir, 'predictions.h5'), `${job.dirPath}/predictions.h5`, {
          bytes,
          sha256,
        });
        await jobs.appendLog(jobId, {
          level: 'info',
          message: `predictions.h5: ${rows} spectra of ${poolPath} classified, ${bytes} bytes, sha256 ${sha256}`,
          key: 'scored',
        });
        return {
          artifact: { path: 'predictions.h5', media_type: 'application/x-hdf5', bytes, sha256 },
          rows,
        };
      },
    );
  };
}
