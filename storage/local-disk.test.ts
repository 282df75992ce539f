import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLocalDiskStore } from './local-disk.ts';
import type { ObjectStore } from './object-store.ts';

// What every store does: test/storage/object-store.test.ts. Here is what only a disk has.

let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'object store '));
  store = createLocalDiskStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

it('leaves no file beside when a write fails', async () => {
  async function* broken() {
    yield bytes('ne');
    await Promise.resolve();
    throw new Error('source broke');
  }
  await store.put('a/x', [bytes('old')]);
  await expect(store.put('a/x', broken())).rejects.toThrow('source broke');
  expect(await readdir(join(root, 'a'))).toEqual(['x']);
});

it('sweeps away what a crash left half written, when it lists', async () => {
  await store.put('parts/1', [bytes('x')]);
  for (const [name, age] of [
    ['old', 7_200_000],
    ['new', 0],
  ] as const) {
    const path = join(root, 'parts', `${name}.partial`);
    await writeFile(path, 'half');
    await utimes(path, new Date(Date.now() - age), new Date(Date.now() - age));
  }
  const listed = [];
  for await (const { key } of store.list('parts')) listed.push(key);
  expect(listed).toEqual(['parts/1']);
  expect((await readdir(join(root, 'parts'))).sort()).toEqual(['1', 'new.partial']);
});
