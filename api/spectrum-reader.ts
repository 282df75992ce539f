import { join } from 'node:path';
import { Piscina } from 'piscina';
import { packageRoot } from '../storage/package-root.ts';
import type { ReadSpectrumResult, ReadSpectrumTask } from './threads/read-spectrum.ts';

/** Makes answers of spectra in a thread: to unpack, parse and print one takes as long as twenty other requests. */
export interface SpectrumReader {
  read(task: ReadSpectrumTask): Promise<ReadSpectrumResult>;
  close(): Promise<void>;
}

export function createSpectrumReader(): SpectrumReader {
  const threads = new Piscina<ReadSpectrumTask, ReadSpectrumResult>({
    // The built one, from tests too: Node 20 runs no TypeScript.
    filename: join(packageRoot(), 'dist', 'api', 'threads', 'read-spectrum.js'),
    // Started by the first spectrum, and kept.
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: Infinity,
  });
  return { read: (task) => threads.run(task), close: () => threads.destroy() };
}
