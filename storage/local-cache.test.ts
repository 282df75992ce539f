import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createLocalCache, type LocalCache, ObjectDamaged, type RemoteBytes } from './local-cache.ts';

let base: string;
let directory: string;
let cache: LocalCache;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'cache '));
  directory = join(base, 'cache');
  cache = createLocalCache({ directory, maxBytes: 10 });
});
afterEach(() => rm(base, { recursive: true }));

const idOf = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

function remote(content: string | Buffer) {
  const bytes = Buffer.from(content);
  const id = idOf(bytes);
  return {
    id,
    bytes: bytes.length,
    sha256: id,
    read: vi.fn<RemoteBytes['read']>(({ start, end }) => Promise.resolve(bytes.subarray(start, end))),
  };
}
let targets = 0;
async function textOf(object: RemoteBytes, from = cache): Promise<string> {
  const target = join(base, `target-${targets++}`);
  await from.link(object, target);
  try {
    return await readFile(target, 'utf8');
  } finally {
    await rm(target);
  }
}
const kept = async () => (await readdir(directory)).sort();

it('fetches an object once, also for several who ask at the same time', async () => {
  const object = remote('abcd');
  expect(await Promise.all([textOf(object), textOf(object)])).toEqual(['abcd', 'abcd']);
  expect(await textOf(object)).toBe('abcd');
  expect(object.read).toHaveBeenCalledTimes(1);
  expect(await kept()).toEqual([object.id]);
});

it('fetches large ones block by block, in order', async () => {
  const content = Buffer.alloc(50 * 1024 * 1024 + 1);
  for (let i = 0; i < content.length; i += 4096) content.writeUInt32LE(i, Math.min(i, content.length - 4));
  const object = remote(content);
  await cache.link(object, join(base, 'large'));
  expect(idOf(await readFile(join(base, 'large')))).toBe(object.id);
  expect(object.read).toHaveBeenCalledTimes(7);
});

it('drops what was used longest ago', async () => {
  const [a, b, c] = [remote('aaaa'), remote('bbbb'), remote('cccc')];
  for (const object of [a, b, a, c]) {
    await textOf(object);
    await delay(5); // files' times differ
  }
  expect(await kept()).toEqual([a.id, c.id].sort());
});

it('leaves what was linked, and fetches what alone is larger than all it may hold', async () => {
  const [small, large] = [remote('small'), remote('larger than ten bytes')];
  await cache.link(small, join(base, 'small'));
  expect(await textOf(large)).toBe('larger than ten bytes');
  expect(await readFile(join(base, 'small'), 'utf8')).toBe('small');
  expect(await kept()).toEqual([large.id]);
  await textOf(small);
  expect(await kept()).toEqual([small.id]);
});

it('takes a file for the copy of what was stored from it', async () => {
  const object = remote('abcd');
  await writeFile(join(base, 'result'), 'abcd');
  await cache.adopt(object, join(base, 'result'));
  expect(await textOf(object)).toBe('abcd');
  expect(object.read).not.toHaveBeenCalled();
});

it('is shared by processes', async () => {
  const object = remote('abcd');
  await textOf(object);
  expect(await textOf(object, createLocalCache({ directory, maxBytes: 10 }))).toBe('abcd');
  expect(object.read).toHaveBeenCalledTimes(1);
});

it('takes no other bytes than those asked for, and leaves nothing of them', async () => {
  const object = remote('abcd');
  const damaged = { ...object, read: () => Promise.resolve(Buffer.from('abce')) };
  await expect(textOf(damaged)).rejects.toBeInstanceOf(ObjectDamaged);
  const cut = { ...object, sha256: undefined, read: () => Promise.resolve(Buffer.from('ab')) };
  await expect(textOf(cut)).rejects.toBeInstanceOf(ObjectDamaged);
  const gone = { ...object, read: () => Promise.reject(new Error('it is gone')) };
  await expect(textOf(gone)).rejects.toThrow('it is gone');
  expect(await kept()).toEqual([]);
});

it('fetches again what a power failure has cut', async () => {
  const object = remote('abcd');
  await textOf(object);
  await truncate(join(directory, object.id), 2);
  expect(await textOf(object)).toBe('abcd');
});
