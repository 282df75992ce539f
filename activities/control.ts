import { createCompleteJob } from './complete-job.ts';
import type { ControlDependencies } from './dependencies.ts';
import { createFailJob } from './fail-job.ts';

/** The activities of task queue `control`: short ones, which record what came of a run. */
export function createControlActivities(dependencies: ControlDependencies) {
  return {
    completeJob: createCompleteJob(dependencies),
    failJob: createFailJob(dependencies),
  };
}
export type ControlActivities = ReturnType<typeof createControlActivities>;
