import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { activityInfo } from '@temporalio/activity';
import type { Artifact } from '../contracts/job.ts';
import type { TrainingConfig, TrainingReport } from '../contracts/training.ts';
import { describeArtifact } from './artifact.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { hostPath, runNetworkTask } from './network-task.ts';
import { workPrefix } from './plan.ts';

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
      async (scratchDir) => {
        await mkdir(join(scratchDir, MODEL_DIRECTORY));
        return {
          kind: 'train',
          config,
          dataPath: await hostPath(dependencies, config.training_data_path, 'training_data_path'),
          ...(config.labels_path === undefined
            ? {}
            : { labelsPath: await hostPath(dependencies, config.labels_path, 'labels_path') }),
          objects,
          checkpointKey: `${workPrefix(jobId)}/checkpoint`,
          modelDir: join(scratchDir, MODEL_DIRECTORY),
          scratchDir,
          oversampling: 'none',
        };
      },
      async ({ report, files }, scratchDir, signal) => {
        const directory = await fileStore.makeDirectory(job.dirPath);
        await placeModel(directory, scratchDir, report);
        await jobs.appendLog(jobId, { level: 'info', message: summaryOf(report), key: 'trained' });
        const names = ['training.json', ...files.map((name) => `${MODEL_DIRECTORY}/${name}`)];
        return {
          artifacts: await Promise.all(
            names.map((name) => describeArtifact(join(directory, name), name, signal)),
          ),
          accuracy: (report.validation ?? report.training).accuracy,
          epochs: report.epochs,
          bestEpoch: report.bestEpoch,
        };
      },
    );
  };
}

/** Moves model/ out of `scratchDir` to `directory`, and puts training.json beside it. */
export async function placeModel(
  directory: string,
  scratchDir: string,
  report: TrainingReport,
): Promise<void> {
  await rm(join(directory, MODEL_DIRECTORY), { recursive: true, force: true });
  await rename(join(scratchDir, MODEL_DIRECTORY), join(directory, MODEL_DIRECTORY));
  const beside = join(scratchDir, 'training.json');
  await writeFile(beside, JSON.stringify(report));
  await rename(beside, join(directory, 'training.json'));
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
