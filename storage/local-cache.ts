import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectReference } from '../contracts/reference.ts';
import type { ObjectStore } from './object-store.ts';

const BLOCK_BYTES = 8 * 1024 * 1024;
/** What is as old as this in `use` or half fetched was left by a crash. */
const STALE_MS = 7 * 24 * 3_600_000;

/** The store gave other bytes than its reference says. */
export class ObjectDamaged extends Error {
  override readonly name = 'ObjectDamaged';
}

/** Copies of objects on this machine, for what reads files only (HDF5). */
export interface LocalCache {
  /**
   * Fetches the object unless it is here, and lends a host path of it; to be read only. It stays while `work` runs,
   * whatever else is fetched meanwhile.
   * @throws ObjectNotFound; ObjectDamaged where its bytes are not those of the reference
   */
  use<T>(reference: ObjectReference, work: (hostPath: string) => Promise<T>): Promise<T>;
}

/**
 * A cache by SHA-256 in a directory that several processes may share: what was used longest ago goes first where all
 * would be more than `maxBytes`. What is in use stays on disk, and counts no more once it has been dropped.
 */
export function createLocalCache({
  store,
  directory,
  maxBytes,
}: {
  store: ObjectStore;
  directory: string;
  maxBytes: number;
}): LocalCache {
  const contents = join(directory, 'sha256');
  const inUse = join(directory, 'use');
  const fetching = new Map<string, Promise<void>>();
  let ready: Promise<void> | undefined;

  async function prepare(): Promise<void> {
    for (const path of [contents, inUse]) {
      await mkdir(path, { recursive: true });
      for (const { path: file, usedAt } of await filesOf(path))
        if ((path === inUse || file.endsWith('.partial')) && Date.now() - usedAt > STALE_MS)
          await rm(file, { force: true });
    }
  }

  /** Deletes what was used longest ago until `bytes` more have room. */
  async function makeRoom(bytes: number): Promise<void> {
    const files = (await filesOf(contents)).sort((a, b) => a.usedAt - b.usedAt);
    let total = files.reduce((sum, { size }) => sum + size, bytes);
    for (const { path, size } of files) {
      if (total <= maxBytes) return;
      if (path.endsWith('.partial')) continue;
      await rm(path, { force: true });
      total -= size;
    }
  }

  async function fetch({ uri, sha256, bytes }: ObjectReference): Promise<void> {
    await makeRoom(bytes);
    const path = join(contents, sha256);
    const partial = `${path}.${randomUUID()}.partial`;
    try {
      const file = await open(partial, 'wx');
      try {
        const hash = createHash('sha256');
        const memory = new Uint8Array(Math.min(BLOCK_BYTES, bytes));
        for (let start = 0; start < bytes; start += BLOCK_BYTES) {
          const block = await store.read(uri, { start, end: Math.min(start + BLOCK_BYTES, bytes) }, memory);
          hash.update(block);
          await file.writeFile(block);
        }
        if ((await file.stat()).size !== bytes || hash.digest('hex') !== sha256)
          throw new ObjectDamaged(`${uri} has not the SHA-256 ${sha256}`);
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
  async function lend({ sha256, bytes }: ObjectReference, lent: string): Promise<boolean> {
    const path = join(contents, sha256);
    try {
      await link(path, lent);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
      throw error;
    }
    if ((await stat(lent)).size !== bytes) {
      await rm(lent);
      return false;
    }
    const now = new Date();
    await utimes(lent, now, now);
    return true;
  }

  return {
    async use(reference, work) {
      ready ??= prepare();
      await ready;
      const lent = join(inUse, randomUUID());
      try {
        while (!(await lend(reference, lent))) {
          const { sha256 } = reference;
          const running = fetching.get(sha256) ?? fetch(reference).finally(() => fetching.delete(sha256));
          fetching.set(sha256, running);
          await running;
        }
        return await work(lent);
      } finally {
        await rm(lent, { force: true });
      }
    },
  };
}

async function filesOf(directory: string): Promise<{ path: string; size: number; usedAt: number }[]> {
  const files = await Promise.all(
    (await readdir(directory)).map(async (name) => {
      const path = join(directory, name);
      try {
        const { size, mtimeMs } = await stat(path);
        return [{ path, size, usedAt: mtimeMs }];
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []; // dropped meanwhile
        throw error;
      }
    }),
  );
  return files.flat();
}
