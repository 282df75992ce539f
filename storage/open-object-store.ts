import type { ObjectsLocation } from '../contracts/objects-location.ts';
import { createLocalDiskStore } from './local-disk.ts';
import type { ObjectStore } from './object-store.ts';
import { createS3Store } from './s3.ts';

const opened = new Map<string, ObjectStore>();

/** The object store at a location; the same one each time, so that its connections are kept. */
export function openObjectStore(location: ObjectsLocation): ObjectStore {
  const key = JSON.stringify(location);
  let store = opened.get(key);
  if (!store) {
    store = 'directory' in location ? createLocalDiskStore(location.directory) : createS3Store(location);
    opened.set(key, store);
  }
  return store;
}
