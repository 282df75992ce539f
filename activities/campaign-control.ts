import type { LabellingsRepository } from '../db/repositories/labellings.ts';
import { createCloseBatch } from './campaign/close-batch.ts';
import { createOpenBatch } from './campaign/open-batch.ts';
import type { ControlDependencies } from './dependencies.ts';
import { startHeartbeats } from './heartbeats.ts';

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

/** A batch may be of 100,000 spectra: the workflow waits for it while its worker lives, and no longer. */
function withHeartbeats<Input, Result>(work: (input: Input) => Promise<Result>) {
  return async (input: Input): Promise<Result> => {
    const stopHeartbeats = startHeartbeats();
    try {
      return await work(input);
    } finally {
      stopHeartbeats();
    }
  };
}
