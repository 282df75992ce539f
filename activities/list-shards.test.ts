import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ShardListing } from '../contracts/preprocessing.ts';
import { createFileStore, type FileStore } from '../storage/file-store.ts';
import { createLocalDiskStore } from '../storage/local-disk.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { createListShards } from './list-shards.ts';
import { readShard } from './shard-manifest.ts';

let root: string;
let fileStore: FileStore;
let store: ObjectStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'list shards '));
  fileStore = await createFileStore({ root: join(root, 'files'), tempDir: join(root, 'temp') });
  store = createLocalDiskStore(join(root, 'objects'));
});
afterEach(() => rm(root, { recursive: true }));

async function put(...paths: string[]): Promise<void> {
  for (const path of paths) {
    const file = join(fileStore.archiveRoot, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, path);
  }
}
async function list(dir: string, filesPerShard?: number) {
  const listShards = createListShards({ fileStore, store });
  const listing = ShardListing.parse(
    await new MockActivityEnvironment().run(() =>
      listShards({ workId: 'job', dir, recursive: true, filesPerShard }),
    ),
  );
  const shards = [];
  for (let shard = 0; shard < listing.shardCount; shard++)
    shards.push((await readShard(store, 'job', listing.manifest, shard)).map(({ name }) => name));
  return { listing, shards };
}

it('names a file by its base name where that is unique in the job, else by its path below the directory', async () => {
  await put('night/a/x.fits', 'night/b/x.fits', 'night/b/y.fits', 'other/y.fits');
  expect((await list('/night')).shards).toEqual([['a/x.fits', 'b/x.fits', 'y.fits']]);
  expect((await list('/')).shards).toEqual([
    ['night/a/x.fits', 'night/b/x.fits', 'night/b/y.fits', 'other/y.fits'],
  ]);
});

it('cuts the files into shards in byte order of their paths, names of several bytes a letter too', async () => {
  const paths = Array.from({ length: 10 }, (_, i) => `Čertík-${i}.fits`);
  await put(...paths);
  const { listing, shards } = await list('/', 4);
  expect(listing).toMatchObject({ totalFiles: 10, shardCount: 3 });
  expect(shards).toEqual([paths.slice(0, 4), paths.slice(4, 8), paths.slice(8)]);
});

it('says that there is no file', async () => {
  await mkdir(join(fileStore.archiveRoot, 'empty'));
  expect((await list('/empty')).listing).toMatchObject({ totalFiles: 0, shardCount: 0 });
});

it('gives equal files in another place the same fingerprint', async () => {
  await put('x.fits');
  const first = (await list('/')).listing;
  await writeFile(join(fileStore.archiveRoot, 'x.fits'), 'x.fits'); // another time, the same size
  expect((await list('/')).listing.inputSha256).toBe(first.inputSha256);
  await put('y.fits');
  expect((await list('/')).listing.inputSha256).not.toBe(first.inputSha256);
});
