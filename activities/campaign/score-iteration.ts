import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { CampaignDependencies } from '../dependencies.ts';
import { hostPath, runNetworkTask } from '../network-task.ts';
import { makeIterationDirectory, openCampaign } from './campaign.ts';

/**
 * Classifies the whole pool with the model of the iteration, into its predictions.h5.
 * @throws ApplicationFailure TASK_REFUSED, CHILD_DIED
 */
export function createScoreIteration(dependencies: CampaignDependencies) {
  return async function scoreIteration({
    jobId,
    iteration,
  }: {
    jobId: string;
    iteration: number;
  }): Promise<void> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign) return;
    const { config } = campaign;
    const target = await makeIterationDirectory(campaign, iteration);
    await runNetworkTask(
      dependencies,
      { jobId, iteration, ends: ['scored'] },
      async (scratchDir) => ({
        kind: 'score',
        modelDir: join(target, 'model'),
        poolPath: await hostPath(dependencies, config.pool_data_path, 'pool_data_path'),
        target: join(scratchDir, 'predictions.h5'),
        batchSize: config.batch_size_predict,
        scratchDir,
      }),
      (_, scratchDir) => rename(join(scratchDir, 'predictions.h5'), join(target, 'predictions.h5')),
    );
  };
}
