import type { LabellingRow, LabellingsRepository } from '../../db/repositories/labellings.ts';
import {
  oracleDataText,
  parsePerformanceEstimates,
  performanceEstimatesText,
} from '../../science/artifacts/json-files.ts';
import type { PrecisionEstimate } from '../../science/metrics/precision.ts';
import { decideStopping } from '../../science/stopping/rules.ts';
import type { ControlDependencies } from '../dependencies.ts';
import { type Campaign, openCampaign, readText, writeIterationFile } from './campaign.ts';
import { estimateOf } from './estimate.ts';
import { type ClosedBatch, stoppingHistory } from './stopping-history.ts';
import { EARLIER_ESTIMATES, PERFORMANCE_ESTIMATES } from './select-batch.ts';

/**
 * Closes a batch: what its labels say of the model that chose it, oracle_data.json, and whether the campaign goes on.
 * @returns `stop`: why it ends here; `audit`: the stopping rule asks for an audit of this model
 */
export function createCloseBatch(dependencies: ControlDependencies & { labellings: LabellingsRepository }) {
  const { jobs, labellings } = dependencies;
  return async function closeBatch({
    jobId,
    iteration,
  }: {
    jobId: string;
    iteration: number;
  }): Promise<{ stop?: string; audit: boolean }> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign || !(await labellings.closeBatch(jobId, iteration))) return { audit: false };
    const { config, classList } = campaign;
    const closed: ClosedBatch[] = [];
    for (let k = 0; k <= iteration; k++) {
      const rows = await labellings.listBatchRows(jobId, k);
      const estimate = estimateOf(rows, classList);
      closed.push({ iteration: k, rows, ...(estimate && { estimate }) });
    }
    const { rows = [], estimate } = closed.at(-1) ?? {};
    await writeLabels(campaign, iteration, rows);
    await writeEstimates(
      campaign,
      iteration,
      closed.flatMap((batch) => (batch.estimate ? [precisionOf(batch.estimate)] : [])),
    );
    const { stop, audit, why } = decideStopping(config.stopping, await stoppingHistory(campaign, closed));
    const labelled = rows.filter(({ userLabel }) => userLabel !== null).length;
    const { classes } = classList;
    const perClass = estimate?.perClass ?? [];
    await jobs.reportIteration(jobId, {
      iteration,
      values: {
        labelled,
        ...(estimate && { precision: precisionOf(estimate), precision_n: estimate.n }),
        ...Object.fromEntries(
          perClass.flatMap(({ class: index, precision, lower, upper }) => [
            [`precision ${classes[index]}`, precision],
            [`precision_lower ${classes[index]}`, lower],
            [`precision_upper ${classes[index]}`, upper],
          ]),
        ),
      },
      log: [
        `iteration ${iteration}: ${labelled} of ${rows.length} spectra labelled`,
        ...perClass.map(
          ({ class: index, n, right, lower, upper }) =>
            `precision of ${classes[index]}: ${right} of ${n} right, ${lower.toFixed(2)} to ${upper.toFixed(2)} (95 %, Clopper–Pearson)`,
        ),
        ...(config.stopping.rule === 'none' ? [] : [why]),
      ].join('; '),
    });
    return { audit, ...(stop && { stop: why }) };
  };
}

/** Of all candidate classes together, as `perf_est_list.json` has it: the fraction of the sample that is right. */
function precisionOf({ n, perClass }: PrecisionEstimate): number {
  return perClass.reduce((sum, { right }) => sum + right, 0) / n;
}

/** `oracle_data.json`: the labels of the batch, as numbers of classes. */
async function writeLabels(
  campaign: Campaign,
  iteration: number,
  rows: readonly LabellingRow[],
): Promise<void> {
  const { classes } = campaign.classList;
  const labelled = rows.flatMap(({ spectrumFilename, userLabel }) => {
    const label = userLabel === null ? -1 : classes.indexOf(userLabel);
    return label < 0 ? [] : [{ filename: spectrumFilename, label }];
  });
  const text = oracleDataText({
    filenames: labelled.map(({ filename }) => filename),
    labels: labelled.map(({ label }) => label),
  });
  await writeIterationFile(campaign, iteration, 'oracle_data.json', text);
}

/** `perf_est_list.json`: the precision of each iteration up to this one, by the labels that hold now. */
async function writeEstimates(campaign: Campaign, iteration: number, own: readonly number[]): Promise<void> {
  const { fileStore, directory } = campaign;
  const earlier = `${directory}/${EARLIER_ESTIMATES}`;
  const before = (await fileStore.find(earlier))
    ? parsePerformanceEstimates(await readText(fileStore, earlier), EARLIER_ESTIMATES)
    : [];
  const text = performanceEstimatesText([...before, ...own]);
  await writeIterationFile(campaign, iteration, PERFORMANCE_ESTIMATES, text);
}
