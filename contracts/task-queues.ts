/**
 * Task queues are tagged by the hardware they need; `control` holds workflows and database activities. `merge` is
 * served by every worker of `cpu`: a merge waits for shards, and must not hold the slot that they need.
 */
export const TASK_QUEUES = { control: 'control', cpu: 'cpu', merge: 'merge' } as const;
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
