import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createBlockingDiskStore } from '../../storage/blocking-disk.ts';
import { createLocalDiskStore } from '../../storage/local-disk.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from '../../storage/object-store.ts';
import { createS3Store } from '../../storage/s3.ts';
import { findS3Server, type TestBucket } from './s3-server.ts';

// What an object store must do, on a disk and on a real S3 server (test/storage/s3-server.ts says which).

const MIB = 1024 * 1024;
let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'stores '));
});
afterAll(() => rm(base, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = async (reading: Promise<Uint8Array>) => Buffer.from(await reading).toString();
const sha256 = (content: Uint8Array) => createHash('sha256').update(content).digest('hex');

async function listed(store: ObjectStore, prefix: string): Promise<[key: string, bytes: number][]> {
  const found: [string, number][] = [];
  for await (const { key, bytes: length } of store.list(prefix)) found.push([key, length]);
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}

/** `blocks` MiB, each of other bytes, all in the same memory. */
function* refilled(blocks: number): Generator<Uint8Array> {
  const memory = new Uint8Array(MIB);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < MIB; i += 4) memory.set([block, i >> 2, i >> 10, i >> 18], i);
    yield memory;
  }
}

async function* brokenAfter(blocks: number): AsyncGenerator<Uint8Array> {
  yield* refilled(blocks);
  await Promise.resolve();
  throw new Error('source broke');
}

function conforms(open: () => ObjectStore): void {
  let store: ObjectStore;
  beforeEach(() => {
    store = open();
  });

  it('gives back what was put, whole or by range, with its hash', async () => {
    const reference = await store.put('jobs/1/part', [bytes('ab'), bytes('cde')]);
    expect(reference).toEqual({
      uri: 'store:jobs/1/part',
      sha256: '36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c',
      bytes: 5,
    });
    const { uri } = reference;
    expect(await textOf(store.read(uri))).toBe('abcde');
    expect(await textOf(store.read(uri, { start: 1, end: 3 }))).toBe('bc');
    expect(await textOf(store.read(uri, { start: 3, end: 99 }))).toBe('de');
    expect(await textOf(store.read(uri, { start: 5, end: 99 }))).toBe('');
    expect(await textOf(store.read(uri, { start: 99, end: 100 }))).toBe('');
    expect(await textOf(store.read(uri, { start: 2, end: 2 }))).toBe('');
    const memory = new Uint8Array(4);
    expect(await textOf(store.read(uri, { start: 1, end: 4 }, memory))).toBe('bcd');
    expect(await textOf(store.read(uri, { start: 0, end: 5 }, memory))).toBe('abcde');
  });

  it('holds numbers where they can be looked at as such', async () => {
    const fluxes = Float32Array.of(1, -2.5, Number.NaN, 4);
    const { uri } = await store.put('fluxes', [new Uint8Array(fluxes.buffer)]);
    const read = await store.read(uri, { start: 4, end: 16 });
    expect(new Float32Array(read.buffer, read.byteOffset, 3)).toEqual(fluxes.subarray(1));
  });

  it('keeps objects of no bytes', async () => {
    const { uri, bytes: length } = await store.put('empty', []);
    expect(length).toBe(0);
    expect(await store.find('empty')).toBe(0);
    expect(await textOf(store.read(uri))).toBe('');
  });

  it('keeps large objects, whose source fills the same memory again and again', async () => {
    const expected = Buffer.concat(Array.from(refilled(37), (block) => Uint8Array.from(block)));
    const { uri, sha256: hash, bytes: length } = await store.put('large', refilled(37));
    expect([length, hash]).toEqual([expected.length, sha256(expected)]);
    expect(sha256(await store.read(uri))).toBe(hash);
    const range = { start: 16 * MIB - 1, end: 33 * MIB + 1 };
    expect(sha256(await store.read(uri, range))).toBe(sha256(expected.subarray(range.start, range.end)));
  });

  it.each([1, 20])(
    'keeps the old object, and nothing else, when a write fails after %i MiB',
    async (blocks) => {
      await store.put('a/x', [bytes('old')]);
      await expect(store.put('a/x', brokenAfter(blocks))).rejects.toThrow('source broke');
      await expect(store.put('a/new', brokenAfter(blocks))).rejects.toThrow('source broke');
      expect(await textOf(store.read(objectUri('a/x')))).toBe('old');
      expect(await listed(store, 'a')).toEqual([['a/x', 3]]);
    },
  );

  it('shows readers one whole object or another, never a mixture', async () => {
    const write = (letter: string) => store.put('x', [bytes(letter.repeat(200_000))]);
    await write('a');
    let isWriting = true;
    const seen: string[] = [];
    const reader = async () => {
      while (isWriting) {
        const content = await textOf(store.read(objectUri('x')));
        seen.push(`${content.length} ${[...new Set(content)].join('')}`);
      }
    };
    const readers = [reader(), reader()];
    for (const letter of 'bcdefgh') await write(letter);
    isWriting = false;
    await Promise.all(readers);
    expect(seen.length).toBeGreaterThan(0);
    for (const what of seen) expect(what).toMatch(/^200000 [a-h]$/);
  });

  it('names what is not there', async () => {
    const uri = objectUri('jobs/1/parts/0');
    await expect(store.read(uri)).rejects.toBeInstanceOf(ObjectNotFound);
    await expect(store.read(uri, { start: 0, end: 9 })).rejects.toBeInstanceOf(ObjectNotFound);
    await expect(store.read(uri, { start: 1, end: 1 })).rejects.toBeInstanceOf(ObjectNotFound);
    expect(await store.find('jobs/1/parts/0')).toBeUndefined();
    expect(await listed(store, 'jobs')).toEqual([]);
  });

  it('keeps what can be made again, says how long it is, and lists it', async () => {
    const began = Date.now();
    await store.putScratch('parts/ab/1', [bytes('ab'), bytes('c')]);
    await store.put('parts/cd/2', [bytes('x')]);
    await store.put('parts2/3', [bytes('y')]);
    expect(await store.find('parts/ab/1')).toBe(3);
    expect(await store.find('parts/ab/2')).toBeUndefined();
    expect(await listed(store, 'parts')).toEqual([
      ['parts/ab/1', 3],
      ['parts/cd/2', 1],
    ]);
    for await (const { writtenAt } of store.list('parts'))
      expect(Math.abs(writtenAt.getTime() - began)).toBeLessThan(60_000);
  });

  it('deletes an object, and all below a key, and no neighbour', async () => {
    for (const key of ['jobs/1/a', 'jobs/1/b/c', 'jobs/10/a', 'jobs/11']) await store.put(key, [bytes('x')]);
    await store.deletePrefix('jobs/1');
    await store.deletePrefix('jobs/1');
    await store.deletePrefix('jobs/11');
    expect(await listed(store, 'jobs')).toEqual([['jobs/10/a', 1]]);
  });

  it('lists and deletes more than a server tells at once', async () => {
    const keys = Array.from({ length: 1005 }, (_, i) => `many/${String(i).padStart(4, '0')}`);
    for (let i = 0; i < keys.length; i += 32)
      await Promise.all(keys.slice(i, i + 32).map((key) => store.putScratch(key, [bytes('x')])));
    expect((await listed(store, 'many')).map(([key]) => key)).toEqual(keys);
    await store.deletePrefix('many');
    expect(await listed(store, 'many')).toEqual([]);
  });

  it('takes any name in a key', async () => {
    const key = 'work/é ü/a b+c%20#?&=(1)’.json';
    const { uri } = await store.put(key, [bytes('x')]);
    expect(await textOf(store.read(uri))).toBe('x');
    expect(await listed(store, 'work')).toEqual([[key, 1]]);
    await store.deletePrefix(key);
    expect(await store.find(key)).toBeUndefined();
  });

  it.each(['', '..', '../x', 'a/../b', './a', '/a', 'a/', 'a//b', 'a\0b'])(
    'refuses the key %j',
    async (key) => {
      await expect(async () => store.put(key, [])).rejects.toThrow('not an object key');
      await expect(async () => store.deletePrefix(key)).rejects.toThrow('not an object key');
      await expect(async () => store.read(objectUri(key))).rejects.toThrow('not an object key');
      await expect(async () => store.find(key)).rejects.toThrow('not an object key');
    },
  );
}

describe('on a disk', () => {
  conforms(() => createLocalDiskStore(join(base, randomUUID())));
});

describe('on a disk, in line', () => {
  conforms(() => createBlockingDiskStore(join(base, randomUUID())));
});

const startS3 = await findS3Server();

describe.skipIf(!startS3)('on S3', () => {
  let bucket: TestBucket;
  const open = (): ObjectStore => createS3Store({ ...bucket.location, prefix: `of tests/${randomUUID()}` });
  beforeAll(async () => {
    if (!startS3) throw new Error('skipped without a server');
    bucket = await startS3();
    for (const [name, value] of Object.entries(bucket.credentials)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await bucket.close();
  });

  conforms(open);

  it('serves the whole bucket where there is no prefix', async () => {
    const store = createS3Store(bucket.location);
    await store.put('top', [bytes('x')]);
    expect(await store.find('top')).toBe(1);
    await store.deletePrefix('top');
  });

  it('aborts the upload of a write that fails', async () => {
    await expect(open().put('x', brokenAfter(40))).rejects.toThrow('source broke');
    const { Uploads = [] } = await bucket.client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket.location.bucket }),
    );
    expect(Uploads).toEqual([]);
  });

  it('says what is wrong where there is no bucket', async () => {
    const store = createS3Store({ ...bucket.location, bucket: 'absent-of-a-test' });
    await expect(store.put('x', [bytes('x')])).rejects.toThrow(/bucket/i);
    await expect(store.read(objectUri('x'))).rejects.not.toBeInstanceOf(ObjectNotFound);
  });
});

it('leaves nothing of what it wrote beside', async () => {
  const stores = await readdir(base, { recursive: true });
  expect(stores.filter((name) => name.endsWith('.partial'))).toEqual([]);
});
