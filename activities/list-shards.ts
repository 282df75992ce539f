import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { MAX_FILES_PER_SHARD, MIN_FILES_PER_SHARD } from '../contracts/limits.ts';
import type { PreprocessingConfig, ShardListing } from '../contracts/preprocessing.ts';
import type { CpuDependencies } from './dependencies.ts';
import { baseNameHash, manifestKey, maxFilesPerPart, writePlan } from './plan.ts';

export interface ListShardsInput {
  workId: string;
  /** Directory of the archive. */
  dir: string;
  recursive: boolean;
  /** Absent: the files are only catalogued. */
  config?: PreprocessingConfig;
}

/** Lines are written this many bytes at a time, not one by one. */
const CHUNK_BYTES = 256 * 1024;

/** Walks an archive directory once and writes its manifest and its plan; a repeated run writes the same ones. */
export function createListShards({ fileStore, store }: Pick<CpuDependencies, 'fileStore' | 'store'>) {
  return async function listShards({
    workId,
    dir,
    recursive,
    config,
  }: ListShardsInput): Promise<ShardListing> {
    const directory = await fileStore.resolveArchiveDirectory(dir);
    const context = Context.current();
    const input = createHash('sha256');
    const names = new BaseNames();
    const cut = new Cuts(maxFilesPerPart(config));
    let totalFiles = 0;
    let bytes = 0;

    async function* lines(): AsyncGenerator<Uint8Array> {
      let chunk = '';
      let inputs = '';
      let chunkBytes = 0;
      const flush = (): Uint8Array => {
        const flushed = Buffer.from(chunk);
        input.update(inputs);
        bytes += flushed.length;
        chunk = inputs = '';
        chunkBytes = 0;
        return flushed;
      };
      for await (const files of fileStore.walkArchive(dir, { recursive })) {
        context.heartbeat({ files: totalFiles });
        context.cancellationSignal.throwIfAborted();
        totalFiles += files.length;
        for (const file of files) {
          const hash = baseNameHash(file.path);
          names.add(hash);
          inputs += `${file.path}\t${file.size}\n`;
          const line = `${JSON.stringify(file)}\n`;
          chunk += line;
          chunkBytes += Buffer.byteLength(line);
          cut.after(hash, bytes + chunkBytes);
        }
        if (chunkBytes >= CHUNK_BYTES) yield flush();
      }
      yield flush();
    }
    const manifest = await store.put(manifestKey(workId), lines());
    const { partOffsets, shardParts } = cut.end(bytes);
    await writePlan(store, workId, {
      ...(config ? { config } : {}),
      directory,
      totalFiles,
      partOffsets,
      shardParts,
      repeatedNames: names.repeated(),
    });
    return { manifest, inputSha256: input.digest('hex'), totalFiles, shardCount: shardParts.length - 1 };
  };
}

/**
 * Cuts a list of files into parts where their names' hashes say so: a file that comes or goes changes the parts around
 * it and no other (content-defined chunking; Muthitacharoen et al. 2001, SOSP 18), so that the others can be reused.
 */
class Cuts {
  readonly #most: number;
  readonly #least: number;
  readonly #mean: number;
  readonly #partOffsets = [0];
  readonly #partFiles: number[] = [];
  #inPart = 0;

  constructor(mostFilesPerPart: number) {
    this.#most = mostFilesPerPart;
    this.#least = Math.ceil(mostFilesPerPart / 8);
    this.#mean = Math.ceil((mostFilesPerPart * 3) / 8);
  }

  /** @param end where the file's line ends in the manifest [bytes] */
  after(hash: number, end: number): void {
    this.#inPart++;
    if (this.#inPart < this.#least || (this.#inPart < this.#most && hash % this.#mean !== 0)) return;
    this.#endPart(end);
  }

  end(bytes: number): { partOffsets: number[]; shardParts: number[] } {
    if (this.#inPart > 0) this.#endPart(bytes);
    return { partOffsets: this.#partOffsets, shardParts: this.#shardParts() };
  }

  #endPart(end: number): void {
    this.#partOffsets.push(end);
    this.#partFiles.push(this.#inPart);
    this.#inPart = 0;
  }

  /**
   * First part of each shard, and the number of parts. Small shards first, so that the merge can begin, and last, so that
   * all workers end together and little is left to merge then (guided self-scheduling; Polychronopoulos & Kuck 1987, IEEE
   * ToC 36).
   */
  #shardParts(): number[] {
    const shardParts = [0];
    let done = 0;
    let left = this.#partFiles.reduce((sum, files) => sum + files, 0);
    let inShard = 0;
    for (const [part, files] of this.#partFiles.entries()) {
      inShard += files;
      const next = this.#partFiles[part + 1];
      const enough = Math.min(MAX_FILES_PER_SHARD, Math.max(MIN_FILES_PER_SHARD, Math.min(done, left) / 2));
      if (next !== undefined && inShard < enough && inShard + next <= MAX_FILES_PER_SHARD) continue;
      shardParts.push(part + 1);
      done += inShard;
      left -= inShard;
      inShard = 0;
    }
    return shardParts;
  }
}

/** The base names of a job's files, as hashes: 8 bytes a file where a set of names takes a hundred. */
class BaseNames {
  #hashes = new Float64Array(1024);
  #count = 0;

  add(hash: number): void {
    if (this.#count === this.#hashes.length) {
      const larger = new Float64Array(this.#count * 2);
      larger.set(this.#hashes);
      this.#hashes = larger;
    }
    this.#hashes[this.#count++] = hash;
  }

  /** Hashes of the names that occur more than once. */
  repeated(): number[] {
    const sorted = this.#hashes.subarray(0, this.#count).sort();
    return [...new Set(sorted.filter((hash, i) => i > 0 && hash === sorted[i - 1]))];
  }
}
