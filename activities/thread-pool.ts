import { Piscina } from 'piscina';
import type { MergePartsResult, MergePartsTask } from './threads/merge-parts.ts';
import type { ReadSpectraResult, ReadSpectraTask } from './threads/read-spectra.ts';

/** Worker threads for what would block an activity's event loop, and with it the heartbeats. */
export interface ThreadPool {
  readonly threads: number;
  readSpectra(task: ReadSpectraTask): Promise<ReadSpectraResult>;
  mergeParts(task: MergePartsTask, signal: AbortSignal): Promise<MergePartsResult>;
  close(): Promise<void>;
}

export function createThreadPool(threads: number): ThreadPool {
  const pool = new Piscina<ReadSpectraTask | MergePartsTask, ReadSpectraResult | MergePartsResult>({
    // All of them stay: starting one costs as much as reading a thousand spectra.
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
  });
  const file = (name: string) => new URL(`./threads/${name}.js`, import.meta.url).href;
  return {
    threads,
    async readSpectra(task) {
      const result = await pool.run(task, { filename: file('read-spectra') });
      if (!('outcomes' in result)) throw new TypeError('read-spectra answered something else');
      return result;
    },
    async mergeParts(task, signal) {
      const result = await pool.run(task, { filename: file('merge-parts'), signal });
      if (!('preview' in result)) throw new TypeError('merge-parts answered something else');
      return result;
    },
    close: () => pool.close(),
  };
}
