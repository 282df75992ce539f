import { ActivityCancellationType, CancellationScope, proxyActivities } from '@temporalio/workflow';
import type { ControlActivities } from '../../activities/control.ts';
import type { TrainingActivities } from '../../activities/training.ts';
import { TASK_QUEUES, type TaskQueue } from '../../contracts/task-queues.ts';
import { TrainWorkflowInput } from '../../contracts/training.ts';
import { describeFailure } from '../failure.ts';

const { completeJob, failJob, isServed } = proxyActivities<ControlActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1s', maximumInterval: '10s' },
});

function trainingOn(taskQueue: TaskQueue): TrainingActivities {
  return proxyActivities<TrainingActivities>({
    taskQueue,
    // Weeks of epochs are allowed; a dead worker shows by its missing heartbeat, long before.
    startToCloseTimeout: '30 days',
    heartbeatTimeout: '5s',
    retry: { initialInterval: '1s', maximumInterval: '1 minute', maximumAttempts: 20 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}

// Where a worker is always, and no training is waited for.
const { discardTraining } = trainingOn(TASK_QUEUES.cpu);

/** Trains a network on labelled spectra, and classifies a pool with it where one is given. */
export async function train(input: TrainWorkflowInput): Promise<void> {
  const { jobId, config } = TrainWorkflowInput.parse(input);
  let activities = trainingOn(TASK_QUEUES.cpuTraining);
  try {
    const { accelerator } = config;
    if (accelerator === 'gpu' || (accelerator === 'auto' && (await isServed(TASK_QUEUES.gpu))))
      activities = trainingOn(TASK_QUEUES.gpu);
    const model = await activities.trainModel({ jobId, config });
    if (!model) {
      await discardTraining({ jobId });
      return;
    }
    const { artifacts, accuracy, bestEpoch, epochs } = model;
    const pool =
      config.pool_data_path === undefined
        ? undefined
        : await activities.scorePool({
            jobId,
            poolPath: config.pool_data_path,
            batchSize: config.batch_size_predict,
          });
    const statusDetail =
      `${(100 * accuracy).toFixed(1)} % right after ${bestEpoch} of ${epochs} epochs` +
      (pool ? `, ${pool.rows} spectra classified` : '');
    await completeJob({
      jobId,
      statusDetail,
      artifacts: pool ? [...artifacts, pool.artifact] : artifacts,
    });
    await discardTraining({ jobId });
  } catch (error) {
    // Whether aborted or failed: the clean-up itself must not be cancelled.
    await CancellationScope.nonCancellable(async () => {
      // After an ABORT the row refuses it; a cancellation that came from Temporal's own UI must be told.
      await failJob({ jobId, ...describeFailure(error) });
      await discardTraining({ jobId });
    });
    throw error;
  }
}
