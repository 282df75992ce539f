import { z } from 'zod';
import { MAX_FILES_PER_PART, MAX_VALUES_PER_PART } from '../contracts/limits.ts';
import { PreprocessingConfig, ShardListing } from '../contracts/preprocessing.ts';
import { PartHeader } from '../science/preprocess/part.ts';
import type { ArchiveFile } from '../storage/file-store.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from '../storage/object-store.ts';

const ArchiveFileLine: z.ZodType<ArchiveFile> = z.object({
  path: z.string(),
  size: z.number(),
  mtimeMs: z.number(),
  problem: z.string().optional(),
});

/** Where all that a job makes before its result lies, but for the parts; deleted at its end. */
export const workPrefix = (workId: string) => `work/${workId}`;
const configKey = (workId: string) => `${workPrefix(workId)}/config.json`;
const listingKey = (workId: string) => `${workPrefix(workId)}/listing.json`;
const shardName = (shard: number) => String(shard).padStart(6, '0');
const manifestKey = (workId: string, shard: number) =>
  `${workPrefix(workId)}/shards/${shardName(shard)}/files.jsonl`;
const doneKey = (workId: string, shard: number) => `${workPrefix(workId)}/done/${shardName(shard)}`;
const donePartsKey = (workId: string, shard: number, first: number) =>
  `${doneKey(workId, shard)}/${String(first).padStart(5, '0')}.json`;
/** Parts outlive their job, so that the next one over the same files need not make them again. */
export const PARTS_PREFIX = 'parts';
export const partKey = (inputs: string) => `${PARTS_PREFIX}/${inputs.slice(0, 2)}/${inputs}`;
/** A part that no later job shall take; in one directory, as there are few and they go together. */
export const ownPartKey = (workId: string, inputs: string) => `${workPrefix(workId)}/parts/${inputs}`;

export async function writeConfig(
  store: ObjectStore,
  workId: string,
  config: PreprocessingConfig,
): Promise<void> {
  await writeJson(store, configKey(workId), config);
}

/** Reads configurations of jobs, and remembers the one read last: every part of a job asks for the same. */
export function createConfigReader(store: ObjectStore): (workId: string) => Promise<PreprocessingConfig> {
  let last: { workId: string; config: PreprocessingConfig } | undefined;
  return async (workId) => {
    if (last?.workId !== workId)
      last = { workId, config: PreprocessingConfig.parse(await readJson(store, configKey(workId))) };
    return last.config;
  };
}

/** How the files of a job are named in its result: by their base name where it is unique in the job, else by their path. */
export const JobNames = z.object({
  /** The job's directory in the archive, below which the paths are; empty for the whole. */
  directory: z.string(),
  /** Hashes of the base names that several files have. Should two names collide, both go by their path: right too. */
  repeated: z.array(z.number()),
});
export type JobNames = z.infer<typeof JobNames>;

/** What is known of a job's files once all of them are listed. */
export const WholeListing = ShardListing.extend({ names: JobNames });
export type WholeListing = z.infer<typeof WholeListing>;

export async function writeListing(store: ObjectStore, workId: string, listing: WholeListing): Promise<void> {
  await writeJson(store, listingKey(workId), listing);
}

/** The listing of a job; undefined while it is not complete. */
export async function readListing(store: ObjectStore, workId: string): Promise<WholeListing | undefined> {
  return unlessAbsent(async () => WholeListing.parse(await readJson(store, listingKey(workId))));
}

/** Files that one thread preprocesses at once, as lines of a manifest. */
export interface PartFiles {
  files: number;
  /** JSON in UTF-8, one file each, in byte order of the archive path; each ends with a line break. */
  lines: Uint8Array;
}

/** Bytes of a shard's manifest. */
export interface ManifestRange {
  start: number;
  end: number;
}

/** Lengths of the parts in a shard's manifest [bytes]: its first line. */
const PartLengths = z.array(z.number().int().nonnegative());

/** Writes which files a shard has: what one activity does, part by part. */
export async function writeManifest(
  store: ObjectStore,
  workId: string,
  shard: number,
  parts: readonly PartFiles[],
): Promise<void> {
  const lengths = Buffer.from(`${JSON.stringify(parts.map(({ lines }) => lines.length))}\n`);
  await store.put(manifestKey(workId, shard), [lengths, ...parts.map(({ lines }) => lines)]);
}

/** Where the parts of a shard lie in its manifest. */
export async function readPartRanges(
  store: ObjectStore,
  workId: string,
  shard: number,
): Promise<ManifestRange[]> {
  const bytes = await store.read(objectUri(manifestKey(workId, shard)));
  let end = startOfFiles(bytes);
  return PartLengths.parse(JSON.parse(text(bytes.subarray(0, end)))).map((length) => {
    const start = end;
    return { start, end: (end += length) };
  });
}
const LINE_BREAK = 0x0a;
const startOfFiles = (manifest: Uint8Array) => manifest.indexOf(LINE_BREAK) + 1;

/** All files of a shard; undefined where none of this number is listed. */
export async function readShardFiles(
  store: ObjectStore,
  workId: string,
  shard: number,
): Promise<ArchiveFile[] | undefined> {
  return unlessAbsent(async () => {
    const bytes = await store.read(objectUri(manifestKey(workId, shard)));
    return filesIn(bytes.subarray(startOfFiles(bytes)));
  });
}

/** The files that lie in a range of a shard's manifest. */
export async function readManifest(
  store: ObjectStore,
  workId: string,
  shard: number,
  range: ManifestRange,
): Promise<ArchiveFile[]> {
  return filesIn(await store.read(objectUri(manifestKey(workId, shard)), range));
}

function filesIn(lines: Uint8Array): ArchiveFile[] {
  return text(lines)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ArchiveFileLine.parse(JSON.parse(line)));
}

/** How many files make a part at most: fewer on a fine grid, so that a thread's memory stays the same. */
export function maxFilesPerPart(config: Pick<PreprocessingConfig, 'wave_point_count'> | undefined): number {
  if (!config) return MAX_FILES_PER_PART;
  return Math.min(MAX_FILES_PER_PART, Math.max(1, Math.floor(MAX_VALUES_PER_PART / config.wave_point_count)));
}

/** Where a part lies, and what its header says. */
export const PartReference = z.object({ key: z.string(), header: PartHeader });
export type PartReference = z.infer<typeof PartReference>;

/**
 * So many parts of a shard are told of at once: to tell of each costs a file system, or S3, as much as to store it, and each
 * time the merge is told the worker's threads leave off what they are at.
 */
export const PARTS_PER_TELLING = 8;

/** Parts one after another that are in the store, of so many of their shard. */
const DoneParts = z.object({ references: z.array(PartReference).min(1), parts: z.number().int().positive() });
export type DoneParts = z.infer<typeof DoneParts>;

/**
 * Says that parts of a shard are in the store, so that they can be merged while others are being made.
 * @param first a multiple of PARTS_PER_TELLING: the parts from there on to the next multiple, or to the last one
 */
export async function writeDoneParts(
  store: ObjectStore,
  workId: string,
  shard: number,
  first: number,
  done: DoneParts,
): Promise<void> {
  // What a power failure damages is made again.
  await store.putScratch(donePartsKey(workId, shard, first), [Buffer.from(JSON.stringify(done))]);
}

/** The parts of a shard from `first` on, a multiple of PARTS_PER_TELLING; undefined while they are not all done. */
export async function readDoneParts(
  store: ObjectStore,
  workId: string,
  shard: number,
  first: number,
): Promise<DoneParts | undefined> {
  const bytes = await unlessAbsent(() => store.read(objectUri(donePartsKey(workId, shard, first))));
  if (!bytes) return undefined;
  try {
    return DoneParts.parse(JSON.parse(text(bytes)));
  } catch {
    return undefined; // as if it were not there: it is made again
  }
}

/** A shard turned out not to be done: a part of it is gone or damaged. */
export async function forgetShard(store: ObjectStore, workId: string, shard: number): Promise<void> {
  await store.deletePrefix(doneKey(workId, shard));
}

/** A 53-bit hash of a path's last segment (cyrb53, public domain): exact in a float64. Not for secrets. */
export function baseNameHash(path: string): number {
  let high = 0xdeadbeef;
  let low = 0x41c6ce57;
  for (let i = path.lastIndexOf('/') + 1; i < path.length; i++) {
    const unit = path.charCodeAt(i);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}

/** The last segment of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

async function writeJson(store: ObjectStore, key: string, value: unknown): Promise<void> {
  await store.put(key, [Buffer.from(JSON.stringify(value))]);
}

async function readJson(store: ObjectStore, key: string): Promise<unknown> {
  return JSON.parse(text(await store.read(objectUri(key))));
}

async function unlessAbsent<T>(reading: () => Promise<T>): Promise<T | undefined> {
  try {
    return await reading();
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
