import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure, activityInfo, Context } from '@temporalio/activity';
import type { Artifact } from '../contracts/job.ts';
import type { EpochMetric, TrainingConfig, TrainingReport } from '../contracts/training.ts';
import { TRAINING_ENVIRONMENT } from '../science/cnn/tensorflow.ts';
import { FileStoreError } from '../storage/file-store.ts';
import { describeArtifact } from './artifact.ts';
import type { TrainingDependencies } from './dependencies.ts';
import { startHeartbeats } from './heartbeats.ts';
import { runInChild, TASK_REFUSED } from './network/child-process.ts';
import type { ChildMessage } from './network/messages.ts';
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
  const { jobs, fileStore, tempDir, objectsDir, networkProgram, log } = dependencies;

  return async function trainModel({
    jobId,
    config,
  }: {
    jobId: string;
    config: TrainingConfig;
  }): Promise<TrainedModel | undefined> {
    const { cancellationSignal: signal } = Context.current();
    const { attempt } = activityInfo();
    const job = await jobs.find(jobId);
    if (job?.phase !== 'PROCESSING') return undefined;
    if (attempt > 1)
      await jobs.appendLog(jobId, {
        level: 'warning',
        message: `training is taken up again (attempt ${attempt}): its process or its worker stopped`,
        key: `training-attempt-${attempt}`,
      });
    const scratchDir = join(tempDir, `${jobId}-${activityInfo().activityId}-${attempt}`);
    const modelDir = join(scratchDir, MODEL_DIRECTORY);
    let at: unknown;
    const stopHeartbeats = startHeartbeats(() => at);
    // In order, and all of them before the activity ends.
    let recording: Promise<unknown> = Promise.resolve();
    const record = (work: () => Promise<unknown>) => {
      recording = recording.then(work).catch((error: unknown) => {
        log.warn({ err: error, jobId }, 'what the training said was not recorded');
      });
    };
    try {
      await mkdir(modelDir, { recursive: true });
      const ending = await runInChild(
        {
          kind: 'train',
          config,
          dataPath: await hostPath(config.training_data_path, 'training_data_path'),
          ...(config.labels_path === undefined
            ? {}
            : { labelsPath: await hostPath(config.labels_path, 'labels_path') }),
          objectsDir,
          checkpointKey: `${workPrefix(jobId)}/checkpoint`,
          modelDir,
          scratchDir,
        },
        {
          program: networkProgram,
          env: TRAINING_ENVIRONMENT,
          signal,
          onMessage: (message) => {
            if (message.kind === 'log') record(() => jobs.appendLog(jobId, message));
            else if (message.kind === 'progress') at = { ...message };
            else if (message.kind === 'epoch') record(() => jobs.recordEpoch(jobId, epochOf(message)));
          },
        },
      );
      await recording;
      if (ending.kind !== 'trained') throw new Error(`a training ended as ${ending.kind}`);
      const { report, files } = ending;
      const directory = await fileStore.makeDirectory(job.dirPath);
      signal.throwIfAborted();
      await rm(join(directory, MODEL_DIRECTORY), { recursive: true, force: true });
      await rename(modelDir, join(directory, MODEL_DIRECTORY));
      const beside = join(scratchDir, 'training.json');
      await writeFile(beside, JSON.stringify(report));
      await rename(beside, join(directory, 'training.json'));
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
    } catch (error) {
      if (error instanceof ApplicationFailure && !error.nonRetryable)
        record(() =>
          jobs.appendLog(jobId, { level: 'warning', message: error.message, key: `child-died-${attempt}` }),
        );
      throw error;
    } finally {
      await recording;
      stopHeartbeats();
      await rm(scratchDir, { recursive: true, force: true });
    }
  };

  async function hostPath(path: string, key: string): Promise<string> {
    try {
      return await fileStore.resolveFile(path);
    } catch (error) {
      if (!(error instanceof FileStoreError)) throw error;
      throw ApplicationFailure.nonRetryable(`${key}: ${error.message}`, TASK_REFUSED);
    }
  }
}

function epochOf({ attempt, epochs, metrics }: Extract<ChildMessage, { kind: 'epoch' }>) {
  const values: Partial<Record<EpochMetric, number>> = {
    loss: metrics.loss,
    accuracy: metrics.accuracy,
    ...(metrics.validation && {
      val_loss: metrics.validation.loss,
      val_accuracy: metrics.validation.accuracy,
    }),
    learning_rate: metrics.learningRate,
    spectra_per_second: metrics.trainingSpectraPerSecond,
  };
  return { attempt, epoch: metrics.epoch, epochs, values };
}

function summaryOf(report: TrainingReport): string {
  const { accuracy, balancedAccuracy, n } = report.validation ?? report.training;
  return (
    `${report.epochs} epochs, the weights of epoch ${report.bestEpoch}: ${(100 * accuracy).toFixed(1)} % right, mean recall ` +
    `${(100 * balancedAccuracy).toFixed(1)} % (n = ${n}${report.validation ? ', held out' : ', trained on'}), ` +
    `weights' sha256 ${report.weightsSha256}`
  );
}
