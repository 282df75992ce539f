import { Context } from '@temporalio/activity';
import { catalogueFiles, catalogueFilesOf } from './catalogue-files.ts';
import type { CpuDependencies } from './dependencies.ts';
import { startHeartbeats } from './heartbeats.ts';
import { createPlanReader, readManifest } from './plan.ts';

/** Reads the files of one shard into the catalogue, leaving out those that have not changed since they were read. */
export function createCatalogueShard(dependencies: CpuDependencies) {
  const { store, spectra } = dependencies;
  const readPlan = createPlanReader(store);
  return async function catalogueShard({
    workId,
    shard,
  }: {
    workId: string;
    shard: number;
  }): Promise<{ read: number; unchanged: number }> {
    const { shardParts, partOffsets, ...plan } = await readPlan(workId);
    const start = partOffsets[shardParts[shard] ?? -1];
    const end = partOffsets[shardParts[shard + 1] ?? -1];
    if (start === undefined || end === undefined) throw new Error(`the plan has no shard ${shard}`);
    let done = 0;
    const stopHeartbeats = startHeartbeats(() => ({ done }));
    try {
      const files = await readManifest(store, workId, { ...plan, start, end });
      const unchanged = await spectra.confirmUnchanged(catalogueFilesOf(files));
      const changed = files.filter(({ path }) => !unchanged.has(path));
      await catalogueFiles(dependencies, changed, {
        signal: Context.current().cancellationSignal,
        onProgress: (count) => {
          done = count;
        },
      });
      return { read: changed.length, unchanged: unchanged.size };
    } finally {
      stopHeartbeats();
    }
  };
}
