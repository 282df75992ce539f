import { createHash } from 'node:crypto';
import type { S3Location } from '../contracts/storage-location.ts';
import { checkKey, keyOf, ObjectNotFound, type ObjectStore, objectUri } from './object-store.ts';
import { KeyNotFound, openBucket } from './s3-bucket.ts';

/** Objects below `prefix` in a bucket. */
export function createS3Store(location: S3Location): ObjectStore {
  const bucket = openBucket(location);
  const checked = (key: string): string => {
    checkKey(key);
    return key;
  };

  async function find(key: string): Promise<number | undefined> {
    return (await bucket.head(checked(key)))?.bytes;
  }

  return {
    async put(key, chunks) {
      const hash = createHash('sha256');
      let bytes = 0;
      async function* hashed() {
        for await (const chunk of chunks) {
          hash.update(chunk);
          bytes += chunk.length;
          // The source may fill its memory anew, and parts wait here until they are whole.
          yield Buffer.from(chunk);
        }
      }
      await bucket.write(checked(key), hashed());
      return { uri: objectUri(key), sha256: hash.digest('hex'), bytes };
    },

    putScratch: (key, chunks) => bucket.write(checked(key), chunks),

    find,

    async *list(key) {
      for await (const { objects } of bucket.pages(`${checked(key)}/`)) yield* objects;
    },

    async read(uri, range, memory) {
      const key = checked(keyOf(uri));
      // HTTP has no range without a byte.
      if (range && range.end <= range.start) {
        if ((await find(key)) === undefined) throw new ObjectNotFound(uri);
        return new Uint8Array(0);
      }
      try {
        return await bucket.read(key, range, memory ? { memory } : {});
      } catch (error) {
        if (error instanceof KeyNotFound) throw new ObjectNotFound(uri);
        throw error;
      }
    },

    async deletePrefix(key) {
      await bucket.deleteAll(`${checked(key)}/`);
      await bucket.delete(key);
    },
  };
}
