import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createLocalDiskStore, isAbsent, memoryFor, PARTIAL, pathOf } from './local-disk.ts';
import { keyOf, ObjectNotFound, type ObjectStore } from './object-store.ts';

/** A call that the page cache answers takes less than this, even where the thread loses its core for a moment. */
const SLOW_MS = 5;
const SLOW_BYTES_PER_MS = 500_000;
/** So many slow calls one after another come from the disk; then so many are made the other way, before the next try. */
const SLOW_CALLS = 4;
const CALLS_BESIDE = 64;

/**
 * The local-disk store for a thread that has nothing else to do: it writes scratch and reads stretches in line, with a
 * twentieth of the processor that the way over libuv's threads takes. Where the disk itself has to be waited for, as over
 * a network, the thread goes that way too, and works meanwhile.
 */
export function createBlockingDiskStore(root: string): ObjectStore {
  const store = createLocalDiskStore(root);
  let slowCalls = 0;
  let callsBeside = 0;

  function isInLine(): boolean {
    if (callsBeside === 0) return true;
    callsBeside--;
    return false;
  }
  function timed<T>(bytes: number, work: () => T): T {
    const began = performance.now();
    const result = work();
    slowCalls = performance.now() - began > SLOW_MS + bytes / SLOW_BYTES_PER_MS ? slowCalls + 1 : 0;
    if (slowCalls >= SLOW_CALLS) [slowCalls, callsBeside] = [0, CALLS_BESIDE];
    return result;
  }

  return {
    ...store,

    // Async all the same: what is thrown is to be a rejection.
    async putScratch(key, chunks) {
      if (!isInLine()) return store.putScratch(key, chunks);
      const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
      timed(bytes, () => {
        write(pathOf(root, key), chunks);
      });
    },

    async read(uri, range, memory) {
      if (!range || !isInLine()) return store.read(uri, range, memory);
      const into = memoryFor(range, memory);
      try {
        return timed(into.length, () => readInto(into, pathOf(root, keyOf(uri)), range.start));
      } catch (error) {
        if (isAbsent(error)) throw new ObjectNotFound(uri);
        throw error;
      }
    },
  };
}

/** Writes beside and renames. */
function write(path: string, chunks: readonly Uint8Array[]): void {
  const partial = `${path}.${randomUUID()}${PARTIAL}`;
  const create = () => openSync(partial, 'wx');
  try {
    let file: number;
    try {
      file = create();
    } catch (error) {
      if (!isAbsent(error)) throw error;
      mkdirSync(dirname(path), { recursive: true });
      file = create();
    }
    try {
      for (const chunk of chunks)
        for (let written = 0; written < chunk.length;) written += writeSync(file, chunk, written);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
}

/** @returns as much of `memory` as the file has filled */
function readInto(memory: Uint8Array, path: string, start: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    let filled = 0;
    while (filled < memory.length) {
      const bytesRead = readSync(file, memory, filled, memory.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return memory.subarray(0, filled);
  } finally {
    closeSync(file);
  }
}
