import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ShardListing } from '../contracts/preprocessing.ts';
import { createDiskFileStore } from '../storage/disk-file-store.ts';
import type { FileStore } from '../storage/file-store.ts';
import { createLocalDiskStore } from '../storage/local-disk.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { createListShards, type ListedSoFar } from './list-shards.ts';
import { MAX_FILES_PER_PART, MAX_FILES_PER_SHARD } from '../contracts/limits.ts';
import { PreprocessingConfig } from '../contracts/preprocessing.ts';
import {
  baseNameHash,
  maxFilesPerPart,
  readListing,
  readManifest,
  readPartRanges,
  readShardFiles,
} from './plan.ts';

let root: string;
let archive: string;
let fileStore: FileStore;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'list shards '));
  fileStore = await createDiskFileStore({ root: join(root, 'files'), tempDir: join(root, 'temp') });
  archive = join(root, 'files', 'SPECTRA');
  store = createLocalDiskStore(join(root, 'objects'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(...paths: string[]): Promise<void> {
  const files = paths.map((path) => join(archive, path));
  for (const directory of new Set(files.map(dirname))) await mkdir(directory, { recursive: true });
  for (const [i, file] of files.entries()) writeFileSync(file, paths[i] ?? '');
}
const config = (points: number) =>
  PreprocessingConfig.parse({
    data_dir_path: '/',
    wave_start_point: 4000,
    wave_end_point: 5000,
    wave_point_count: points,
  });

/** An archive of many files, of which there is no more than their names. */
const archiveOf = (paths: readonly string[]): FileStore => ({
  ...fileStore,
  resolveArchiveDirectory: () => Promise.resolve(''),
  async *walkArchive() {
    for (let at = 0; at < paths.length; at += 500) {
      await Promise.resolve();
      yield paths.slice(at, at + 500).map((path) => ({ path, size: 1, mtimeMs: 1 }));
    }
  },
});
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `${100_000 + i}`);

/** The paths of the files of each part of each shard, and what was told while there were more to come. */
let jobs = 0;
async function list(
  dir: string,
  points = 140,
  workId = `job-${jobs++}`,
  from = fileStore,
  { attempt = 1, workers }: { attempt?: number; workers?: number } = {},
) {
  const listShards = createListShards({ fileStore: from, store });
  const told: ListedSoFar[] = [];
  const listing = ShardListing.parse(
    await new MockActivityEnvironment({ attempt }).run(() =>
      listShards({ workId, dir, recursive: true, config: config(points), workers }, async (listed) => {
        for (let shard = told.at(-1)?.shards ?? 0; shard < listed.shards; shard++)
          expect(await readPartRanges(store, workId, shard)).not.toHaveLength(0);
        told.push(listed);
      }),
    ),
  );
  const shards = [];
  for (let shard = 0; shard < listing.shardCount; shard++) {
    const parts = [];
    for (const range of await readPartRanges(store, workId, shard))
      parts.push((await readManifest(store, workId, shard, range)).map(({ path }) => path));
    shards.push(parts);
  }
  return { listing, shards, parts: shards.flat(), told, names: (await readListing(store, workId))?.names };
}

it('says which base names several files have', async () => {
  await put('night/a/x.fits', 'night/b/x.fits', 'night/b/y.fits', 'other/y.fits');
  expect((await list('/night')).names).toEqual({ directory: 'night', repeated: [baseNameHash('x.fits')] });
  expect((await list('/')).names?.repeated).toHaveLength(2);
});

it('cuts the files into parts and shards in byte order of their paths, names of several bytes a letter too', async () => {
  const paths = Array.from({ length: 10 }, (_, i) => `Čertík-${i}.fits`);
  await put(...paths);
  const { listing, parts } = await list('/', 100_000);
  expect(listing).toMatchObject({ totalFiles: 10, shardCount: 1 });
  expect(parts.flat()).toEqual(paths);
});

it('cuts elsewhere only near a file that came or went', async () => {
  const paths = Array.from({ length: 600 }, (_, i) => `spec-${1000 + i}.fits`);
  await put(...paths);
  const before = (await list('/', 100_000)).parts;
  await put('spec-1300-more.fits');
  await rm(join(archive, 'spec-1003.fits'));
  const after = (await list('/', 100_000)).parts;
  const known = new Set(before.map((part) => part.join()));
  expect(before.length).toBeGreaterThan(20);
  expect(after.filter((part) => !known.has(part.join())).length).toBeLessThan(8);
  expect(after.flat().sort()).toEqual(
    [...paths.filter((path) => path !== 'spec-1003.fits'), 'spec-1300-more.fits'].sort(),
  );
});

it.each([
  [140, MAX_FILES_PER_PART],
  [3700, 283],
  [10_000, 104],
  [100_000, 10],
])('a part of rows of %i points has at most %i files: never more than 4 MiB', (points, files) => {
  expect(maxFilesPerPart(config(points))).toBe(files);
  expect(files * points * 4).toBeLessThanOrEqual(4 * 1024 * 1024);
});

it('makes small shards first and last, so that the merge can begin and all workers end together', async () => {
  const { shards } = await list('/', 10_000, 'job', archiveOf(numbered(40_000)));
  const files = shards.map((parts) => parts.flat().length);
  expect(Math.max(...files)).toBeGreaterThan(3000);
  expect(Math.max(...files)).toBeLessThanOrEqual(MAX_FILES_PER_SHARD.disk);
  for (const small of [...files.slice(0, 2), ...files.slice(-2)])
    expect(small).toBeLessThan(Math.max(...files));
  expect(Math.max(...shards.flat().map((part) => part.length))).toBeLessThanOrEqual(104);
});

it('makes smaller shards of files on S3, which take a hundred times as long', async () => {
  const paths = numbered(60_000);
  const s3 = { bucket: 'b', prefix: '', region: 'us-east-1' };
  const most = async (of: FileStore) => {
    const { shards } = await list('/', 140, undefined, of, { workers: 1 });
    return Math.max(...shards.map((parts) => parts.flat().length));
  };
  expect(await most({ ...archiveOf(paths), archive: s3 })).toBeLessThanOrEqual(MAX_FILES_PER_SHARD.s3);
  expect(await most(archiveOf(paths))).toBeGreaterThan(2 * MAX_FILES_PER_SHARD.s3);
});

it.each([0, 1, 2, 4, 100])(
  'cuts fewer shards for %i workers than for more, of the same parts',
  async (workers) => {
    const paths = numbered(20_000);
    const few = await list('/', 140, undefined, archiveOf(paths), { workers });
    const many = await list('/', 140, undefined, archiveOf(paths));
    expect(few.parts).toEqual(many.parts);
    if (workers < 4) expect(few.shards.length).toBeLessThan(many.shards.length);
    else expect(few.shards).toEqual(many.shards);
    if (workers <= 1) expect(few.shards.length).toBeLessThan(7);
    for (const shard of few.shards) expect(shard.flat().length).toBeLessThanOrEqual(MAX_FILES_PER_SHARD.disk);
  },
);

it('tells of shards while it lists more', async () => {
  const paths = numbered(24_000);
  const { listing, parts, told } = await list('/', 140, 'job', archiveOf(paths));
  expect(told.length).toBeGreaterThan(1);
  expect(told[0]?.shards).toBeGreaterThan(0);
  expect(told.at(-1)?.shards).toBeLessThan(listing.shardCount);
  expect(parts.flat()).toEqual(paths);
});

it('goes on where it was interrupted, though the archive is another one by then', async () => {
  const paths = numbered(20_000);
  const listShards = createListShards({ fileStore: archiveOf(paths), store });
  const input = { workId: 'job', dir: '/', recursive: true, config: config(140) };
  await expect(
    new MockActivityEnvironment().run(() => listShards(input, () => Promise.reject(new Error('killed')))),
  ).rejects.toThrow('killed');
  const started = await readShardFiles(store, 'job', 0);
  const changed = ['000000', ...paths.slice(1), '999999'];
  const { shards, listing } = await list('/', 140, 'job', archiveOf(changed), { attempt: 2 });
  expect(shards[0]?.flat()).toEqual(started?.map(({ path }) => path));
  expect(shards.flat(2)).toEqual([...paths, '999999']);
  expect(listing.totalFiles).toBe(20_001);
  // Another run begins anew.
  expect((await list('/', 140, 'job', archiveOf(changed))).parts.flat()).toEqual(changed);
});

it('says that there is no file', async () => {
  await mkdir(join(archive, 'empty'));
  expect((await list('/empty')).listing).toMatchObject({ totalFiles: 0, shardCount: 0 });
});

it('gives equal files in another place the same fingerprint', async () => {
  await put('x.fits');
  const first = (await list('/')).listing;
  await writeFile(join(archive, 'x.fits'), 'x.fits'); // another time, the same size
  expect((await list('/')).listing.inputSha256).toBe(first.inputSha256);
  await put('y.fits');
  expect((await list('/')).listing.inputSha256).not.toBe(first.inputSha256);
});
