import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabellingRow, LabellingsRepository } from '../../db/repositories/labellings.ts';
import {
  readPerformanceEstimates,
  writeOracleData,
  writePerformanceEstimates,
} from '../../science/artifacts/json-files.ts';
import type { PrecisionEstimate } from '../../science/metrics/precision.ts';
import type { ControlDependencies } from '../dependencies.ts';
import { type Campaign, makeIterationDirectory, openCampaign, showInJobDirectory } from './campaign.ts';
import { estimateOf } from './estimate.ts';
import { EARLIER_ESTIMATES, PERFORMANCE_ESTIMATES } from './select-batch.ts';

/** Closes a batch: what its labels say of the model that chose it, and oracle_data.json. */
export function createCloseBatch(dependencies: ControlDependencies & { labellings: LabellingsRepository }) {
  const { jobs, labellings } = dependencies;
  return async function closeBatch({
    jobId,
    iteration,
  }: {
    jobId: string;
    iteration: number;
  }): Promise<void> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign || !(await labellings.closeBatch(jobId, iteration))) return;
    const rows = await labellings.listBatchRows(jobId, iteration);
    await writeLabels(campaign, iteration, rows);
    const labelled = rows.filter(({ userLabel }) => userLabel !== null).length;
    const estimates: PrecisionEstimate[] = [];
    for (let k = 0; k <= iteration; k++) {
      const of = k === iteration ? rows : await labellings.listBatchRows(jobId, k);
      const estimate = estimateOf(of, campaign.classList);
      if (estimate) estimates.push(estimate);
    }
    await writeEstimates(campaign, iteration, estimates.map(precisionOf));
    const own = estimateOf(rows, campaign.classList);
    const { classes } = campaign.classList;
    await jobs.reportIteration(jobId, {
      iteration,
      values: {
        labelled,
        ...(own && { precision: precisionOf(own), precision_n: own.n }),
        ...Object.fromEntries(
          (own?.perClass ?? []).flatMap(({ class: index, precision, lower, upper }) => [
            [`precision ${classes[index]}`, precision],
            [`precision_lower ${classes[index]}`, lower],
            [`precision_upper ${classes[index]}`, upper],
          ]),
        ),
      },
      log: [
        `iteration ${iteration}: ${labelled} of ${rows.length} spectra labelled`,
        ...(own?.perClass ?? []).map(
          ({ class: index, n, right, lower, upper }) =>
            `precision of ${classes[index]}: ${right} of ${n} right, ${lower.toFixed(2)} to ${upper.toFixed(2)} (95 %, Clopper–Pearson)`,
        ),
      ].join('; '),
    });
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
  const target = join(await makeIterationDirectory(campaign, iteration), 'oracle_data.json');
  await writeOracleData(`${target}.new`, {
    filenames: labelled.map(({ filename }) => filename),
    labels: labelled.map(({ label }) => label),
  });
  await rename(`${target}.new`, target);
  await showInJobDirectory(target, join(campaign.directory, 'oracle_data.json'));
}

/** `perf_est_list.json`: the precision of each iteration up to this one, by the labels that hold now. */
async function writeEstimates(campaign: Campaign, iteration: number, own: readonly number[]): Promise<void> {
  const target = join(await makeIterationDirectory(campaign, iteration), PERFORMANCE_ESTIMATES);
  const earlier = join(campaign.directory, EARLIER_ESTIMATES);
  const before = existsSync(earlier) ? await readPerformanceEstimates(earlier) : [];
  await writePerformanceEstimates(`${target}.new`, [...before, ...own]);
  await rename(`${target}.new`, target);
  await showInJobDirectory(target, join(campaign.directory, PERFORMANCE_ESTIMATES));
}
