import { ApplicationFailure } from '@temporalio/common';
import { WorkflowFailedError } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime, Worker, type WorkflowBundle } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ControlActivities } from '../../activities/control.ts';
import type { TrainingActivities } from '../../activities/training.ts';
import { TASK_QUEUES, type TaskQueue } from '../../contracts/task-queues.ts';
import { TrainingConfig } from '../../contracts/training.ts';
import { findTemporalTestServer } from '../../deploy/embedded/temporal-binaries.ts';
import { workflowsPath } from '../../workers/bundle.ts';
import type { train } from '../../workflows/train/workflow.ts';

let environment: TestWorkflowEnvironment;
let workflowBundle: WorkflowBundle;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR'), telemetryOptions: { logging: { filter: 'OFF' } } });
  environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: await findTemporalTestServer(() => undefined) } },
  });
  workflowBundle = await bundleWorkflowCode({ workflowsPath });
});
afterAll(() => environment.teardown());

let calls: string[];
beforeEach(() => {
  calls = [];
});

const MODEL = { artifacts: [], accuracy: 0.925, epochs: 12, bestEpoch: 9 };

/** Activities of one queue that say that they were called. */
function training(
  queue: TaskQueue,
  trainModel: TrainingActivities['trainModel'] = () => Promise.resolve(MODEL),
): TrainingActivities {
  return {
    trainModel: (input) => {
      calls.push(`train on ${queue}`);
      return trainModel(input);
    },
    scorePool: ({ poolPath, batchSize }) => {
      calls.push(`score ${poolPath} by ${batchSize} on ${queue}`);
      const artifact = { path: 'predictions.h5', media_type: 'application/x-hdf5', bytes: 1, sha256: 'a' };
      return Promise.resolve({ artifact, rows: 500 });
    },
    discardTraining: () => {
      calls.push('discard');
      return Promise.resolve();
    },
  };
}

async function run(
  config: Partial<TrainingConfig>,
  {
    hasGpu = false,
    gpuWorker = true,
    trainModel,
    cancelAfter,
  }: {
    hasGpu?: boolean;
    gpuWorker?: boolean;
    trainModel?: TrainingActivities['trainModel'];
    /** Milliseconds. */
    cancelAfter?: number;
  } = {},
): Promise<void> {
  const control: ControlActivities = {
    countWorkers: () => Promise.resolve(1),
    isServed: (queue) => Promise.resolve(hasGpu && queue === TASK_QUEUES.gpu),
    completeJob: ({ statusDetail, artifacts }) => {
      calls.push(`complete ${statusDetail}, ${artifacts.length} artifacts`);
      return Promise.resolve(true);
    },
    failJob: ({ message }) => {
      calls.push(`fail ${message}`);
      return Promise.resolve();
    },
  };
  const connection = environment.nativeConnection;
  const workers = await Promise.all([
    Worker.create({ connection, taskQueue: TASK_QUEUES.control, workflowBundle, activities: control }),
    ...[TASK_QUEUES.cpu, TASK_QUEUES.cpuTraining, ...(gpuWorker ? [TASK_QUEUES.gpu] : [])].map((taskQueue) =>
      Worker.create({ connection, taskQueue, activities: training(taskQueue, trainModel) }),
    ),
  ]);
  const [first, ...others] = workers;
  const jobId = crypto.randomUUID();
  const result = () =>
    environment.client.workflow.execute<typeof train>('train', {
      workflowId: jobId,
      taskQueue: TASK_QUEUES.control,
      args: [{ jobId, config: TrainingConfig.parse({ training_data_path: '/training.h5', ...config }) }],
    });
  if (cancelAfter !== undefined)
    setTimeout(() => void environment.client.workflow.getHandle(jobId).cancel(), cancelAfter);
  await first.runUntil(others.reduce((inner, worker) => () => worker.runUntil(inner), result)());
}

it('trains, records and cleans up, in this order', async () => {
  await run({});
  expect(calls).toEqual([
    'train on cpu-training',
    'complete 92.5 % right after 9 of 12 epochs, 0 artifacts',
    'discard',
  ]);
});

it('classifies the pool with the model, where one is given', async () => {
  await run({ pool_data_path: '/pool.h5', batch_size_predict: 100 });
  expect(calls).toEqual([
    'train on cpu-training',
    'score /pool.h5 by 100 on cpu-training',
    'complete 92.5 % right after 9 of 12 epochs, 500 spectra classified, 1 artifacts',
    'discard',
  ]);
});

it.each([
  ['auto', true, 'gpu'],
  ['auto', false, 'cpu-training'],
  ['cpu', true, 'cpu-training'],
  ['gpu', false, 'gpu'],
] as const)('accelerator %s with a GPU alive %s: on %s', async (accelerator, hasGpu, queue) => {
  await run({ accelerator, pool_data_path: '/pool.h5' }, { hasGpu });
  expect(calls.slice(0, 2)).toEqual([`train on ${queue}`, `score /pool.h5 by 16384 on ${queue}`]);
});

it('tries again after a crash of the child, and not when the data will not do', async () => {
  let tries = 0;
  await run(
    {},
    {
      trainModel: () => {
        tries++;
        if (tries < 3) throw ApplicationFailure.create({ message: 'gone', type: 'CHILD_DIED' });
        return Promise.resolve(MODEL);
      },
    },
  );
  expect(tries).toBe(3);
  calls = [];
  const refuse = () => {
    throw ApplicationFailure.nonRetryable('there are no labels', 'TASK_REFUSED');
  };
  await expect(run({}, { trainModel: refuse })).rejects.toThrow(WorkflowFailedError);
  expect(calls).toEqual(['train on cpu-training', 'fail there are no labels', 'discard']);
});

it('records nothing for a job that ended meanwhile', async () => {
  await run({}, { trainModel: () => Promise.resolve(undefined) });
  expect(calls).toEqual(['train on cpu-training', 'discard']);
});

it('cleans up where nobody serves the GPU that the job waits for', async () => {
  await expect(run({ accelerator: 'gpu' }, { gpuWorker: false, cancelAfter: 500 })).rejects.toThrow(
    WorkflowFailedError,
  );
  expect(calls).toEqual(['fail the run was cancelled in Temporal', 'discard']);
});
