import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActiveLearningConfig, CampaignSettings } from '../../contracts/active-learning.ts';
import {
  nextStepConfiguration,
  writeNextStepConfiguration,
  writePerformanceEstimates,
} from '../../science/artifacts/json-files.ts';
import type { CampaignDependencies } from '../dependencies.ts';
import { hostPath, runNetworkTask } from '../network-task.ts';
import { type ExcludedSpectra, IterationLabels, PreparedPool } from '../network/messages.ts';
import { PREPARED } from '../network/prepared-rows.ts';
import {
  type Campaign,
  iterationName,
  makeIterationDirectory,
  openCampaign,
  POOL_DIRECTORY,
  rowOfKey,
  showInJobDirectory,
} from './campaign.ts';

/** Most labellings of candidates; result.h5 has them all. */
const CANDIDATES_SHOWN = 1000;
const RESULTS = ['result.h5', 'prep_spectra.json'];
export const PERFORMANCE_ESTIMATES = 'perf_est_list.json';
/** Those that the configuration names. */
export const EARLIER_ESTIMATES = 'perf_est_list.earlier.json';

/**
 * Chooses the spectra of the iteration's batch, and leaves its files: all of them are there, and agree, before the batch
 * is opened.
 * @returns how many spectra people are to be asked about
 * @throws ApplicationFailure TASK_REFUSED, CHILD_DIED
 */
export function createSelectBatch(dependencies: CampaignDependencies) {
  return async function selectBatch({
    jobId,
    iteration,
    settings,
    audit,
  }: {
    jobId: string;
    iteration: number;
    settings: CampaignSettings;
    /** The batch is a fresh sample of what the model of the iteration before takes for candidates. */
    audit: boolean;
  }): Promise<{ spectra: number }> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign) return { spectra: 0 };
    const { directory, classList } = campaign;
    const config = { ...campaign.config, ...settings };
    const target = await makeIterationDirectory(campaign, iteration);
    const source = audit ? await makeIterationDirectory(campaign, iteration - 1) : target;
    const predictionsPath = join(source, 'predictions.h5');
    const isScored = existsSync(predictionsPath);
    const previousPath = join(directory, iterationName(iteration - 1), 'result.h5');
    const spectra = await runNetworkTask(
      dependencies,
      { jobId, iteration, ends: ['selected'] },
      async (scratchDir) => {
        const targetDir = join(scratchDir, 'selection');
        await mkdir(targetDir);
        const excludedPath = join(scratchDir, 'excluded.json');
        await writeFile(excludedPath, JSON.stringify(await excludedSpectra(dependencies, campaign)));
        return {
          kind: 'select',
          iteration,
          poolPath: await hostPath(dependencies, config.pool_data_path, 'pool_data_path'),
          ...(isScored
            ? {
                scored: {
                  predictionsPath,
                  modelDir: join(source, 'model'),
                  trainingDataPath: join(source, 'training_data.h5'),
                  ...(existsSync(previousPath) ? { previousPath } : {}),
                },
              }
            : {}),
          excludedPath,
          // The predictions are of the classes that the network learnt.
          ...(isScored
            ? await classesOf(join(source, 'labels.json'))
            : {
                classListVersion: classList.version,
                classes: classList.classes,
                candidateClasses: classList.candidate_classes,
              }),
          strategy: config.strategy,
          firstBatch: config.first_batch,
          preparedDir: join(directory, POOL_DIRECTORY),
          audit,
          oracleSize: audit ? 0 : config.oracle_batch_size,
          performanceSize: audit ? auditSize(config) : config.perf_est_batch_size,
          candidatesShown: config.show_candidates && !audit ? CANDIDATES_SHOWN : 0,
          seed: config.seed,
          targetDir,
          scratchDir,
        };
      },
      async (selected, scratchDir) => {
        for (const name of [...RESULTS, 'selection.json'])
          await rename(join(scratchDir, 'selection', name), join(target, name));
        return selected.spectra;
      },
    );
    await writeOldNames(campaign, iteration);
    if (audit) return { spectra };
    const before = join(directory, iterationName(iteration - 1));
    // Its numbers are in the result.h5 beside. That of this iteration stays: a retry needs it.
    await rm(join(before, 'predictions.h5'), { force: true });
    if (!config.save_model) await rm(join(before, 'model'), { recursive: true, force: true });
    return { spectra };
  };

  /** What old clients, and people, look for in the job's directory. */
  async function writeOldNames(campaign: Campaign, iteration: number): Promise<void> {
    const { job, config, directory, isStep } = campaign;
    const target = join(directory, iterationName(iteration));
    for (const name of RESULTS) await showInJobDirectory(join(target, name), join(directory, name));
    const estimates = join(directory, PERFORMANCE_ESTIMATES);
    if (iteration > 0 && !existsSync(estimates)) {
      const beside = `${estimates}.new`;
      if (config.perf_est_list_path === undefined) await writePerformanceEstimates(beside, []);
      else {
        const given = await hostPath(dependencies, config.perf_est_list_path, 'perf_est_list_path');
        const earlier = join(directory, EARLIER_ESTIMATES);
        await copyFile(given, `${earlier}.new`);
        await rename(`${earlier}.new`, earlier);
        await copyFile(earlier, beside);
      }
      await rename(beside, estimates);
    }
    const hasTrainingData = existsSync(join(target, 'training_data.h5'));
    const next = nextStepConfiguration(config, {
      iteration: iteration + 1,
      ...(hasTrainingData ? { trainingDataPath: `${job.dirPath}/training_data.h5` } : {}),
      oracleDataPath: `${job.dirPath}/oracle_data.json`,
      ...(iteration > 0 ? { performanceEstimatesPath: `${job.dirPath}/${PERFORMANCE_ESTIMATES}` } : {}),
    });
    const beside = join(target, 'new_config.json');
    await writeNextStepConfiguration(beside, next);
    await showInJobDirectory(beside, join(directory, 'new_config.json'));
    if (isStep) return;
    const current = join(directory, 'config.json');
    await writeFile(`${current}.new`, `${JSON.stringify({ ...job.submittedConfig, iteration }, null, 2)}\n`);
    await rename(`${current}.new`, current);
  }
}

/** The classes that an iteration learnt. */
export async function classesOf(labelsPath: string) {
  const { classListVersion, classes, candidateClasses } = IterationLabels.parse(
    JSON.parse(await readFile(labelsPath, 'utf8')),
  );
  return { classListVersion, classes, candidateClasses };
}

function auditSize({ stopping, candidate_classes }: ActiveLearningConfig): number {
  return stopping.rule === 'target_precision' ? stopping.audit_size * candidate_classes.length : 0;
}

/** What was labelled or skipped: before the campaign, in it, and in imported work. */
async function excludedSpectra(
  { labellings }: CampaignDependencies,
  { job, directory }: Campaign,
): Promise<ExcludedSpectra> {
  const { known, added } = PreparedPool.parse(
    JSON.parse(await readFile(join(directory, POOL_DIRECTORY, PREPARED), 'utf8')),
  );
  const keys = await labellings.excludedKeys(job.id);
  const rows = keys.map(rowOfKey);
  return {
    rows: [...known, ...added.rows, ...rows.filter((row) => row !== undefined)],
    names: keys.filter((_, i) => rows[i] === undefined),
  };
}
