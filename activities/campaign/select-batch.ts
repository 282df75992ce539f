import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ActiveLearningConfig, CampaignSettings } from '../../contracts/active-learning.ts';
import {
  nextStepConfiguration,
  nextStepText,
  performanceEstimatesText,
} from '../../science/artifacts/json-files.ts';
import type { CampaignDependencies } from '../dependencies.ts';
import { refusedUnlessThere, runNetworkTask } from '../network-task.ts';
import { type ExcludedSpectra, IterationLabels, PreparedPool } from '../network/messages.ts';
import { PREPARED } from '../network/prepared-rows.ts';
import {
  type Campaign,
  iterationPath,
  openCampaign,
  POOL_DIRECTORY,
  readJson,
  rowOfKey,
  writeIterationFile,
  writeText,
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
    const { fileStore, directory, classList } = campaign;
    const config = { ...campaign.config, ...settings };
    const target = iterationPath(campaign, iteration);
    const before = iterationPath(campaign, iteration - 1);
    const source = audit ? before : target;
    const predictionsPath = `${source}/predictions.h5`;
    const isScored = (await fileStore.find(predictionsPath)) !== undefined;
    const previousPath = `${before}/result.h5`;
    const spectra = await runNetworkTask(
      dependencies,
      { jobId, iteration, ends: ['selected'] },
      async ({ scratchDir, file, directory: directoryOf, given }) => {
        const targetDir = join(scratchDir, 'selection');
        await mkdir(targetDir);
        const excludedPath = join(scratchDir, 'excluded.json');
        await writeFile(excludedPath, JSON.stringify(await excludedSpectra(dependencies, campaign)));
        return {
          kind: 'select',
          iteration,
          poolPath: await given(config.pool_data_path, 'pool_data_path'),
          ...(isScored
            ? {
                scored: {
                  predictionsPath: await file(predictionsPath),
                  modelDir: await directoryOf(`${source}/model`),
                  trainingDataPath: await file(`${source}/training_data.h5`),
                  ...((await fileStore.find(previousPath)) ? { previousPath: await file(previousPath) } : {}),
                },
              }
            : {}),
          excludedPath,
          // The predictions are of the classes that the network learnt.
          ...(isScored
            ? await classesOf(campaign, source)
            : {
                classListVersion: classList.version,
                classes: classList.classes,
                candidateClasses: classList.candidate_classes,
              }),
          strategy: config.strategy,
          firstBatch: config.first_batch,
          preparedDir: await directoryOf(`${directory}/${POOL_DIRECTORY}`),
          audit,
          oracleSize: audit ? 0 : config.oracle_batch_size,
          performanceSize: audit ? auditSize(config) : config.perf_est_batch_size,
          candidatesShown: config.show_candidates && !audit ? CANDIDATES_SHOWN : 0,
          seed: config.seed,
          targetDir,
          scratchDir,
        };
      },
      async (selected, { scratchDir }) => {
        for (const name of [...RESULTS, 'selection.json'])
          await fileStore.placeFile(join(scratchDir, 'selection', name), `${target}/${name}`);
        return selected.spectra;
      },
    );
    await writeOldNames(campaign, iteration);
    if (audit) return { spectra };
    // Its numbers are in the result.h5 beside. That of this iteration stays: a retry needs it.
    await fileStore.remove(`${before}/predictions.h5`);
    if (!config.save_model) await fileStore.remove(`${before}/model`);
    return { spectra };
  };

  /** What old clients, and people, look for in the job's directory. */
  async function writeOldNames(campaign: Campaign, iteration: number): Promise<void> {
    const { job, config, fileStore, directory, isStep } = campaign;
    const target = iterationPath(campaign, iteration);
    for (const name of RESULTS) await fileStore.copyFile(`${target}/${name}`, `${directory}/${name}`);
    const estimates = `${directory}/${PERFORMANCE_ESTIMATES}`;
    if (iteration > 0 && !(await fileStore.find(estimates))) {
      if (config.perf_est_list_path === undefined)
        await writeText(campaign, estimates, performanceEstimatesText([]));
      else {
        const earlier = `${directory}/${EARLIER_ESTIMATES}`;
        const copying = fileStore.copyFile(config.perf_est_list_path, earlier);
        await refusedUnlessThere(copying, 'perf_est_list_path');
        await fileStore.copyFile(earlier, estimates);
      }
    }
    const hasTrainingData = (await fileStore.find(`${target}/training_data.h5`)) !== undefined;
    const next = nextStepConfiguration(config, {
      iteration: iteration + 1,
      ...(hasTrainingData ? { trainingDataPath: `${job.dirPath}/training_data.h5` } : {}),
      oracleDataPath: `${job.dirPath}/oracle_data.json`,
      ...(iteration > 0 ? { performanceEstimatesPath: `${job.dirPath}/${PERFORMANCE_ESTIMATES}` } : {}),
    });
    await writeIterationFile(campaign, iteration, 'new_config.json', nextStepText(next));
    if (isStep) return;
    const current = `${JSON.stringify({ ...job.submittedConfig, iteration }, null, 2)}\n`;
    await writeText(campaign, `${directory}/config.json`, current);
  }
}

/** The classes that an iteration learnt, whose directory is given. */
export async function classesOf(campaign: Campaign, directory: string) {
  const labels = await readJson(campaign, `${directory}/labels.json`, IterationLabels);
  const { classListVersion, classes, candidateClasses } = labels;
  return { classListVersion, classes, candidateClasses };
}

function auditSize({ stopping, candidate_classes }: ActiveLearningConfig): number {
  return stopping.rule === 'target_precision' ? stopping.audit_size * candidate_classes.length : 0;
}

/** What was labelled or skipped: before the campaign, in it, and in imported work. */
async function excludedSpectra(
  { labellings }: CampaignDependencies,
  campaign: Campaign,
): Promise<ExcludedSpectra> {
  const prepared = `${campaign.directory}/${POOL_DIRECTORY}/${PREPARED}`;
  const { known, added } = await readJson(campaign, prepared, PreparedPool);
  const keys = await labellings.excludedKeys(campaign.job.id);
  const rows = keys.map(rowOfKey);
  return {
    rows: [...known, ...added.rows, ...rows.filter((row) => row !== undefined)],
    names: keys.filter((_, i) => rows[i] === undefined),
  };
}
