import type { ObjectReference } from '../contracts/reference.ts';
import type { CpuDependencies } from './dependencies.ts';
import { readFiles } from './read-files.ts';
import { readShard } from './shard-manifest.ts';

/** Reads the files of one shard into the catalogue, leaving out those that have not changed since they were read. */
export function createCatalogueShard(dependencies: CpuDependencies) {
  const { store, spectra } = dependencies;
  return async function catalogueShard(input: {
    workId: string;
    manifest: ObjectReference;
    shard: number;
  }): Promise<{ read: number; unchanged: number }> {
    const files = await readShard(store, input.workId, input.manifest, input.shard);
    const unchanged = await spectra.confirmUnchanged(
      files.map(({ path, size, mtimeMs }) => ({ path, size, modifiedAt: new Date(mtimeMs) })),
    );
    const changed = files.filter(({ path }) => !unchanged.has(path));
    await readFiles(dependencies, changed, {});
    return { read: changed.length, unchanged: unchanged.size };
  };
}
