import { z } from 'zod';
import { MAX_FILES_PER_PART, MAX_VALUES_PER_PART } from '../contracts/limits.ts';
import { PreprocessingConfig } from '../contracts/preprocessing.ts';
import { PartHeader } from '../science/preprocess/part.ts';
import type { ArchiveFile } from '../storage/file-store.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from '../storage/object-store.ts';

const ArchiveFileLine: z.ZodType<ArchiveFile> = z.object({
  path: z.string(),
  size: z.number(),
  mtimeMs: z.number(),
  problem: z.string().optional(),
});

/** One file of a job. */
export interface ManifestEntry extends ArchiveFile {
  /** Name in result.h5: the base name where it is unique in the job, else the path below its directory. */
  name: string;
}

/** Where all that a job makes before its result lies, but for the parts; deleted at its end. */
export const workPrefix = (workId: string) => `work/${workId}`;
export const manifestKey = (workId: string) => `${workPrefix(workId)}/manifest.jsonl`;
const planKey = (workId: string) => `${workPrefix(workId)}/plan.json`;
const shardKey = (workId: string, shard: number) =>
  `${workPrefix(workId)}/shards/${String(shard).padStart(6, '0')}.json`;
/** Parts outlive their job, so that the next one over the same files need not make them again. */
export const PARTS_PREFIX = 'parts';
export const partKey = (inputs: string) => `${PARTS_PREFIX}/${inputs.slice(0, 2)}/${inputs}`;

/**
 * How a job is cut: its manifest (JSON lines, one file each, in byte order of the archive path) into parts, and the
 * parts into shards. A part is what one thread does at once, a shard what one activity does.
 */
export const Plan = z.object({
  /** Absent: the files are only catalogued. */
  config: PreprocessingConfig.optional(),
  /** The job's directory in the archive; empty for the whole. */
  directory: z.string(),
  totalFiles: z.number().int().nonnegative(),
  /** First byte of each part in the manifest, and the manifest's length at the end. */
  partOffsets: z.array(z.number().int().nonnegative()),
  /** First part of each shard, and the number of parts at the end. */
  shardParts: z.array(z.number().int().nonnegative()),
  /** Hashes of the base names that several files have. Should two names collide, both go by their path: right too. */
  repeatedNames: z.array(z.number()),
});
export type Plan = z.infer<typeof Plan>;

export async function writePlan(store: ObjectStore, workId: string, plan: Plan): Promise<void> {
  await store.put(planKey(workId), [Buffer.from(JSON.stringify(plan))]);
}

/** Reads plans, and remembers the one read last: every shard of a job asks for the same. */
export function createPlanReader(store: ObjectStore): (workId: string) => Promise<Plan> {
  let last: { workId: string; plan: Plan } | undefined;
  return async (workId) => {
    if (last?.workId !== workId) last = { workId, plan: Plan.parse(await readJson(store, planKey(workId))) };
    return last.plan;
  };
}

/** The files that lie in bytes `start` to `end` of a job's manifest. */
export async function readManifest(
  store: ObjectStore,
  workId: string,
  {
    start,
    end,
    directory,
    repeatedNames,
  }: Pick<Plan, 'directory' | 'repeatedNames'> & {
    start: number;
    end: number;
  },
): Promise<ManifestEntry[]> {
  const several = new Set(repeatedNames);
  const lines = text(await store.read(objectUri(manifestKey(workId)), { start, end }));
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const file = ArchiveFileLine.parse(JSON.parse(line));
      const isUnique = several.size === 0 || !several.has(baseNameHash(file.path));
      return {
        ...file,
        name: isUnique ? baseName(file.path) : file.path.slice(directory === '' ? 0 : directory.length + 1),
      };
    });
}

/** How many files make a part at most: fewer on a fine grid, so that a thread's memory stays the same. */
export function maxFilesPerPart(config: Pick<PreprocessingConfig, 'wave_point_count'> | undefined): number {
  if (!config) return MAX_FILES_PER_PART;
  return Math.min(MAX_FILES_PER_PART, Math.max(1, Math.floor(MAX_VALUES_PER_PART / config.wave_point_count)));
}

/** Where a part lies, and what its header says. */
export const PartReference = z.object({ key: z.string(), header: PartHeader });
export type PartReference = z.infer<typeof PartReference>;

/** Says that a shard is done: its parts, in order, are in the store. */
export async function writeShardParts(
  store: ObjectStore,
  workId: string,
  shard: number,
  parts: PartReference[],
): Promise<void> {
  await store.put(shardKey(workId, shard), [Buffer.from(JSON.stringify(parts))]);
}

/** The parts of a shard; undefined while it is not done. */
export async function readShardParts(
  store: ObjectStore,
  workId: string,
  shard: number,
): Promise<PartReference[] | undefined> {
  try {
    return z.array(PartReference).parse(await readJson(store, shardKey(workId, shard)));
  } catch (error) {
    if (error instanceof ObjectNotFound) return undefined;
    throw error;
  }
}

/** A shard turned out not to be done: a part of it is gone or damaged. */
export async function forgetShard(store: ObjectStore, workId: string, shard: number): Promise<void> {
  await store.deletePrefix(shardKey(workId, shard));
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

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

async function readJson(store: ObjectStore, key: string): Promise<unknown> {
  return JSON.parse(text(await store.read(objectUri(key))));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
