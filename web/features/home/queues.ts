import type { WorkerInfo } from '../../../contracts/system.ts';
import { REQUIRED_QUEUES, TASK_QUEUES, type TaskQueue } from '../../../contracts/task-queues.ts';

export interface QueueState {
  queue: TaskQueue;
  /** Jobs stand still where nobody serves it. */
  isNeeded: boolean;
  workers: number;
  /** TensorFlow backends of those who serve it, each once. */
  backends: string[];
  hasGpu: boolean;
}

/** Every queue, and who serves it. */
export function queueStates(workers: readonly WorkerInfo[]): QueueState[] {
  return Object.values(TASK_QUEUES).map((queue) => {
    const serving = workers.filter(({ task_queue }) => task_queue === queue);
    const backends = [...new Set(serving.flatMap(({ tensorflow }) => tensorflow?.backend ?? []))];
    return {
      queue,
      isNeeded: REQUIRED_QUEUES.includes(queue),
      workers: new Set(serving.map(({ identity }) => identity)).size,
      backends,
      hasGpu: backends.includes('tfjs-node-gpu'),
    };
  });
}
