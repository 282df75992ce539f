import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLocalDiskStore } from './local-disk.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from './object-store.ts';

let root: string;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'object store '));
  store = createLocalDiskStore(root);
});
afterEach(() => rm(root, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);

it('gives back what was put, whole or by range, with its hash', async () => {
  const reference = await store.put('jobs/1/part', [bytes('ab'), bytes('cde')]);
  expect(reference).toEqual({
    uri: 'store:jobs/1/part',
    sha256: '36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c',
    bytes: 5,
  });
  expect(Buffer.from(await store.read(reference.uri)).toString()).toBe('abcde');
  expect(Buffer.from(await store.read(reference.uri, { start: 1, end: 3 })).toString()).toBe('bc');
  expect(Buffer.from(await store.read(reference.uri, { start: 3, end: 99 })).toString()).toBe('de');
  const memory = new Uint8Array(4);
  const range = { start: 1, end: 4 };
  expect(Buffer.from(await store.read(reference.uri, range, memory)).toString()).toBe('bcd');
  expect(Buffer.from(await store.read(reference.uri, { start: 0, end: 5 }, memory)).toString()).toBe('abcde');
});

it('keeps the old object, and nothing else, when a write fails', async () => {
  await store.put('a/x', [bytes('old')]);
  async function* broken() {
    yield bytes('ne');
    await Promise.resolve();
    throw new Error('source broke');
  }
  await expect(store.put('a/x', broken())).rejects.toThrow('source broke');
  expect(Buffer.from(await store.read(objectUri('a/x'))).toString()).toBe('old');
  expect(await readdir(join(root, 'a'))).toEqual(['x']);
});

it('names what is not there, and deletes by prefix', async () => {
  await store.put('jobs/1/parts/0', [bytes('x')]);
  await store.deletePrefix('jobs/1');
  await store.deletePrefix('jobs/1');
  await expect(store.read(objectUri('jobs/1/parts/0'))).rejects.toBeInstanceOf(ObjectNotFound);
});

it('never leaves its root', async () => {
  await expect(store.put('../x', [])).rejects.toThrow('not an object key');
  await expect(store.deletePrefix('')).rejects.toThrow('not an object key');
});

it('keeps what can be made again, says how long it is, and lists it', async () => {
  await store.putScratch('parts/ab/1', [bytes('ab'), bytes('c')]);
  await store.put('parts/cd/2', [bytes('x')]);
  await store.put('work/3', [bytes('y')]);
  expect(await store.find('parts/ab/1')).toBe(3);
  expect(await store.find('parts/ab/2')).toBeUndefined();
  const listed = [];
  for await (const { key, bytes: length } of store.list('parts')) listed.push([key, length]);
  expect(listed.sort()).toEqual([
    ['parts/ab/1', 3],
    ['parts/cd/2', 1],
  ]);
  for await (const object of store.list('nothing')) expect.fail(`listed ${object.key}`);
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
