import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { ObjectReference } from '../contracts/reference.ts';
import type { ArchiveFile } from '../storage/file-store.ts';
import { type ObjectStore, objectUri } from '../storage/object-store.ts';

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

/** Where all that a job makes before its result lies; deleted at its end. */
export const workPrefix = (workId: string) => `work/${workId}`;
export const manifestKey = (workId: string) => `${workPrefix(workId)}/manifest.jsonl`;
const shardsKey = (workId: string) => `${workPrefix(workId)}/shards.json`;
export const partKey = (workId: string, shard: number) =>
  `${workPrefix(workId)}/parts/${String(shard).padStart(6, '0')}`;

const Shards = z.object({
  /** First byte of each shard in the manifest, and the manifest's length at the end. */
  offsets: z.array(z.number().int().nonnegative()),
  /** The job's directory in the archive; empty for the whole. */
  directory: z.string(),
  /** Hashes of the base names that several files have. Should two names collide, both go by their path: right too. */
  repeated: z.array(z.number()),
});
type Shards = z.infer<typeof Shards>;

export async function writeShards(store: ObjectStore, workId: string, shards: Shards): Promise<void> {
  await store.put(shardsKey(workId), [Buffer.from(JSON.stringify(shards))]);
}

/** The files of shard `shard`, in order. */
export async function readShard(
  store: ObjectStore,
  workId: string,
  manifest: ObjectReference,
  shard: number,
): Promise<ManifestEntry[]> {
  const { offsets, directory, repeated } = Shards.parse(
    JSON.parse(text(await store.read(objectUri(shardsKey(workId))))),
  );
  const [start, end] = [offsets[shard], offsets[shard + 1]];
  if (start === undefined || end === undefined) throw new Error(`the manifest has no shard ${shard}`);
  const several = new Set(repeated);
  return text(await store.read(manifest.uri, { start, end }))
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

/** 48 bits of the MD5 of a path's last segment: a number that is exact in a float64. */
export function baseNameHash(path: string): number {
  return createHash('md5').update(baseName(path)).digest().readUIntBE(0, 6);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
