import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createActiveLearningActivities } from '../activities/active-learning.ts';
import { createCpuActivities } from '../activities/cpu.ts';
import { createChildProcesses } from '../activities/network/child-process.ts';
import { createThreadPool } from '../activities/thread-pool.ts';
import { createTrainingActivities } from '../activities/training.ts';
import { countWorkers } from '../api/workers.ts';
import { storageLocations } from '../contracts/environment.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import { hasNvidiaDriver } from '../deploy/tensorflow/backends.ts';
import { connect } from '../db/connection.ts';
import { createJobsRepository } from '../db/repositories/jobs.ts';
import { createLabellingsRepository } from '../db/repositories/labellings.ts';
import { createSpectraRepository } from '../db/repositories/spectra.ts';
import { createWorkerBackendsRepository } from '../db/repositories/worker-backends.ts';
import { TRAINING_ENVIRONMENT } from '../science/cnn/tensorflow.ts';
import { openFileStore } from '../storage/open-file-store.ts';
import { openObjectStore } from '../storage/open-object-store.ts';
import { startWorker } from './run-worker.ts';
import { createShrinkingSlots } from './shrinking-slots.ts';
import { startTensorflowSetup } from './tensorflow-setup.ts';

const CPU_SLOTS = 2;
/** A tuner has to name them; the worker has activities only. */
const UNUSED_SLOTS = {
  workflowTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
  localActivityTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
  nexusTaskSlotSupplier: { type: 'fixed-size', numSlots: 1 },
} as const;

// Preprocessing, scans and training: activities only.
startWorker('cpu', async ({ environment, log, identity, started }) => {
  const { TEMP_DIR, PARTS_BYTES, CPU_THREADS } = environment;
  const { db, close } = connect(environment.DATABASE_URL);
  const { objects } = storageLocations(environment);
  const fileStore = await openFileStore(environment);
  const threads = CPU_THREADS ?? availableParallelism();
  const pool = createThreadPool(threads);
  const shared = {
    jobs: createJobsRepository(db),
    fileStore,
    store: await openObjectStore(objects),
    objects,
    tempDir: TEMP_DIR,
    log,
  };
  const slots = createShrinkingSlots(CPU_SLOTS);
  const activities = createCpuActivities({
    ...shared,
    spectra: createSpectraRepository(db),
    pool,
    countWorkers,
    partsBytes: PARTS_BYTES,
    holdSlot: () => (threads > 1 ? () => undefined : slots.holdSlot()),
  });
  const children = createChildProcesses({
    program: fileURLToPath(new URL('./network-child.js', import.meta.url)),
    env: TRAINING_ENVIRONMENT,
  });
  const networks = {
    ...shared,
    labellings: createLabellingsRepository(db),
    children,
  };
  const campaign = createActiveLearningActivities(networks);
  const training = { ...createTrainingActivities(networks), ...campaign };
  const backends = createWorkerBackendsRepository(db);
  const mode = environment.TENSORFLOW_SETUP;
  const tensorflow = startTensorflowSetup({ backends, identity, mode, log, started });
  return {
    workers: [
      // Each shard spreads over all threads already; a second one fills the gaps while the first ends.
      {
        taskQueue: TASK_QUEUES.cpu,
        activities: { ...activities, ...training },
        ...(threads > 1
          ? { maxConcurrentActivityTaskExecutions: CPU_SLOTS }
          : { tuner: { ...UNUSED_SLOTS, activityTaskSlotSupplier: slots } }),
      },
      { taskQueue: TASK_QUEUES.merge, activities, maxConcurrentActivityTaskExecutions: 2 },
      // One at a time: TensorFlow takes all cores.
      { taskQueue: TASK_QUEUES.cpuTraining, activities: training, maxConcurrentActivityTaskExecutions: 1 },
      ...((await hasNvidiaDriver())
        ? [{ taskQueue: TASK_QUEUES.gpu, activities: training, maxConcurrentActivityTaskExecutions: 1 }]
        : []),
    ],
    close: async () => {
      children.close();
      await tensorflow.close();
      await pool.close();
      await close();
    },
  };
});
