import { z } from 'zod';
import type { ObjectReference } from '../contracts/reference.ts';
import { type ObjectStore, objectUri } from '../storage/object-store.ts';

/** One file of a job. */
export const ManifestEntry = z.object({
  /** Path in the archive. */
  path: z.string(),
  /** Name in result.h5: the base name where it is unique in the job, else the path below its directory. */
  name: z.string(),
  size: z.number(),
  mtimeMs: z.number(),
  /** Why it is not even opened. */
  problem: z.string().optional(),
});
export type ManifestEntry = z.infer<typeof ManifestEntry>;

/** Where all that a job makes before its result lies; deleted at its end. */
export const workPrefix = (workId: string) => `work/${workId}`;
export const manifestKey = (workId: string) => `${workPrefix(workId)}/manifest.jsonl`;
const offsetsKey = (workId: string) => `${workPrefix(workId)}/shards.json`;
export const partKey = (workId: string, shard: number) =>
  `${workPrefix(workId)}/parts/${String(shard).padStart(6, '0')}`;

/** First byte of each shard in the manifest, and the manifest's length at the end. */
const Offsets = z.array(z.number().int().nonnegative());

export async function writeShardOffsets(
  store: ObjectStore,
  workId: string,
  offsets: number[],
): Promise<void> {
  await store.put(offsetsKey(workId), [Buffer.from(JSON.stringify(offsets))]);
}

/** The files of shard `shard`, in order. */
export async function readShard(
  store: ObjectStore,
  workId: string,
  manifest: ObjectReference,
  shard: number,
): Promise<ManifestEntry[]> {
  const offsets = Offsets.parse(JSON.parse(text(await store.read(objectUri(offsetsKey(workId))))));
  const [start, end] = [offsets[shard], offsets[shard + 1]];
  if (start === undefined || end === undefined) throw new Error(`the manifest has no shard ${shard}`);
  return text(await store.read(manifest.uri, { start, end }))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ManifestEntry.parse(JSON.parse(line)));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
