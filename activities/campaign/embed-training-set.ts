import { join } from 'node:path';
import type { CampaignDependencies } from '../dependencies.ts';
import { runNetworkTask } from '../network-task.ts';
import { iterationPath, openCampaign } from './campaign.ts';
import { classesOf } from './select-batch.ts';

const MAP = 'dim_reduc.json';

/** Maps the training set of an iteration in two dimensions: dim_reduc.json. */
export function createEmbedTrainingSet(dependencies: CampaignDependencies) {
  return async function embedTrainingSet({
    jobId,
    iteration,
  }: {
    jobId: string;
    iteration: number;
  }): Promise<void> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign) return;
    const { fileStore, directory } = campaign;
    const target = iterationPath(campaign, iteration);
    const { classes } = await classesOf(campaign, target);
    await runNetworkTask(
      dependencies,
      { jobId, iteration, ends: ['embedded'] },
      async ({ scratchDir, file }) => ({
        kind: 'embed',
        trainingDataPath: await file(`${target}/training_data.h5`),
        classes,
        seed: campaign.config.seed,
        target: join(scratchDir, MAP),
      }),
      async (_, { scratchDir }) => {
        await fileStore.placeFile(join(scratchDir, MAP), `${target}/${MAP}`);
        await fileStore.copyFile(`${target}/${MAP}`, `${directory}/${MAP}`);
      },
    );
  };
}
