import { createDescribeStep } from './campaign/describe-step.ts';
import { createEmbedTrainingSet } from './campaign/embed-training-set.ts';
import { createExportCatalogue } from './campaign/export-catalogue.ts';
import { createPrepareCampaign } from './campaign/prepare-campaign.ts';
import { createScoreIteration } from './campaign/score-iteration.ts';
import { createSelectBatch } from './campaign/select-batch.ts';
import { createTrainIteration } from './campaign/train-iteration.ts';
import type { CampaignDependencies } from './dependencies.ts';
import { withHeartbeats } from './heartbeats.ts';
import { workPrefix } from './plan.ts';

/** The activities of a campaign on task queues `cpu-training` and `gpu`. */
export function createActiveLearningActivities(dependencies: CampaignDependencies) {
  const { store } = dependencies;
  return {
    prepareCampaign: createPrepareCampaign(dependencies),
    trainIteration: createTrainIteration(dependencies),
    scoreIteration: createScoreIteration(dependencies),
    selectBatch: createSelectBatch(dependencies),
    describeStep: withHeartbeats(createDescribeStep(dependencies)),
    embedTrainingSet: createEmbedTrainingSet(dependencies),
    exportCatalogue: createExportCatalogue(dependencies),
    /** Deletes checkpoints. The files of the iterations stay: they are the campaign's history. */
    discardCampaign: withHeartbeats(({ jobId }: { jobId: string }) => store.deletePrefix(workPrefix(jobId))),
  };
}
export type ActiveLearningActivities = ReturnType<typeof createActiveLearningActivities>;
