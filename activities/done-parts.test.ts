import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLocalDiskStore } from '../storage/local-disk.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { doneParts } from './done-parts.ts';
import { forgetShard, type PartReference, writeDoneParts, writeListing } from './plan.ts';

const JOB = 'job';
let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'done parts '));
  store = createLocalDiskStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const reference = (key: string): PartReference => ({
  key,
  header: {
    rows: 1,
    rejects: 0,
    points: 140,
    widths: {},
    flags: { constant: 0, extrapolated: 0, unbridgedGap: 0, mediumUnknown: 0 },
    tables: { start: 4096, end: 5000, crc32: 1 },
    fluxes: { start: 5000, end: 5560, crc32: 2 },
  },
});
/** The parts of a shard from a first one up to another one are done, of so many. */
const finishParts = (shard: number, first: number, end: number, parts: number) =>
  writeDoneParts(store, JOB, shard, first, {
    references: Array.from({ length: end - first }, (_, i) => reference(`${shard}/${first + i}`)),
    parts,
  });
const list = (shardCount: number) =>
  writeListing(store, JOB, {
    inputSha256: 'a'.repeat(64),
    totalFiles: 99,
    shardCount,
    names: { directory: '', repeated: [] },
  });
const read = (options: { follow: boolean; signal?: AbortSignal }) =>
  doneParts(store, JOB, { signal: new AbortController().signal, ...options });
type Told = PartReference[] | { missing: number };
const told = (next: Told) => ('missing' in next ? next : next.map(({ key }) => key));
async function all(parts: AsyncIterable<Told>) {
  const heard = [];
  for await (const next of parts) heard.push(told(next));
  return heard;
}

it('tells parts before their shard is done, and before all shards are listed', async () => {
  await finishParts(0, 0, 8, 12);
  const parts = read({ follow: true });
  const first = await parts.next();
  expect(first.done).toBe(false);
  expect(first.value && told(first.value)).toEqual(['0/0', '0/1', '0/2', '0/3', '0/4', '0/5', '0/6', '0/7']);
  const rest = all(parts);
  await finishParts(0, 8, 12, 12);
  await finishParts(1, 0, 1, 1);
  await list(2);
  expect(await rest).toEqual([['0/8', '0/9', '0/10', '0/11'], ['1/0']]);
});

it('tells which shards are not done, once nobody is at them', async () => {
  await finishParts(0, 0, 8, 9);
  await finishParts(2, 0, 1, 1);
  await list(4);
  expect(await all(read({ follow: false }))).toEqual([
    ['0/0', '0/1', '0/2', '0/3', '0/4', '0/5', '0/6', '0/7'],
    { missing: 0 },
    { missing: 1 },
    ['2/0'],
    { missing: 3 },
  ]);
});

it('takes a shard for not done where it was forgotten, or what it said is damaged', async () => {
  for (const shard of [0, 1]) await finishParts(shard, 0, 1, 1);
  await list(2);
  await forgetShard(store, JOB, 0);
  const files = await readdir(root, { recursive: true });
  const damaged = files.filter((file) => file.endsWith('00000.json'));
  expect(damaged).toHaveLength(1);
  await writeFile(join(root, damaged[0] ?? ''), '{"reference":');
  expect(await all(read({ follow: false }))).toEqual([{ missing: 0 }, { missing: 1 }]);
});

it('waits no longer when the activity is cancelled', async () => {
  const cancelled = new AbortController();
  const next = read({ follow: true, signal: cancelled.signal }).next();
  cancelled.abort(new Error('cancelled'));
  await expect(next).rejects.toThrow();
});
