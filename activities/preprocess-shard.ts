import { activityInfo, Context } from '@temporalio/activity';
import { cataloguedFile } from './catalogued-file.ts';
import { countSpectra } from './count-spectra.ts';
import type { CpuDependencies } from './dependencies.ts';
import { findDeadly } from './find-deadly.ts';
import { startHeartbeats } from './heartbeats.ts';
import { inLanes } from './in-lanes.ts';
import {
  type ManifestRange,
  type PartReference,
  PARTS_PER_TELLING,
  readManifest,
  readPartRanges,
  writeDoneParts,
} from './plan.ts';
import type { PreprocessPartResult, PreprocessPartTask } from './threads/preprocess-part.ts';

export interface PreprocessShardInput {
  jobId: string;
  shard: number;
}

export interface PreprocessShardResult {
  rows: number;
  rejected: number;
  /** Files whose parts an earlier job has made. */
  reused: number;
}

const PROGRESS_INTERVAL_MS = 1000;
/** The catalogue takes this many parts at once. */
const PARTS_PER_CATALOGUING = 8;

/**
 * Preprocesses the files of one shard into parts: rows on the grid, and a reject with its reason for every other
 * file. The catalogue gets what the files say of themselves, so that they are read once. A retry writes the same parts.
 */
export function createPreprocessShard(dependencies: CpuDependencies) {
  const { jobs, store, spectra, pool, fileStore, objects, log, holdSlot } = dependencies;
  const { archive } = fileStore;
  let turns = 0;

  /** Makes a part; where that ends the thread, without the files that do it. */
  async function preprocessPart(
    which: Pick<PreprocessPartTask, 'workId' | 'shard' | 'range'>,
    turn: number,
    signal: AbortSignal,
  ): Promise<PreprocessPartResult> {
    const task = { objects, archive, ...which };
    const { workId, shard, range } = which;
    try {
      return await pool.preprocessPart(task, turn, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      log.error({ err: error, workId, shard, range }, 'a thread died while it made a part');
      const files = await readManifest(store, workId, shard, range);
      const deadly = await findDeadly(files.length, (from, to) =>
        pool.preprocessPart({ ...task, probe: { from, to } }, turn, signal),
      );
      // None on its own: it was of the moment, and a retry of the activity will tell.
      if (deadly.size === 0) throw error;
      const reasons = [...deadly].map(([index, reason]) => [files[index]?.path ?? '', reason]);
      return await pool.preprocessPart({ ...task, deadly: Object.fromEntries(reasons) }, turn, signal);
    }
  }

  return async function preprocessShard({
    jobId,
    shard,
  }: PreprocessShardInput): Promise<PreprocessShardResult> {
    const signal = Context.current().cancellationSignal;
    const { attempt } = activityInfo();
    if (attempt > 1)
      await jobs.appendLog(jobId, {
        level: 'warning',
        message: `shard ${shard} is done again (attempt ${attempt}): its worker stopped or failed`,
        key: `shard-${shard}-attempt-${attempt}`,
      });
    const parts = await readPartRanges(store, jobId, shard);

    // One shard after the other, so that the merge, which follows part by part, need not wait; the next one fills the gaps.
    const turn = turns++;
    const rejects: PreprocessPartResult['rejects'] = [];
    let [done, rows, reused] = [0, 0, 0];
    let uncatalogued: Uint8Array[] = [];
    const catalogue = async (least: number): Promise<void> => {
      if (uncatalogued.length < least) return;
      const batches = uncatalogued;
      uncatalogued = [];
      await spectra.upsertEncoded(batches);
    };
    const references: PartReference[] = [];
    /** Tells of a part, once those around it are done too. */
    const tell = async (part: number, reference: PartReference): Promise<void> => {
      references[part] = reference;
      const first = part - (part % PARTS_PER_TELLING);
      const together = references.slice(first, first + PARTS_PER_TELLING).filter(Boolean);
      if (together.length < Math.min(PARTS_PER_TELLING, parts.length - first)) return;
      await writeDoneParts(store, jobId, shard, first, { references: together, parts: parts.length });
    };
    const makePart = async ([part, range]: [number, ManifestRange]): Promise<void> => {
      const result = await preprocessPart({ workId: jobId, shard, range }, turn, signal);
      await tell(part, result.reference);
      const kept = result.reference.header.rows;
      countSpectra(result.reused ? 'reused' : 'made', kept);
      countSpectra('rejected', result.rejects.length);
      done += result.files;
      rows += kept;
      rejects.push(...result.rejects);
      if (result.reused) {
        reused += result.files;
        const missing = await spectra.missing(result.reused.map(cataloguedFile));
        const files = result.reused.filter(({ path }) => missing.has(path));
        if (files.length > 0) uncatalogued.push(await pool.catalogueFiles({ archive, files }, signal));
      }
      if (result.catalogue) uncatalogued.push(result.catalogue);
      await catalogue(PARTS_PER_CATALOGUING);
    };

    // The next shard is for whoever comes to it first: a worker takes none while it has parts to begin.
    const giveSlotBack = holdSlot();
    const each = function* (): Generator<[part: number, range: ManifestRange]> {
      for (const [part, range] of parts.entries()) {
        if (part === parts.length - 1) giveSlotBack();
        yield [part, range];
      }
    };

    const stopHeartbeats = startHeartbeats(() => ({ done }));
    let reporting: Promise<unknown> = Promise.resolve();
    const report = () => jobs.recordShard(jobId, { shard, done, rejected: rejects.length });
    const timer = setInterval(() => {
      reporting = reporting
        .then(report)
        .catch((error: unknown) =>
          log.warn({ err: error }, 'progress was not recorded; the next report covers it'),
        );
    }, PROGRESS_INTERVAL_MS);
    try {
      // Enough lanes that no thread waits for the catalogue.
      await inLanes(2 * pool.threads + 2, each(), makePart);
      await catalogue(1);
      clearInterval(timer);
      await reporting;
      signal.throwIfAborted();
      if (rejects.length > 0) await jobs.recordRejects(jobId, rejects);
      await report();
    } finally {
      clearInterval(timer);
      stopHeartbeats();
      giveSlotBack();
    }
    return { rows, rejected: rejects.length, reused };
  };
}
