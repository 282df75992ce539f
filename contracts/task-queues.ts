/**
 * Task queues are tagged by the hardware they need; `control` holds workflows and database activities. Workers of `cpu`
 * serve two more: `merge`, for a merge waits for shards and must not hold the slot that they need, and `cpu-training`, for a
 * training of hours must not either. `gpu` is served by workers whose TensorFlow uses a GPU.
 */
export const TASK_QUEUES = {
  control: 'control',
  cpu: 'cpu',
  merge: 'merge',
  cpuTraining: 'cpu-training',
  gpu: 'gpu',
} as const;
export type TaskQueue = (typeof TASK_QUEUES)[keyof typeof TASK_QUEUES];

/** Temporal's namespace of this project. */
export const NAMESPACE = 'default';

/** Search attributes an operator filters by in Temporal's web UI, with their types. */
export const SEARCH_ATTRIBUTES = {
  SpectrolabeJobId: 'Keyword',
  SpectrolabeJobType: 'Keyword',
  SpectrolabePhase: 'Keyword',
  SpectrolabeDataset: 'Keyword',
} as const;

/** Nobody may serve this one: jobs that can do without are put elsewhere then. */
export const OPTIONAL_QUEUES: readonly TaskQueue[] = [TASK_QUEUES.gpu];

/** Without a worker on each of these, jobs stand still. */
export const REQUIRED_QUEUES: readonly TaskQueue[] = Object.values(TASK_QUEUES).filter(
  (queue) => !OPTIONAL_QUEUES.includes(queue),
);
