import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { ObjectReference } from '../contracts/reference.ts';
import { contentKey, putFile } from './content.ts';
import { createLocalCache, type LocalCache, ObjectDamaged } from './local-cache.ts';
import { createLocalDiskStore } from './local-disk.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from './object-store.ts';

let base: string;
let directory: string;
let store: ObjectStore;
let cache: LocalCache;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'cache '));
  directory = join(base, 'cache');
  store = createLocalDiskStore(join(base, 'objects'));
  cache = createLocalCache({ store, directory, maxBytes: 10 });
});
afterEach(() => rm(base, { recursive: true }));

async function stored(content: string): Promise<ObjectReference> {
  const path = join(base, 'file');
  await writeFile(path, content);
  return putFile(store, path);
}
const textOf = (reference: ObjectReference, from = cache) =>
  from.use(reference, (path) => readFile(path, 'utf8'));
const kept = async () => (await readdir(join(directory, 'sha256'))).sort();

it('fetches an object once, also for several who ask at the same time', async () => {
  const read = vi.spyOn(store, 'read');
  const reference = await stored('abcd');
  expect(await Promise.all([textOf(reference), textOf(reference)])).toEqual(['abcd', 'abcd']);
  expect(await textOf(reference)).toBe('abcd');
  expect(read).toHaveBeenCalledTimes(1);
  expect(await kept()).toEqual([reference.sha256]);
  expect(await readdir(join(directory, 'use'))).toEqual([]);
});

it('drops what was used longest ago', async () => {
  const [a, b, c] = [await stored('aaaa'), await stored('bbbb'), await stored('cccc')];
  for (const reference of [a, b, a, c]) {
    await textOf(reference);
    await delay(5); // files' times differ
  }
  expect(await kept()).toEqual([a.sha256, c.sha256].sort());
});

it('keeps what is in use, and fetches what alone is larger than all it may hold', async () => {
  const [small, large] = [await stored('small'), await stored('larger than ten bytes')];
  const seen = await cache.use(small, async (path) => {
    const inside = await textOf(large);
    return [inside, await readFile(path, 'utf8')];
  });
  expect(seen).toEqual(['larger than ten bytes', 'small']);
  expect(await kept()).toEqual([large.sha256]);
  await textOf(small);
  expect(await kept()).toEqual([small.sha256]);
});

it('is shared by processes', async () => {
  const reference = await stored('abcd');
  await textOf(reference);
  const read = vi.spyOn(store, 'read');
  const other = createLocalCache({ store, directory, maxBytes: 10 });
  expect(await textOf(reference, other)).toBe('abcd');
  expect(read).not.toHaveBeenCalled();
});

it('takes no other bytes than those asked for, and leaves nothing of them', async () => {
  const reference = await stored('abcd');
  await store.put(contentKey(reference.sha256), [Buffer.from('abce')]);
  await expect(textOf(reference)).rejects.toBeInstanceOf(ObjectDamaged);
  await expect(textOf({ ...reference, uri: objectUri('absent') })).rejects.toBeInstanceOf(ObjectNotFound);
  expect(await kept()).toEqual([]);
  expect(await readdir(join(directory, 'use'))).toEqual([]);
});

it('fetches again what a power failure has cut', async () => {
  const reference = await stored('abcd');
  await textOf(reference);
  await truncate(join(directory, 'sha256', reference.sha256), 2);
  expect(await textOf(reference)).toBe('abcd');
});
