import { createCompleteJob } from './complete-job.ts';
import type { TaskQueue } from '../contracts/task-queues.ts';
import type { ControlDependencies } from './dependencies.ts';
import { createFailJob } from './fail-job.ts';

/** The activities of task queue `control`: short ones, which ask or record something. */
export function createControlActivities(
  dependencies: ControlDependencies & {
    /** Whether a living worker polls a task queue. */
    isServed: (queue: TaskQueue) => Promise<boolean>;
    /** How many living workers poll a task queue. */
    countWorkers: (queue: TaskQueue) => Promise<number>;
  },
) {
  return {
    isServed: dependencies.isServed,
    countWorkers: dependencies.countWorkers,
    completeJob: createCompleteJob(dependencies),
    failJob: createFailJob(dependencies),
  };
}
export type ControlActivities = ReturnType<typeof createControlActivities>;
