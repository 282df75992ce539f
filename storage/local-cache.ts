import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbsent } from './local-disk.ts';

const BLOCK_BYTES = 8 * 1024 * 1024;
const BLOCKS_AHEAD = 4;
const PARTIAL = '.partial';
/** What is half fetched and as old as this was left by a crash. */
const STALE_MS = 24 * 3_600_000;

/** The store gave other bytes than it had said. */
export class ObjectDamaged extends Error {
  override readonly name = 'ObjectDamaged';
}

/** Bytes that lie elsewhere. */
export interface RemoteBytes {
  /** A name for these very bytes, that a file can have: whoever gives the same one means the same bytes. */
  id: string;
  bytes: number;
  /** Checked where it is known. */
  sha256?: string;
  read(range: { start: number; end: number }): Promise<Uint8Array>;
}

/** Copies of objects on this machine, for what reads files only (HDF5). */
export interface LocalCache {
  /**
   * Fetches the bytes unless they are here, and makes a file of them at `target`; to be read only. It stays until it is
   * deleted, whatever else is fetched meanwhile.
   * @throws ObjectDamaged; whatever `read` throws
   */
  link(object: RemoteBytes, target: string): Promise<void>;
  /** Takes a file, of the same disk, for the copy of these bytes; it moves into the cache. */
  adopt(object: Pick<RemoteBytes, 'id' | 'bytes'>, path: string): Promise<void>;
}

/**
 * A cache in a directory that several processes may share: what was used longest ago goes first where all would be more
 * than `maxBytes`. What has been linked counts no more once it has been dropped.
 */
export function createLocalCache({
  directory,
  maxBytes,
}: {
  directory: string;
  maxBytes: number;
}): LocalCache {
  const fetching = new Map<string, Promise<void>>();
  let ready: Promise<void> | undefined;

  async function prepare(): Promise<void> {
    await mkdir(directory, { recursive: true });
    for (const { path, usedAt } of await filesOf(directory))
      if (path.endsWith(PARTIAL) && Date.now() - usedAt > STALE_MS) await rm(path, { force: true });
  }

  /** Deletes what was used longest ago until `bytes` more have room. */
  async function makeRoom(bytes: number): Promise<void> {
    ready ??= prepare();
    await ready;
    const files = (await filesOf(directory)).sort((a, b) => a.usedAt - b.usedAt);
    let total = files.reduce((sum, { size }) => sum + size, bytes);
    for (const { path, size } of files) {
      if (total <= maxBytes) return;
      if (path.endsWith(PARTIAL)) continue;
      await rm(path, { force: true });
      total -= size;
    }
  }

  async function fetch(object: RemoteBytes): Promise<void> {
    const { id, bytes, sha256 } = object;
    await makeRoom(bytes);
    const path = join(directory, id);
    const partial = `${path}.${randomUUID()}${PARTIAL}`;
    try {
      const file = await open(partial, 'wx');
      try {
        const hash = createHash('sha256');
        for await (const block of blocksOf(object)) {
          if (sha256 !== undefined) hash.update(block);
          await file.writeFile(block);
        }
        if ((await file.stat()).size !== bytes || (sha256 !== undefined && hash.digest('hex') !== sha256))
          throw new ObjectDamaged(`an object is not of ${bytes} bytes with the SHA-256 ${sha256}`);
      } finally {
        await file.close();
      }
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      throw error;
    }
  }

  /** A second name of the copy, so that dropping the first one takes nothing from whoever reads; false where there is none. */
  async function lend({ id, bytes }: RemoteBytes, target: string): Promise<boolean> {
    try {
      await link(join(directory, id), target);
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
    if ((await stat(target)).size !== bytes) {
      await rm(join(directory, id), { force: true });
      await rm(target);
      return false;
    }
    const now = new Date();
    await utimes(target, now, now);
    return true;
  }

  return {
    async link(object, target) {
      while (!(await lend(object, target))) {
        const { id } = object;
        const running = fetching.get(id) ?? fetch(object).finally(() => fetching.delete(id));
        fetching.set(id, running);
        await running;
      }
    },

    async adopt({ id, bytes }, path) {
      await makeRoom(bytes);
      const now = new Date();
      await utimes(path, now, now);
      await rename(path, join(directory, id));
    },
  };
}

/** The bytes in order; the next blocks are on their way while one is written. */
async function* blocksOf({ bytes, read }: RemoteBytes): AsyncGenerator<Uint8Array> {
  const ahead: Promise<Uint8Array>[] = [];
  let next = 0;
  const readNext = () => {
    const start = next;
    next = Math.min(start + BLOCK_BYTES, bytes);
    const block = read({ start, end: next });
    // Whoever waits for it hears of a failure; after an earlier one nobody does.
    block.catch(() => undefined);
    ahead.push(block);
  };
  while (next < bytes && ahead.length < BLOCKS_AHEAD) readNext();
  for (let block = ahead.shift(); block; block = ahead.shift()) {
    const bytesRead = await block;
    if (next < bytes) readNext();
    yield bytesRead;
  }
}

async function filesOf(directory: string): Promise<{ path: string; size: number; usedAt: number }[]> {
  const files = await Promise.all(
    (await readdir(directory)).map(async (name) => {
      const path = join(directory, name);
      try {
        const { size, mtimeMs } = await stat(path);
        return [{ path, size, usedAt: mtimeMs }];
      } catch (error) {
        if (isAbsent(error)) return []; // dropped meanwhile
        throw error;
      }
    }),
  );
  return files.flat();
}
