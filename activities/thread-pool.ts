import { Piscina } from 'piscina';
import type { CatalogueFilesTask } from './threads/catalogue-files.ts';
import type { MergeAnswer, MergeTask } from './threads/merge-parts.ts';
import type { PreprocessPartResult, PreprocessPartTask } from './threads/preprocess-part.ts';

/** A thread that makes one result.h5. */
export interface Merger {
  run(task: MergeTask): Promise<MergeAnswer>;
  /** Gives the thread back once the file is finished; ends it, whatever it is at, where it is not. */
  close(finished: boolean): Promise<void>;
}

/** Worker threads for what would block an activity's event loop, and with it the heartbeats. */
export interface ThreadPool {
  /** So many run at once, mergers included. */
  readonly threads: number;
  /**
   * @param turn of the parts that wait those with the lowest go first
   * @param signal what still waits is not begun; what runs ends
   */
  preprocessPart(task: PreprocessPartTask, turn: number, signal: AbortSignal): Promise<PreprocessPartResult>;
  catalogueFiles(task: CatalogueFilesTask, signal: AbortSignal): Promise<Uint8Array>;
  createMerger(): Merger;
  close(): Promise<void>;
}

export function createThreadPool(threads: number): ThreadPool {
  const file = (name: string) => new URL(`./threads/${name}.js`, import.meta.url).href;
  const pool = new Piscina<PreprocessPartTask | CatalogueFilesTask, PreprocessPartResult | Uint8Array>({
    // All of them stay: starting one costs as much as reading a thousand spectra.
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: TASKS_PER_THREAD,
  });
  const limited = createLimit(threads * TASKS_PER_THREAD);
  const run = (
    name: string,
    task: PreprocessPartTask | CatalogueFilesTask,
    turn: number,
    signal: AbortSignal,
  ): Promise<PreprocessPartResult | Uint8Array> =>
    limited(turn, 1, () => {
      signal.throwIfAborted();
      return pool.run(task, { filename: file(name) });
    });
  const idleMergers: Piscina<MergeTask, MergeAnswer>[] = [];
  return {
    threads,
    async preprocessPart(task, turn, signal) {
      const result = await run('preprocess-part', task, turn, signal);
      if (!('reference' in result)) throw new TypeError('preprocess-part answered something else');
      return result;
    },
    async catalogueFiles(task, signal) {
      const result = await run('catalogue-files', task, LAST, signal);
      if (!(result instanceof Uint8Array)) throw new TypeError('catalogue-files answered something else');
      return result;
    },
    createMerger() {
      // One waits for the next job: starting it, and compiling HDF5, takes as long as merging ten thousand spectra.
      const thread =
        idleMergers.pop() ??
        new Piscina<MergeTask, MergeAnswer>({
          filename: file('merge-parts'),
          minThreads: 1,
          maxThreads: 1,
          // Between tasks its event loop must turn, or it would never hear that the disk is done, and sync once only.
          atomics: 'disabled',
        });
      let isOpen = true;
      return {
        // First, for what is merged early is not left to the end.
        run: (task) => limited(FIRST, TASKS_PER_THREAD, () => thread.run(task)),
        async close(finished) {
          if (!isOpen) return;
          isOpen = false;
          if (finished && idleMergers.length === 0) idleMergers.push(thread);
          else await thread.destroy();
        },
      };
    },
    async close() {
      await Promise.all([pool.close(), ...idleMergers.map((thread) => thread.destroy())]);
    },
  };
}

const FIRST = -1;
const LAST = Infinity;
/** While one task of a thread waits for the disk, another one runs. */
const TASKS_PER_THREAD = 2;

/** Lets work of `most` weight in all run at once; of the rest those with the lowest turn go first, in order. */
function createLimit(most: number): <T>(turn: number, weight: number, work: () => Promise<T>) => Promise<T> {
  let running = 0;
  const waiting: { turn: number; weight: number; start: () => void }[] = [];
  const startNext = () => {
    for (let next = waiting[0]; next && running + next.weight <= most; next = waiting[0]) {
      waiting.shift();
      running += next.weight;
      next.start();
    }
  };
  return async (turn, weight, work) => {
    await new Promise<void>((start) => {
      const later = waiting.findIndex((other) => other.turn > turn);
      waiting.splice(later < 0 ? waiting.length : later, 0, { turn, weight, start });
      startNext();
    });
    try {
      return await work();
    } finally {
      running -= weight;
      startNext();
    }
  };
}
