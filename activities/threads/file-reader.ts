import { closeSync, constants, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { MAX_SPECTRUM_BYTES } from '../../contracts/limits.ts';
import { FitsError } from '../../science/fits/error.ts';

/** Spectra have some 100 KB; a larger file makes the memory grow for as long as it is looked at. */
const MEMORY_BYTES = 1024 * 1024;
/** Non-blocking, so that a FIFO put in place of a file cannot hang us. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;
/** A file in the page cache is read in 0.02 ms, from a disk or over a network in some milliseconds. */
const SLOW_MS = 0.2;
/** So many slow ones one after another come from a disk; a single one is of a thread that lost its core. */
const SLOW_FILES = 4;
const FILES_AHEAD = 32;

/**
 * Reads files one after another and shows the bytes of each to `visit`, in order; they are only valid during that
 * call. Files that are in memory are read in line, into the same memory each time. Where they come from a disk or
 * over a network, the next ones are read while the one before is worked on.
 * @param paths host paths; `undefined` is passed over
 */
export async function readEach(
  paths: readonly (string | undefined)[],
  visit: (index: number, file: { bytes: Uint8Array } | { error: unknown }) => void,
): Promise<void> {
  let slow = 0;
  let next = 0;
  for (; next < paths.length && slow < SLOW_FILES; next++) {
    const path = paths[next];
    if (path === undefined) continue;
    let file: Parameters<typeof visit>[1];
    const began = performance.now();
    try {
      const { memory, length } = readInto(memoryOfThread, path);
      file = { bytes: memory.subarray(0, length) };
    } catch (error) {
      file = { error };
    }
    slow = performance.now() - began > SLOW_MS ? slow + 1 : 0;
    visit(next, file);
  }
  if (next === paths.length) return;
  const readGroup = (start: number) =>
    Promise.all(
      paths.slice(start, start + FILES_AHEAD).map(async (path) => {
        if (path === undefined) return undefined;
        try {
          return { bytes: await readWhole(path) };
        } catch (error) {
          return { error };
        }
      }),
    );
  let ahead = readGroup(next);
  for (let start = next; start < paths.length; start += FILES_AHEAD) {
    const group = await ahead;
    ahead = readGroup(start + FILES_AHEAD);
    group.forEach((file, i) => {
      if (file) visit(start + i, file);
    });
  }
}

const memoryOfThread = Buffer.allocUnsafeSlow(MEMORY_BYTES);

/** Reads a file into `memory`, or into a larger one where it does not fit. */
function readInto(memory: Buffer, path: string): { memory: Buffer; length: number } {
  const file = openSync(path, READ_FLAGS);
  try {
    let length = 0;
    for (;;) {
      // One read gives a regular file whole, as far as there is room.
      length += readSync(file, memory, length, memory.length - length, null);
      if (length < memory.length) return { memory, length };
      if (length > MAX_SPECTRUM_BYTES) throw tooLarge();
      const larger = Buffer.allocUnsafeSlow(4 * memory.length);
      memory.copy(larger, 0, 0, length);
      memory = larger;
    }
  } finally {
    closeSync(file);
  }
}

async function readWhole(path: string): Promise<Uint8Array> {
  const file = await open(path, READ_FLAGS);
  try {
    const { size } = await file.stat();
    if (size > MAX_SPECTRUM_BYTES) throw tooLarge();
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function tooLarge(): FitsError {
  return new FitsError('too-large', `larger than ${MAX_SPECTRUM_BYTES / 1024 / 1024} MiB`);
}
