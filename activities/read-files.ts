import { Context } from '@temporalio/activity';
import type { PreprocessingConfig } from '../contracts/preprocessing.ts';
import { catalogueRow } from '../db/repositories/spectra.ts';
import type { CpuDependencies } from './dependencies.ts';
import { startHeartbeats } from './heartbeats.ts';
import type { ManifestEntry } from './shard-manifest.ts';
import type { ReadOutcome, ReadSpectraResult } from './threads/read-spectra.ts';

/** Files a thread takes at once: some 10-100 ms of work, so that all threads end together and a cancel is quick. */
const FILES_PER_BLOCK = 128;
const PROGRESS_INTERVAL_MS = 1000;

export interface ReadFilesResult {
  /** One for each file, in order. */
  outcomes: { file: ManifestEntry; outcome: ReadOutcome }[];
  /** The fluxes of the rows, in order, in as many pieces as there were blocks. */
  blocks: Float32Array[];
}

/**
 * Reads files on all threads of the pool, heartbeats meanwhile, and catalogues what they say.
 * @param onProgress is called about once a second
 */
export async function readFiles(
  { pool, fileStore, spectra, log }: CpuDependencies,
  files: ManifestEntry[],
  {
    config,
    onProgress,
  }: { config?: PreprocessingConfig; onProgress?: (done: number, rejected: number) => Promise<unknown> },
): Promise<ReadFilesResult> {
  const context = Context.current();
  const blockCount = Math.ceil(files.length / FILES_PER_BLOCK);
  const results: ReadSpectraResult[] = [];
  let done = 0;
  let rejected = 0;
  let next = 0;

  const read = async (block: ManifestEntry[]): Promise<ReadSpectraResult> => {
    try {
      return await pool.readSpectra({ root: fileStore.archiveRoot, files: block, config });
    } catch (error) {
      // The thread died (out of memory, a crash in native code): find the file, so that it is the only one lost.
      const [first] = block;
      if (!first) throw error;
      log.error({ err: error, path: first.path, files: block.length }, 'a thread died while it read spectra');
      if (block.length === 1) {
        const message = error instanceof Error ? error.message : String(error);
        return {
          outcomes: [{ kind: 'unreadable', reason: `reading it ended the reader: ${message}` }],
          fluxes: new Float32Array(),
        };
      }
      const middle = block.length >> 1;
      const halves = [await read(block.slice(0, middle)), await read(block.slice(middle))];
      return {
        outcomes: halves.flatMap((half) => half.outcomes),
        fluxes: Float32Array.from(halves.flatMap((half) => Array.from(half.fluxes))),
      };
    }
  };
  const lane = async () => {
    while (next < blockCount) {
      context.cancellationSignal.throwIfAborted();
      const index = next++;
      const block = files.slice(index * FILES_PER_BLOCK, (index + 1) * FILES_PER_BLOCK);
      const result = await read(block);
      results[index] = result;
      done += block.length;
      rejected += result.outcomes.filter(({ kind }) => kind === 'rejected' || kind === 'unreadable').length;
      await spectra.upsertMany(
        result.outcomes.flatMap((outcome, i) => {
          const file = block[i];
          if (!file) return [];
          const said = outcome.kind === 'unreadable' ? { unreadableReason: outcome.reason } : outcome;
          return [
            catalogueRow({ path: file.path, size: file.size, modifiedAt: new Date(file.mtimeMs) }, said),
          ];
        }),
      );
    }
  };

  const stopHeartbeats = startHeartbeats(() => ({ done }));
  let reporting: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    const report = onProgress;
    if (report)
      reporting = reporting
        .then(() => report(done, rejected))
        .catch((error: unknown) =>
          log.warn({ err: error }, 'progress was not recorded; the next report covers it'),
        );
  }, PROGRESS_INTERVAL_MS);
  try {
    // One lane more than threads, so that a thread never waits for the catalogue.
    await Promise.all(Array.from({ length: pool.threads + 1 }, lane));
  } finally {
    clearInterval(timer);
    stopHeartbeats();
    await reporting;
  }
  return {
    outcomes: results.flatMap(({ outcomes }, block) =>
      outcomes.flatMap((outcome, i) => {
        const file = files[block * FILES_PER_BLOCK + i];
        return file ? [{ file, outcome }] : [];
      }),
    ),
    blocks: results.map(({ fluxes }) => fluxes),
  };
}
