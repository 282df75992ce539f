import type { LabellingsRepository } from '../../db/repositories/labellings.ts';
import type { ControlDependencies } from '../dependencies.ts';
import { Selection } from '../network/messages.ts';
import { iterationPath, keyOfRow, openCampaign, readJson } from './campaign.ts';

/** Puts the spectra that were selected before people. Does nothing where the batch is open already. */
export function createOpenBatch(dependencies: ControlDependencies & { labellings: LabellingsRepository }) {
  const { jobs, labellings } = dependencies;
  return async function openBatch({ jobId, iteration }: { jobId: string; iteration: number }): Promise<void> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign) return;
    const path = `${iterationPath(campaign, iteration)}/selection.json`;
    const selection = await readJson(campaign, path, Selection);
    const { spectra, classListVersion, classes, strategy, candidates, predictions } = selection;
    await labellings.openBatch(
      jobId,
      iteration,
      spectra.map(({ row, filename, set, prediction, probabilities, object }) => ({
        spectrumSet: set,
        spectrumFilename: filename,
        spectrumKey: keyOfRow(row),
        objectKey: object,
        // Old clients show it, and take a dash for none.
        modelPrediction: prediction ?? '-',
        probabilities,
      })),
      { classListVersion },
    );
    const asked = spectra.filter(({ set }) => set !== 'CANDIDATE').length;
    await jobs.reportIteration(jobId, {
      iteration,
      statusDetail: `iteration ${iteration}: ${asked} spectra to label`,
      values: {
        asked,
        candidates,
        ...(predictions && {
          mean_entropy: predictions.meanEntropy,
          kappa: predictions.kappa,
          changed: predictions.changed,
          ...Object.fromEntries(predictions.perClass.map((count, i) => [`predicted ${classes[i]}`, count])),
        }),
      },
      log: `iteration ${iteration}: ${asked} spectra chosen by ${strategy}, ${candidates} candidates`,
    });
  };
}
