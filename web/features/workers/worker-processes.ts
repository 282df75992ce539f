import type { WorkerInfo } from '../../../contracts/system.ts';

/** A worker process; Temporal knows a worker for each of its task queues. */
export interface WorkerProcess extends Omit<WorkerInfo, 'task_queue'> {
  queues: string[];
}

/** One entry a process, in the order of their names; since when and how it is as of its first queue. */
export function processesOf(workers: readonly WorkerInfo[]): WorkerProcess[] {
  const processes = new Map<string, WorkerProcess>();
  for (const { task_queue: queue, ...worker } of workers) {
    const known = processes.get(worker.identity);
    if (known) known.queues.push(queue);
    else processes.set(worker.identity, { ...worker, queues: [queue] });
  }
  return [...processes.values()].sort((a, b) => a.identity.localeCompare(b.identity));
}

/** Is there something that `npm run doctor` could say or do about its TensorFlow? */
export function wantsDoctor({ tensorflow }: WorkerProcess): boolean {
  return tensorflow?.state === 'failed' || tensorflow?.backend === 'javascript';
}
