import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure, activityInfo } from '@temporalio/activity';
import type { ActiveLearningConfig } from '../../contracts/active-learning.ts';
import { TrainingConfig } from '../../contracts/training.ts';
import { MODEL_FILES, readModelFiles } from '../../science/cnn/model-files.ts';
import type { CampaignDependencies } from '../dependencies.ts';
import { runNetworkTask, type TaskFiles } from '../network-task.ts';
import { TASK_REFUSED } from '../network/child-process.ts';
import { IterationLabels, type PoolLabels, PreparedPool } from '../network/messages.ts';
import { PREPARED } from '../network/prepared-rows.ts';
import { workPrefix } from '../plan.ts';
import { placeModel, summaryOf } from '../train-model.ts';
import {
  type Campaign,
  iterationPath,
  openCampaign,
  POOL_DIRECTORY,
  readJson,
  rowOfKey,
  writeText,
} from './campaign.ts';

/**
 * Trains on all labels that there are, each spectrum with its newest, in a child process. Leaves labels.json,
 * training_data.h5, model/ and training.json in the directory of the iteration.
 * @returns false where there is nothing to train on yet, or the job has ended meanwhile
 * @throws ApplicationFailure TASK_REFUSED, CHILD_DIED
 */
export function createTrainIteration(dependencies: CampaignDependencies) {
  const { jobs, objects } = dependencies;
  return async function trainIteration({
    jobId,
    iteration,
  }: {
    jobId: string;
    iteration: number;
  }): Promise<boolean> {
    const campaign = await openCampaign(dependencies, jobId);
    if (!campaign || (campaign.isStep && iteration === 0)) return false;
    const { config, fileStore, directory } = campaign;
    const target = iterationPath(campaign, iteration);
    const before = iterationPath(campaign, iteration - 1);
    if (activityInfo().attempt > 1)
      await jobs.appendLog(jobId, {
        level: 'warning',
        message: `the training of iteration ${iteration} is taken up again (attempt ${activityInfo().attempt}): its process or its worker stopped`,
        key: `iteration-${iteration}-training-attempt-${activityInfo().attempt}`,
      });
    const prepared = await readJson(campaign, `${directory}/${POOL_DIRECTORY}/${PREPARED}`, PreparedPool);
    const labelsPath = `${target}/labels.json`;
    // A retry learns from the labels that its first attempt learnt from: its checkpoint is of these.
    if (!(await fileStore.find(labelsPath))) await writeLabels(dependencies, campaign, prepared, labelsPath);
    const { classes } = await readJson(campaign, labelsPath, IterationLabels);
    return runNetworkTask(
      dependencies,
      { jobId, iteration, ends: ['trained', 'untrainable'] },
      async ({ scratchDir, file, directory: directoryOf, given }) => {
        await mkdir(join(scratchDir, 'model'));
        const earlier = earlierData(config);
        return {
          kind: 'train',
          config: trainingConfigOf(config, classes, iteration),
          dataPath: join(scratchDir, 'training_data.h5'),
          assemble: {
            earlierPaths: await Promise.all(earlier.map(({ path, key }) => given(path, key))),
            poolPath: await given(config.pool_data_path, 'pool_data_path'),
            labelsPath: await file(labelsPath),
          },
          oversampling: config.oversampling,
          ...((await fileStore.find(`${before}/model/${MODEL_FILES.description}`))
            ? { predecessorDir: await directoryOf(`${before}/model`) }
            : {}),
          objects,
          checkpointKey: `${workPrefix(jobId)}/checkpoint-${iteration}`,
          modelDir: join(scratchDir, 'model'),
          scratchDir,
        };
      },
      async (ending, files) => {
        const { scratchDir } = files;
        const trainingData = `${target}/training_data.h5`;
        await fileStore.placeFile(join(scratchDir, 'training_data.h5'), trainingData);
        await fileStore.copyFile(trainingData, `${directory}/training_data.h5`);
        if (ending.kind === 'untrainable' && config.initial_model_path !== undefined) {
          await takeModel(campaign, config.initial_model_path, { classes, target, files });
          await jobs.appendLog(jobId, {
            level: 'info',
            message: `iteration ${iteration}: the model in ${config.initial_model_path} chooses, for there is nothing to train on yet`,
            key: `iteration-${iteration}-initial-model`,
          });
          return true;
        }
        if (ending.kind === 'untrainable') {
          await jobs.appendLog(jobId, {
            level: 'info',
            message: `iteration ${iteration}: ${ending.rows} labels of fewer than two classes, so there is nothing to train on yet`,
            key: `iteration-${iteration}-untrainable`,
          });
          return false;
        }
        await placeModel(fileStore, scratchDir, target, ending.report);
        await jobs.appendLog(jobId, {
          level: 'info',
          message: `iteration ${iteration}: ${summaryOf(ending.report)}`,
          key: `iteration-${iteration}-trained`,
        });
        return true;
      },
    );
  };

  /** Puts a model that was trained elsewhere in the place of this iteration's. */
  async function takeModel(
    { fileStore }: Campaign,
    path: string,
    { classes, target, files }: { classes: readonly string[]; target: string; files: TaskFiles },
  ): Promise<void> {
    await files.given(`${path}/${MODEL_FILES.tfjs}`, 'initial_model_path');
    const model = await files.directory(path);
    const learnt = (await readModelFiles(model)).classes;
    if (learnt.join('\n') !== classes.join('\n'))
      throw ApplicationFailure.nonRetryable(
        `initial_model_path: the model tells ${learnt.join(', ')} apart, not ${classes.join(', ')}`,
        TASK_REFUSED,
      );
    const copy = join(files.scratchDir, 'model');
    await rm(copy, { recursive: true });
    await cp(model, copy, { recursive: true });
    await fileStore.placeDirectory(copy, `${target}/model`);
  }
}

/** The labelled files that a configuration names, the older first. */
export function earlierData(config: ActiveLearningConfig): { path: string; key: string }[] {
  return (['training_data_path', 'training_data_to_add_path'] as const).flatMap((key) =>
    config[key] === undefined ? [] : [{ path: config[key], key }],
  );
}

async function writeLabels(
  { labellings }: CampaignDependencies,
  campaign: Campaign,
  { added }: PreparedPool,
  path: string,
): Promise<void> {
  const { job, classList } = campaign;
  const { classes, version } = classList;
  const labelOf = new Map(added.rows.map((row, i) => [row, added.labels[i] ?? 0]));
  const named: PoolLabels['named'] = { names: [], labels: [] };
  for await (const { spectrumKey, spectrumFilename, label } of labellings.newestLabels(job.id, version)) {
    const index = classes.indexOf(label);
    // A class that was taken out of the list, whose labels are to be given again.
    if (index < 0) continue;
    const row = rowOfKey(spectrumKey);
    if (row !== undefined) labelOf.set(row, index);
    else {
      named.names.push(spectrumFilename);
      named.labels.push(index);
    }
  }
  const rows = [...labelOf.keys()].sort((a, b) => a - b);
  const labels: IterationLabels = {
    classListVersion: version,
    classes,
    candidateClasses: classList.candidate_classes,
    rows,
    labels: rows.map((row) => labelOf.get(row) ?? 0),
    named,
  };
  await writeText(campaign, path, JSON.stringify(labels));
}

function trainingConfigOf(
  config: ActiveLearningConfig,
  classes: readonly string[],
  iteration: number,
): TrainingConfig {
  return TrainingConfig.parse({
    training_data_path: config.pool_data_path,
    classes,
    network: config.network,
    fitting: {
      epochs: config.epochs_train,
      batch_size: config.batch_size_train,
      validation_fraction: 0,
      early_stopping: { monitor: 'loss', min_delta: config.min_delta_train, patience: config.patience_train },
      seed: (config.seed + iteration) % 2 ** 32,
    },
    accelerator: config.accelerator,
  });
}
