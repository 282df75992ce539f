import { setTimeout as delay } from 'node:timers/promises';
import type { ObjectStore } from '../storage/object-store.ts';
import { type DoneParts, type PartReference, readDoneParts, readListing } from './plan.ts';

/** Whoever waits holds a slot of the worker. After this long without a part it gives it free. */
const PATIENCE_MS = 30_000;
/** The first look for a part that is not there comes soon, the next ones less often. */
const POLL_MS = { first: 20, most: 50 } as const;

/**
 * The parts of a job's shards, in their order, some at a time; a shard that is not done is told as missing.
 * @param options.follow shards are still being worked on, or listed: waits for their parts, and ends with the first that does
 *   not come for half a minute
 */
export async function* doneParts(
  store: ObjectStore,
  jobId: string,
  { follow, signal }: { follow: boolean; signal: AbortSignal },
): AsyncGenerator<PartReference[] | { missing: number }> {
  let shardCount: number | undefined;

  async function nextParts(shard: number, first: number): Promise<DoneParts | 'no such shard' | undefined> {
    const deadline = Date.now() + (follow ? PATIENCE_MS : 0);
    for (let wait: number = POLL_MS.first; ; wait = Math.min(2 * wait, POLL_MS.most)) {
      signal.throwIfAborted();
      const done = await readDoneParts(store, jobId, shard, first);
      if (done) return done;
      shardCount ??= (await readListing(store, jobId))?.shardCount;
      if (shardCount !== undefined && shard >= shardCount) return 'no such shard';
      if (Date.now() >= deadline) return undefined;
      await delay(wait, undefined, { signal });
    }
  }

  for (let shard = 0; ; shard++) {
    for (let part = 0, parts = 1; part < parts;) {
      const done = await nextParts(shard, part);
      if (done === 'no such shard') return;
      if (!done) {
        yield { missing: shard };
        if (follow) return;
        break;
      }
      yield done.references;
      parts = done.parts;
      part += done.references.length;
    }
  }
}
