import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, opendir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { ObjectReference } from '../contracts/reference.ts';
import {
  checkKey,
  keyOf,
  ObjectNotFound,
  type ObjectStore,
  objectUri,
  type StoredObject,
} from './object-store.ts';

/** Where the object of a key lies. */
export function pathOf(root: string, key: string): string {
  checkKey(key);
  return join(root, key);
}

/** What the file of an object ends with while it is being written. */
export const PARTIAL = '.partial';
/** A write takes seconds: what is as old as this was left by a crash, and swept away by the next listing. */
const STALE_PARTIAL_MS = 3_600_000;

/** Whether an error of the file system says that there is no such file. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Memory for a stretch: what is lent where it is large enough, else new. */
export function memoryFor({ start, end }: { start: number; end: number }, lent?: Uint8Array): Uint8Array {
  const length = end - start;
  return lent && lent.length >= length ? lent.subarray(0, length) : Buffer.allocUnsafeSlow(length);
}

async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** Objects as files below `root`; URIs are `store:<key>`, the same on every machine that mounts the disk. */
export function createLocalDiskStore(root: string): ObjectStore {
  /** Writes beside and renames. */
  async function write(
    key: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    { sync, onChunk }: { sync: boolean; onChunk?: (chunk: Uint8Array) => void },
  ): Promise<void> {
    const path = pathOf(root, key);
    const partial = `${path}.${randomUUID()}${PARTIAL}`;
    const create = () => open(partial, 'wx');
    try {
      let file = await unlessAbsent(create());
      if (!file) {
        await mkdir(dirname(path), { recursive: true });
        file = await create();
      }
      try {
        for await (const chunk of chunks) {
          onChunk?.(chunk);
          await file.writeFile(chunk);
        }
        if (sync) await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  return {
    async put(key, chunks): Promise<ObjectReference> {
      const hash = createHash('sha256');
      let bytes = 0;
      await write(key, chunks, {
        sync: true,
        onChunk: (chunk) => {
          hash.update(chunk);
          bytes += chunk.length;
        },
      });
      return { uri: objectUri(key), sha256: hash.digest('hex'), bytes };
    },

    putScratch: (key, chunks) => write(key, chunks, { sync: false }),

    async find(key) {
      return (await unlessAbsent(stat(pathOf(root, key))))?.size;
    },

    async *list(prefix): AsyncGenerator<StoredObject> {
      const directory = await unlessAbsent(opendir(pathOf(root, prefix), { recursive: true }));
      if (!directory) return;
      for await (const entry of directory) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const found = await unlessAbsent(stat(path)); // it may go while we look
        if (!found) continue;
        if (entry.name.endsWith(PARTIAL)) {
          if (Date.now() - found.mtimeMs > STALE_PARTIAL_MS) await rm(path, { force: true });
        } else
          yield {
            key: relative(root, path).split(sep).join('/'),
            bytes: found.size,
            writtenAt: found.mtime,
          };
      }
    },

    async read(uri, range, memory) {
      const path = pathOf(root, keyOf(uri));
      try {
        if (!range) return await readFile(path);
        const file = await open(path);
        try {
          const buffer = memoryFor(range, memory);
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
        if (isAbsent(error)) throw new ObjectNotFound(uri);
        throw error;
      }
    },

    async deletePrefix(prefix) {
      await rm(pathOf(root, prefix), { recursive: true, force: true });
    },
  };
}
