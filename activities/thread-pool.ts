import { Piscina } from 'piscina';
import type { CatalogueFilesTask } from './threads/catalogue-files.ts';
import type { MergeAnswer, MergeTask } from './threads/merge-parts.ts';
import type { PreprocessPartResult, PreprocessPartTask } from './threads/preprocess-part.ts';

/** The thread that makes one result.h5. */
export interface Merger {
  run(task: MergeTask): Promise<MergeAnswer>;
  /** Ends the thread, whatever it is at. */
  close(): Promise<void>;
}

/** Worker threads for what would block an activity's event loop, and with it the heartbeats. */
export interface ThreadPool {
  /** So many run at once, mergers included. */
  readonly threads: number;
  preprocessPart(task: PreprocessPartTask): Promise<PreprocessPartResult>;
  catalogueFiles(task: CatalogueFilesTask): Promise<Uint8Array>;
  createMerger(): Merger;
  close(): Promise<void>;
}

export function createThreadPool(threads: number): ThreadPool {
  const file = (name: string) => new URL(`./threads/${name}.js`, import.meta.url).href;
  const pool = new Piscina<PreprocessPartTask | CatalogueFilesTask, PreprocessPartResult | Uint8Array>({
    // All of them stay: starting one costs as much as reading a thousand spectra.
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
  });
  const limited = createLimit(threads);
  return {
    threads,
    async preprocessPart(task) {
      const result = await limited(() => pool.run(task, { filename: file('preprocess-part') }));
      if (!('reference' in result)) throw new TypeError('preprocess-part answered something else');
      return result;
    },
    async catalogueFiles(task) {
      const result = await limited(() => pool.run(task, { filename: file('catalogue-files') }));
      if (!(result instanceof Uint8Array)) throw new TypeError('catalogue-files answered something else');
      return result;
    },
    createMerger() {
      const thread = new Piscina<MergeTask, MergeAnswer>({
        filename: file('merge-parts'),
        minThreads: 1,
        maxThreads: 1,
      });
      return {
        run: (task) => limited(() => thread.run(task)),
        close: () => thread.destroy(),
      };
    },
    close: () => pool.close(),
  };
}

/** Lets `most` pieces of work run at once, the others wait in order. */
function createLimit(most: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (running === most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
