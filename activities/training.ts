import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TrainingDependencies } from './dependencies.ts';
import { withHeartbeats } from './heartbeats.ts';
import { workPrefix } from './plan.ts';
import { createScorePool } from './score-pool.ts';
import { createTrainModel } from './train-model.ts';

const RESULTS = ['model', 'training.json', 'predictions.h5'];

/** The activities of task queues `cpu-training` and `gpu`. */
export function createTrainingActivities(dependencies: TrainingDependencies) {
  const { jobs, fileStore, store, tempDir } = dependencies;
  return {
    trainModel: createTrainModel(dependencies),
    scorePool: createScorePool(dependencies),
    /** Deletes a training's checkpoint, what a worker that died left in the making and, where the job did not complete, what it left in its directory. */
    discardTraining: withHeartbeats(async ({ jobId }: { jobId: string }): Promise<void> => {
      await store.deletePrefix(workPrefix(jobId));
      for (const name of await readdir(tempDir))
        if (name.startsWith(`${jobId}-`)) await rm(join(tempDir, name), { recursive: true, force: true });
      const job = await jobs.find(jobId);
      if (!job || job.phase === 'COMPLETED') return;
      for (const name of RESULTS) await fileStore.remove(`${job.dirPath}/${name}`);
    }),
  };
}
export type TrainingActivities = ReturnType<typeof createTrainingActivities>;
