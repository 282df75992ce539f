import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { MAX_FILES_PER_SHARD } from '../contracts/limits.ts';
import type { ShardListing } from '../contracts/preprocessing.ts';
import type { ArchiveFile } from '../storage/file-store.ts';
import type { CpuDependencies } from './dependencies.ts';
import { type ManifestEntry, manifestKey, writeShardOffsets } from './shard-manifest.ts';

export interface ListShardsInput {
  workId: string;
  /** Directory of the archive. */
  dir: string;
  recursive: boolean;
  /** MAX_FILES_PER_SHARD when absent. */
  filesPerShard?: number;
}

/** Walks an archive directory and writes its manifest; a repeated run writes the same one. */
export function createListShards({ fileStore, store }: CpuDependencies) {
  return async function listShards({
    workId,
    dir,
    recursive,
    filesPerShard = MAX_FILES_PER_SHARD,
  }: ListShardsInput): Promise<ShardListing> {
    const { archivePath } = await fileStore.resolveArchiveDirectory(dir);
    const prefix = archivePath === '' ? '' : `${archivePath}/`;
    const repeated = await repeatedBaseNames(walk());
    const offsets = [0];
    const input = createHash('sha256');
    let totalFiles = 0;

    async function* walk(): AsyncGenerator<ArchiveFile> {
      let seen = 0;
      for await (const file of fileStore.walkArchive(dir, { recursive })) {
        if (++seen % 1000 === 0) {
          Context.current().heartbeat({ seen });
          Context.current().cancellationSignal.throwIfAborted();
        }
        yield file;
      }
    }
    async function* lines(): AsyncGenerator<Uint8Array> {
      let bytes = 0;
      for await (const file of walk()) {
        const base = file.path.slice(file.path.lastIndexOf('/') + 1);
        const name = repeated.has(hashOf(base)) ? file.path.slice(prefix.length) : base;
        input.update(`${file.path}\t${file.size}\n`);
        const line = Buffer.from(`${JSON.stringify({ ...file, name } satisfies ManifestEntry)}\n`);
        if (totalFiles > 0 && totalFiles % filesPerShard === 0) offsets.push(bytes);
        bytes += line.length;
        totalFiles++;
        yield line;
      }
      offsets.push(bytes);
    }
    const manifest = await store.put(manifestKey(workId), lines());
    const inputSha256 = input.digest('hex');
    if (totalFiles === 0) return { manifest, inputSha256, totalFiles, shardCount: 0 };
    await writeShardOffsets(store, workId, offsets);
    return { manifest, inputSha256, totalFiles, shardCount: offsets.length - 1 };
  };
}

/**
 * Hashes of the base names that occur more than once. Sorted 48-bit hashes take 8 bytes a file where a set of names
 * takes a hundred; should two names ever collide, both are given by their path, which is right too.
 */
async function repeatedBaseNames(files: AsyncIterable<ArchiveFile>): Promise<Set<number>> {
  let hashes = new Float64Array(1024);
  let count = 0;
  for await (const { path } of files) {
    if (count === hashes.length) {
      const larger = new Float64Array(count * 2);
      larger.set(hashes);
      hashes = larger;
    }
    hashes[count++] = hashOf(path.slice(path.lastIndexOf('/') + 1));
  }
  const sorted = hashes.subarray(0, count).sort();
  return new Set(sorted.filter((hash, i) => i > 0 && hash === sorted[i - 1]));
}

function hashOf(name: string): number {
  return createHash('md5').update(name).digest().readUIntBE(0, 6);
}
