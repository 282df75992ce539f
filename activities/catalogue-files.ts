import type { CpuDependencies } from './dependencies.ts';
import { findDeadly } from './find-deadly.ts';
import { inLanes } from './in-lanes.ts';
import type { ArchiveFile } from '../storage/file-store.ts';

/** Files a thread reads at once. */
const FILES_AT_ONCE = 512;

/** Reads files into the catalogue on all threads; those that end a thread are catalogued as unreadable. */
export async function catalogueFiles(
  { pool, spectra, fileStore, log }: CpuDependencies,
  files: readonly ArchiveFile[],
  { signal, onProgress }: { signal: AbortSignal; onProgress: (done: number) => void },
): Promise<void> {
  const { archive } = fileStore;
  const read = async (some: readonly ArchiveFile[]): Promise<Uint8Array> => {
    try {
      return await pool.catalogueFiles({ archive, files: some }, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      log.error({ err: error, files: some.length }, 'a thread died while it read spectra');
      const deadly = await findDeadly(some.length, (from, to) =>
        pool.catalogueFiles({ archive, files: some.slice(from, to) }, signal),
      );
      if (deadly.size === 0) throw error;
      const reasons = [...deadly].map(([index, reason]) => [some[index]?.path ?? '', reason]);
      return pool.catalogueFiles({ archive, files: some, deadly: Object.fromEntries(reasons) }, signal);
    }
  };
  const starts = Array.from({ length: Math.ceil(files.length / FILES_AT_ONCE) }, (_, i) => i * FILES_AT_ONCE);
  let done = 0;
  await inLanes(pool.threads + 1, starts, async (start) => {
    const some = files.slice(start, start + FILES_AT_ONCE);
    await spectra.upsertEncoded([await read(some)]);
    onProgress((done += some.length));
  });
}
