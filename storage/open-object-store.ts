import { isMainThread } from 'node:worker_threads';
import type { StorageLocation } from '../contracts/storage-location.ts';
import { createBlockingDiskStore } from './blocking-disk.ts';
import { createLocalDiskStore } from './local-disk.ts';
import type { ObjectStore } from './object-store.ts';

const opened = new Map<string, Promise<ObjectStore>>();

/** The object store at a location; the same one each time, so that its connections are kept. */
export function openObjectStore(location: StorageLocation): Promise<ObjectStore> {
  const key = JSON.stringify(location);
  const store = opened.get(key) ?? open(location);
  opened.set(key, store);
  return store;
}

async function open(location: StorageLocation): Promise<ObjectStore> {
  if ('directory' in location)
    return isMainThread
      ? createLocalDiskStore(location.directory)
      : createBlockingDiskStore(location.directory);
  // Loading it takes 0.2 s and 28 MB, of every thread.
  const { createS3Store } = await import('./s3.ts');
  return createS3Store(location);
}
