import { join } from 'node:path';
import type { CampaignDependencies } from '../dependencies.ts';
import { runNetworkTask } from '../network-task.ts';
import { iterationPath, openCampaign } from './campaign.ts';

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
    const { config, fileStore } = campaign;
    const target = iterationPath(campaign, iteration);
    await runNetworkTask(
      dependencies,
      { jobId, iteration, ends: ['scored'] },
      async ({ scratchDir, directory, given }) => ({
        kind: 'score',
        modelDir: await directory(`${target}/model`),
        poolPath: await given(config.pool_data_path, 'pool_data_path'),
        target: join(scratchDir, 'predictions.h5'),
        batchSize: config.batch_size_predict,
        scratchDir,
      }),
      (scored, { scratchDir }) =>
        fileStore.placeFile(join(scratchDir, 'predictions.h5'), `${target}/predictions.h5`, scored),
    );
  };
}
