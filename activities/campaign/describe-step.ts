import { Context } from '@temporalio/activity';
import type { Artifact } from '../../contracts/job.ts';
import type { CampaignDependencies } from '../dependencies.ts';
import { Selection } from '../network/messages.ts';
import { iterationPath, openCampaign, readJson } from './campaign.ts';
import { describeJobFiles } from './job-files.ts';

/** What came of one step: its batch is open by then. */
export function createDescribeStep(dependencies: CampaignDependencies) {
  return async function describeStep({
    jobId,
    iteration,
  }: {
    jobId: string;
    iteration: number;
  }): Promise<{ statusDetail: string; artifacts: Artifact[] }> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign) return { statusDetail: '', artifacts: [] };
    const path = `${iterationPath(campaign, iteration)}/selection.json`;
    const { spectra, candidates } = await readJson(campaign, path, Selection);
    const asked = spectra.filter(({ set }) => set !== 'CANDIDATE').length;
    return {
      statusDetail: `iteration ${iteration}: ${asked} spectra to label, ${candidates} candidates`,
      artifacts: await describeJobFiles(
        campaign.fileStore,
        campaign.job,
        Context.current().cancellationSignal,
      ),
    };
  };
}
