import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import type { Artifact } from '../contracts/job.ts';
import type { TrainingConfig, TrainingReport } from '../contracts/training.ts';
import { describeArtifact } from './artifact.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { runNetworkTask } from './network-task.ts';
import { workPrefix } from './plan.ts';
import type { FileStore } from '../storage/file-store.ts';

export interface TrainedModel {
  artifacts: Artifact[];
  /** For the job's status line. */
  accuracy: number;
  epochs: number;
  bestEpoch: number;
}

const MODEL_DIRECTORY = 'model';

/**
 * Trains the network of a TRAINING job in a child process, and leaves model/ and training.json in the job's directory. Each
 * epoch leaves a checkpoint in the object store: a retry goes on from it, on another machine too.
 * @returns undefined where the job has ended meanwhile
 * @throws ApplicationFailure TASK_REFUSED, CHILD_DIED
 */
export function createTrainModel(dependencies: TrainingDependencies) {
  const { jobs, fileStore, objects } = dependencies;

  return async function trainModel({
    jobId,
    config,
  }: {
    jobId: string;
    config: TrainingConfig;
  }): Promise<TrainedModel | undefined> {
    const { attempt } = activityInfo();
    const job = await jobs.find(jobId);
    if (job?.phase !== 'PROCESSING') return undefined;
    if (attempt > 1)
      await jobs.appendLog(jobId, {
        level: 'warning',
        message: `training is taken up again (attempt ${attempt}): its process or its worker stopped`,
        key: `training-attempt-${attempt}`,
      });
    return runNetworkTask(
      dependencies,
      { jobId, ends: ['trained'] },
      async ({ scratchDir, given }) => {
        await mkdir(join(scratchDir, MODEL_DIRECTORY));
        return {
          kind: 'train',
          config,
          dataPath: await given(config.training_data_path, 'training_data_path'),
          ...(config.labels_path === undefined
            ? {}
            : { labelsPath: await given(config.labels_path, 'labels_path') }),
          objects,
          checkpointKey: `${workPrefix(jobId)}/checkpoint`,
          modelDir: join(scratchDir, MODEL_DIRECTORY),
          scratchDir,
          oversampling: 'none',
        };
      },
      async ({ report, files }, { scratchDir }, signal) => {
        await placeModel(fileStore, scratchDir, job.dirPath, report);
        await jobs.appendLog(jobId, { level: 'info', message: summaryOf(report), key: 'trained' });
        const names = ['training.json', ...files.map((name) => `${MODEL_DIRECTORY}/${name}`)];
        return {
          artifacts: await Promise.all(names.map((name) => describeArtifact(fileStore, job, name, signal))),
          accuracy: (report.validation ?? report.training).accuracy,
          epochs: report.epochs,
          bestEpoch: report.bestEpoch,
        };
      },
    );
  };
}

/** Moves model/ out of `scratchDir` to a directory of the store, and puts training.json beside it. */
export async function placeModel(
  fileStore: FileStore,
  scratchDir: string,
  path: string,
  report: TrainingReport,
): Promise<void> {
  await fileStore.placeDirectory(join(scratchDir, MODEL_DIRECTORY), `${path}/${MODEL_DIRECTORY}`);
  await fileStore.writeFile(`${path}/training.json`, Buffer.from(JSON.stringify(report)), { sync: false });
}

/** What came of a training, in a line. */
export function summaryOf(report: TrainingReport): string {
  const { accuracy, balancedAccuracy, n } = report.validation ?? report.training;
  return (
    `${report.epochs} epochs, the weights of epoch ${report.bestEpoch}: ${(100 * accuracy).toFixed(1)} % right, mean recall ` +
    `${(100 * balancedAccuracy).toFixed(1)} % (n = ${n}${report.validation ? ', held out' : ', trained on'}), ` +
    `weights' sha256 ${report.weightsSha256}`
  );
}
