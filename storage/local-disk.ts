import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { ObjectReference } from '../contracts/reference.ts';
import { ObjectNotFound, type ObjectStore, objectUri } from './object-store.ts';

const SCHEME = objectUri('');

/** Keys are made by our own code, but one that climbed out of the root must never be followed. */
function pathOf(root: string, key: string): string {
  const path = join(root, key);
  if (key === '' || relative(root, path).split(sep)[0] === '..') throw new Error(`not an object key: ${key}`);
  return path;
}

/** Objects as files below `root`; URIs are `store:<key>`, the same on every machine that mounts the disk. */
export function createLocalDiskStore(root: string): ObjectStore {
  return {
    async put(key, chunks): Promise<ObjectReference> {
      const path = pathOf(root, key);
      await mkdir(dirname(path), { recursive: true });
      const partial = `${path}.${randomUUID()}.partial`;
      const hash = createHash('sha256');
      let bytes = 0;
      try {
        const file = await open(partial, 'wx');
        try {
          for await (const chunk of chunks) {
            hash.update(chunk);
            bytes += chunk.length;
            await file.writeFile(chunk);
          }
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
      return { uri: objectUri(key), sha256: hash.digest('hex'), bytes };
    },

    async read(uri, range) {
      const path = pathOf(root, uri.slice(SCHEME.length));
      try {
        if (!range) return await readFile(path);
        const file = await open(path);
        try {
          const buffer = Buffer.alloc(range.end - range.start);
          let filled = 0;
          while (filled < buffer.length) {
            const { bytesRead } = await file.read(
              buffer,
              filled,
              buffer.length - filled,
              range.start + filled,
            );
            if (bytesRead === 0) break;
            filled += bytesRead;
          }
          return buffer.subarray(0, filled);
        } finally {
          await file.close();
        }
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
          throw new ObjectNotFound(uri);
        throw error;
      }
    },

    async deletePrefix(prefix) {
      await rm(pathOf(root, prefix), { recursive: true, force: true });
    },
  };
}
