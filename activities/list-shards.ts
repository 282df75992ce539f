import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { MAX_FILES_PER_SHARD, MIN_FILES_PER_SHARD } from '../contracts/limits.ts';
import type { PreprocessingConfig, ShardListing } from '../contracts/preprocessing.ts';
import type { ArchiveFile } from '../storage/file-store.ts';
import type { CpuDependencies } from './dependencies.ts';
import {
  baseNameHash,
  maxFilesPerPart,
  type PartFiles,
  readShardFiles,
  workPrefix,
  writeConfig,
  writeListing,
  writeManifest,
} from './plan.ts';

export interface ListShardsInput {
  workId: string;
  /** Directory of the archive. */
  dir: string;
  recursive: boolean;
  /** Absent: the files are only catalogued. */
  config?: PreprocessingConfig;
  /** So many workers there are for the shards; absent: as many as it takes for the smallest ones. */
  workers?: number | undefined;
}

/** How far a listing has come: so many shards can be worked on. */
export interface ListedSoFar {
  files: number;
  shards: number;
}

/**
 * Walks an archive directory once and writes what files each shard has, as it goes. A further attempt goes on where the one
 * before ended: shards that are listed are worked on already, and stay as they are whatever becomes of the archive.
 * @param onShards told of shards while more are to come
 */
export function createListShards({ fileStore, store }: Pick<CpuDependencies, 'fileStore' | 'store'>) {
  return async function listShards(
    { workId, dir, recursive, config, workers }: ListShardsInput,
    onShards?: (listed: ListedSoFar) => Promise<void>,
  ): Promise<ShardListing> {
    const directory = await fileStore.resolveArchiveDirectory(dir);
    const context = Context.current();
    const input = createHash('sha256');
    const names = new BaseNames();
    const cuts = new Cuts({
      mostFilesPerPart: maxFilesPerPart(config),
      mostFilesPerShard: MAX_FILES_PER_SHARD['bucket' in fileStore.archive ? 's3' : 'disk'],
      workers: workers ?? Infinity,
    });
    const listed = { files: 0, shards: 0 };
    const write = async (shards: PartFiles[][]): Promise<void> => {
      for (const parts of shards) await writeManifest(store, workId, listed.shards++, parts);
    };

    const take = (files: readonly ArchiveFile[], cut: (file: ArchiveFile, hash: number) => void): void => {
      listed.files += files.length;
      let inputs = '';
      for (const file of files) {
        const hash = baseNameHash(file.path);
        names.add(hash);
        inputs += `${file.path}\t${file.size}\n`;
        cut(file, hash);
      }
      input.update(inputs);
    };

    // What a run that was terminated has left is none of this one's.
    if (context.info.attempt === 1) await store.deletePrefix(workPrefix(workId));
    if (config) await writeConfig(store, workId, config);
    let last: Buffer | undefined;
    for (let earlier; (earlier = await readShardFiles(store, workId, listed.shards)); listed.shards++) {
      context.heartbeat({ files: listed.files });
      take(earlier, () => cuts.skip());
      last = Buffer.from(earlier.at(-1)?.path ?? '');
    }
    for await (const all of fileStore.walkArchive(dir, { recursive })) {
      context.heartbeat({ files: listed.files });
      context.cancellationSignal.throwIfAborted();
      const files = last ? all.filter(isAfter(last)) : all;
      take(files, (file, hash) => cuts.add(`${JSON.stringify(file)}\n`, hash));
      const shards = cuts.take();
      await write(shards);
      if (shards.length > 0) await onShards?.({ ...listed });
    }
    await write(cuts.takeRest());
    const { files: totalFiles, shards: shardCount } = listed;
    const listing = { inputSha256: input.digest('hex'), totalFiles, shardCount };
    await writeListing(store, workId, { ...listing, names: { directory, repeated: names.repeated() } });
    return listing;
  };
}

/** In the byte order of UTF-8, in which an archive is walked. */
function isAfter(last: Buffer): (file: ArchiveFile) => boolean {
  return ({ path }) => Buffer.compare(Buffer.from(path), last) > 0;
}

/** For so many workers and more a shard has a quarter of the files before it; for one worker as many as are before it. */
export const MANY_WORKERS = 4;
/**
 * A shard is cut when the files of so many like it are waiting: should the list end then, smaller ones are left. With one
 * worker it need not be. More would keep back what several workers could be at: they are faster than the list.
 */
const SHARDS_AHEAD = 2;
/** What is left when the list ends goes into more shards, each a little smaller: so many for each of several workers. */
const LAST_SHARDS_PER_WORKER = 2;
/** And never into more than this. */
const LAST_SHARDS = 8;

/**
 * Cuts a list of files into parts where their names' hashes say so: a file that comes or goes changes the parts around
 * it and no other (content-defined chunking; Muthitacharoen et al. 2001, SOSP 18), so that the others can be reused.
 */
class Cuts {
  readonly #mostInShard: number;
  readonly #most: number;
  readonly #least: number;
  readonly #mean: number;
  /** Waiting shards for one that is cut. */
  readonly #ahead: number;
  /** A shard has the files before it by this. */
  readonly #share: number;
  readonly #lastShards: number;
  /** Files of the smallest shards. */
  readonly #fewest: number;
  #lines = '';
  #inPart = 0;
  /** Parts that no shard has yet, and their files. */
  #parts: PartFiles[] = [];
  #waiting = 0;
  /** Files that shards have. */
  #done = 0;

  constructor({
    mostFilesPerPart,
    mostFilesPerShard,
    workers,
  }: {
    mostFilesPerPart: number;
    mostFilesPerShard: number;
    workers: number;
  }) {
    // One that began just now may not be counted yet.
    const atLeastOne = Math.max(1, workers);
    this.#ahead = Math.min(SHARDS_AHEAD, atLeastOne);
    this.#share = Math.min(MANY_WORKERS, atLeastOne);
    this.#fewest = (MIN_FILES_PER_SHARD * MANY_WORKERS) / this.#share;
    this.#lastShards = atLeastOne === 1 ? 1 : Math.min(LAST_SHARDS, LAST_SHARDS_PER_WORKER * atLeastOne);
    this.#mostInShard = mostFilesPerShard;
    this.#most = mostFilesPerPart;
    // 0.7 of the most in the mean; a file more or less changes 1.3 parts, no more than where they may be smaller.
    this.#least = Math.ceil(mostFilesPerPart / 2);
    this.#mean = Math.ceil(mostFilesPerPart / 4);
  }

  /** @param line of the file in the manifest */
  add(line: string, hash: number): void {
    this.#lines += line;
    this.#inPart++;
    if (this.#inPart < this.#least || (this.#inPart < this.#most && hash % this.#mean !== 0)) return;
    this.#endPart();
  }

  /** One more file is in a shard already. */
  skip(): void {
    this.#done++;
  }

  /** The next shards, while more files are to come. */
  take(): PartFiles[][] {
    const shards = [];
    while (this.#waiting >= this.#ahead * this.#growing()) shards.push(this.#nextShard(this.#growing()));
    return shards;
  }

  /** The last shards: there are no more files. */
  takeRest(): PartFiles[][] {
    if (this.#inPart > 0) this.#endPart();
    const shards = [];
    while (this.#waiting > 0)
      shards.push(
        this.#nextShard(Math.min(this.#growing(), Math.max(this.#fewest, this.#waiting / this.#lastShards))),
      );
    return shards;
  }

  #endPart(): void {
    // As bytes: strings that wait, of many thousands of files, are what the garbage collector would copy and mark.
    this.#parts.push({ files: this.#inPart, lines: Buffer.from(this.#lines) });
    this.#waiting += this.#inPart;
    this.#lines = '';
    this.#inPart = 0;
  }

  /** Files of the next shard, as long as there are many more. */
  #growing(): number {
    return Math.min(this.#mostInShard, Math.max(this.#fewest, this.#done / this.#share));
  }

  /**
   * Small shards first, so that the merge can begin, and last, so that all workers end together and little is left to
   * merge then (guided self-scheduling; Polychronopoulos & Kuck 1987, IEEE ToC 36).
   */
  #nextShard(enough: number): PartFiles[] {
    let files = 0;
    let count = 0;
    for (const part of this.#parts) {
      if (count > 0 && (files >= enough || files + part.files > this.#mostInShard)) break;
      files += part.files;
      count++;
    }
    this.#waiting -= files;
    this.#done += files;
    return this.#parts.splice(0, count);
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
