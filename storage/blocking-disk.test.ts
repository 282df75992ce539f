import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createBlockingDiskStore } from './blocking-disk.ts';
import type { ObjectStore } from './object-store.ts';

// What every store does: test/storage/object-store.test.ts. Here is when this one blocks.

let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'blocking store '));
  store = createBlockingDiskStore(root);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true });
});

const bytes = new TextEncoder().encode('fluxes');

/** Whether the object is there as soon as the call returns, before anything else could run. */
async function isWrittenInLine(key: string): Promise<boolean> {
  const writing = store.putScratch(key, [bytes]);
  const isThere = existsSync(join(root, key));
  await writing;
  expect(existsSync(join(root, key))).toBe(true);
  return isThere;
}

it('writes in line where the page cache takes it', async () => {
  for (const key of ['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'a/6']) expect(await isWrittenInLine(key)).toBe(true);
  expect(await readdir(join(root, 'a'))).toHaveLength(6);
});

it('goes beside where the disk has to be waited for, and tries again later', async () => {
  let now = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => (now += 50));
  const inLine: boolean[] = [];
  for (let write = 0; write < 72; write++) inLine.push(await isWrittenInLine(`slow/${write}`));
  expect(inLine.map(Number).join('')).toBe(`1111${'0'.repeat(64)}1111`);
});

it('does not take one slow call among others for a slow disk', async () => {
  let now = 0;
  let call = 0;
  // Two calls a write: three slow ones, then a quick one.
  vi.spyOn(performance, 'now').mockImplementation(() => (now += call++ % 8 < 6 ? 50 : 1));
  for (let write = 0; write < 12; write++) expect(await isWrittenInLine(`x/${write}`)).toBe(true);
});

it('leaves nothing beside when a write fails', async () => {
  await store.putScratch('a/x/below', [bytes]);
  // A directory lies where the object is to be.
  await expect(store.putScratch('a/x', [bytes])).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
  expect(await readdir(join(root, 'a'))).toEqual(['x']);
});
