import { activityInfo, Context } from '@temporalio/activity';
import type { PreprocessingConfig } from '../contracts/preprocessing.ts';
import type { ObjectReference } from '../contracts/reference.ts';
import { encodePart, type PartReject, type PartRow } from '../science/preprocess/part.ts';
import type { CpuDependencies } from './dependencies.ts';
import { readFiles } from './read-files.ts';
import { partKey, readShard } from './shard-manifest.ts';

export interface PreprocessShardInput {
  jobId: string;
  config: PreprocessingConfig;
  manifest: ObjectReference;
  totalFiles: number;
  shard: number;
}

/**
 * Preprocesses the files of one shard into a part: rows on the grid, and a reject with its reason for every other
 * file. The catalogue gets what the files say of themselves, so that they are read once. A retry writes the same part.
 */
export function createPreprocessShard(dependencies: CpuDependencies) {
  const { jobs, store } = dependencies;
  return async function preprocessShard(
    input: PreprocessShardInput,
  ): Promise<{ rows: number; rejected: number }> {
    const { jobId, config, shard, totalFiles } = input;
    const { attempt } = activityInfo();
    if (attempt > 1)
      await jobs.appendLog(jobId, {
        level: 'warning',
        message: `shard ${shard} is done again (attempt ${attempt}): its worker stopped or failed`,
        key: `shard-${shard}-attempt-${attempt}`,
      });
    const files = await readShard(store, jobId, input.manifest, shard);
    const { outcomes, blocks } = await readFiles(dependencies, files, {
      config,
      onProgress: (done, rejected) => jobs.recordShard(jobId, { shard, done, rejected, total: totalFiles }),
    });

    const rows: PartRow[] = [];
    const rejects: PartReject[] = [];
    for (const { file, outcome } of outcomes) {
      if (outcome.kind === 'row') {
        const { layout, metadata, quality } = outcome;
        const medianSnr = Number.isFinite(quality.medianSnr) ? quality.medianSnr : null;
        rows.push({
          filename: file.name,
          path: file.path,
          layout,
          metadata,
          quality: { ...quality, medianSnr },
        });
      } else if (outcome.kind !== 'catalogued')
        rejects.push({ filename: file.name, path: file.path, reason: outcome.reason });
    }
    const points = config.wave_point_count;
    Context.current().cancellationSignal.throwIfAborted();
    await store.put(partKey(jobId, shard), encodePart({ rows, rejects, points }, blocks));
    await jobs.recordRejects(
      jobId,
      rejects.map(({ path, reason }) => ({ path, reason })),
    );
    await jobs.recordShard(jobId, { shard, done: files.length, rejected: rejects.length, total: totalFiles });
    return { rows: rows.length, rejected: rejects.length };
  };
}
