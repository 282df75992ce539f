import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { MAX_FILES_PER_SHARD } from '../contracts/limits.ts';
import type { ShardListing } from '../contracts/preprocessing.ts';
import type { CpuDependencies } from './dependencies.ts';
import { baseNameHash, manifestKey, writeShards } from './shard-manifest.ts';

export interface ListShardsInput {
  workId: string;
  /** Directory of the archive. */
  dir: string;
  recursive: boolean;
  /** MAX_FILES_PER_SHARD when absent. */
  filesPerShard?: number;
}

/** Lines are written this many bytes at a time, not one by one. */
const CHUNK_BYTES = 256 * 1024;
const FILES_PER_HEARTBEAT = 1000;

/** Walks an archive directory once and writes its manifest; a repeated run writes the same one. */
export function createListShards({ fileStore, store }: Pick<CpuDependencies, 'fileStore' | 'store'>) {
  return async function listShards({
    workId,
    dir,
    recursive,
    filesPerShard = MAX_FILES_PER_SHARD,
  }: ListShardsInput): Promise<ShardListing> {
    const { archivePath } = await fileStore.resolveArchiveDirectory(dir);
    const context = Context.current();
    const offsets = [0];
    const input = createHash('sha256');
    const names = new BaseNames();
    let totalFiles = 0;

    async function* lines(): AsyncGenerator<Uint8Array> {
      let bytes = 0;
      let chunk = '';
      let chunkBytes = 0;
      for await (const file of fileStore.walkArchive(dir, { recursive })) {
        if (totalFiles > 0 && totalFiles % filesPerShard === 0) offsets.push(bytes + chunkBytes);
        if (++totalFiles % FILES_PER_HEARTBEAT === 0) {
          context.heartbeat({ files: totalFiles });
          context.cancellationSignal.throwIfAborted();
        }
        names.add(file.path);
        input.update(`${file.path}\t${file.size}\n`);
        const line = `${JSON.stringify(file)}\n`;
        chunk += line;
        chunkBytes += Buffer.byteLength(line);
        if (chunkBytes >= CHUNK_BYTES) {
          yield Buffer.from(chunk);
          bytes += chunkBytes;
          chunk = '';
          chunkBytes = 0;
        }
      }
      if (chunk !== '') yield Buffer.from(chunk);
      offsets.push(bytes + chunkBytes);
    }
    const manifest = await store.put(manifestKey(workId), lines());
    const inputSha256 = input.digest('hex');
    if (totalFiles === 0) return { manifest, inputSha256, totalFiles, shardCount: 0 };
    await writeShards(store, workId, { offsets, directory: archivePath, repeated: names.repeated() });
    return { manifest, inputSha256, totalFiles, shardCount: offsets.length - 1 };
  };
}

/** The base names of a job's files, as hashes: 8 bytes a file where a set of names takes a hundred. */
class BaseNames {
  #hashes = new Float64Array(1024);
  #count = 0;

  add(path: string): void {
    if (this.#count === this.#hashes.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[this.#count++] = baseNameHash(path);
  }

  /** Hashes of the names that occur more than once. */
  repeated(): number[] {
    const sorted = this.#hashes.subarray(0, this.#count).sort();
    return [...new Set(sorted.filter((hash, i) => i > 0 && hash === sorted[i - 1]))];
  }
}
