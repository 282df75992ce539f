import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { CampaignDependencies } from '../dependencies.ts';
import { runNetworkTask } from '../network-task.ts';
import { makeIterationDirectory, openCampaign, showInJobDirectory } from './campaign.ts';
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
    const target = await makeIterationDirectory(campaign, iteration);
    const { classes } = await classesOf(join(target, 'labels.json'));
    await runNetworkTask(
      dependencies,
      { jobId, iteration, ends: ['embedded'] },
      (scratchDir) =>
        Promise.resolve({
          kind: 'embed',
          trainingDataPath: join(target, 'training_data.h5'),
          classes,
          seed: campaign.config.seed,
          target: join(scratchDir, MAP),
        }),
      async (_, scratchDir) => {
        await rename(join(scratchDir, MAP), join(target, MAP));
        await showInJobDirectory(join(target, MAP), join(campaign.directory, MAP));
      },
    );
  };
}
