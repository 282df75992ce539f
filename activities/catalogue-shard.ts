import { Context } from '@temporalio/activity';
import { catalogueFiles } from './catalogue-files.ts';
import { cataloguedFile } from './catalogued-file.ts';
import type { CpuDependencies } from './dependencies.ts';
import { startHeartbeats } from './heartbeats.ts';
import { readShardFiles } from './plan.ts';

/** Reads the files of one shard into the catalogue, leaving out those that have not changed since they were read. */
export function createCatalogueShard(dependencies: CpuDependencies) {
  const { store, spectra } = dependencies;
  return async function catalogueShard({
    workId,
    shard,
  }: {
    workId: string;
    shard: number;
  }): Promise<{ read: number; unchanged: number }> {
    let done = 0;
    const stopHeartbeats = startHeartbeats(() => ({ done }));
    try {
      const files = await readShardFiles(store, workId, shard);
      if (!files) throw new Error(`there is no shard ${shard}`);
      const unchanged = await spectra.confirmUnchanged(files.map(cataloguedFile));
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
