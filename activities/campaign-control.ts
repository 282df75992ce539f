import type { LabellingsRepository } from '../db/repositories/labellings.ts';
import { createCloseBatch } from './campaign/close-batch.ts';
import { createOpenBatch } from './campaign/open-batch.ts';
import type { ControlDependencies } from './dependencies.ts';
import { withHeartbeats } from './heartbeats.ts';

/** The activities of a campaign on task queue `control`. */
export function createCampaignControlActivities(
  dependencies: ControlDependencies & { labellings: LabellingsRepository },
) {
  const { jobs, labellings } = dependencies;
  return {
    openBatch: withHeartbeats(createOpenBatch(dependencies)),
    closeBatch: withHeartbeats(createCloseBatch(dependencies)),
    /** How many spectra of the open batch wait for an answer; 0 where it is closed. */
    countOpenLabels: ({ jobId }: { jobId: string }) => labellings.countOpen(jobId),
    /** Shows where the campaign is. */
    reportCampaign: ({ jobId, ...report }: { jobId: string; iteration: number; statusDetail: string }) =>
      jobs.reportIteration(jobId, report),
  };
}
export type CampaignControlActivities = ReturnType<typeof createCampaignControlActivities>;
