import { closeSync, constants, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { MAX_SPECTRUM_BYTES } from '../../contracts/limits.ts';
import type { S3Location, StorageLocation } from '../../contracts/storage-location.ts';
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

type FileRead = { bytes: Uint8Array } | { error: unknown };
type Visit = (index: number, file: FileRead) => void;

/**
 * Reads files of the archive one after another and shows the bytes of each to `visit`, in order; they are only valid
 * during that call. Files that are in memory are read in line, into the same memory each time. Where they come from a
 * disk or over a network, the next ones are read while the one before is worked on.
 * @param paths archive paths; `undefined` is passed over
 * @throws Error where the S3 server does not answer: that says nothing of a file
 */
export async function readEach(
  archive: StorageLocation,
  paths: readonly (string | undefined)[],
  visit: Visit,
): Promise<void> {
  if ('directory' in archive) {
    const { directory } = archive;
    const hostPaths = paths.map((path) => (path === undefined ? undefined : join(directory, path)));
    return readFiles(hostPaths, visit);
  }
  return readAhead(paths, await objectReader(archive), visit);
}

/** Objects are read whole: a spectrum is 0.1 MB, and a second request would take longer than the bytes that it spares. */
async function objectReader(archive: S3Location): Promise<(path: string) => Promise<FileRead>> {
  const { KeyNotFound, ObjectTooLarge, openBucket } = await import('../../storage/s3-bucket.ts');
  const bucket = openBucket(archive);
  return async (path) => {
    try {
      return { bytes: await bucket.read(path, undefined, { maxBytes: MAX_SPECTRUM_BYTES }) };
    } catch (error) {
      if (error instanceof ObjectTooLarge) return { error: tooLarge() };
      // As a file that has gone from a disk.
      if (error instanceof KeyNotFound) return { error: Object.assign(error, { code: 'ENOENT' }) };
      throw error;
    }
  };
}

async function readFiles(paths: readonly (string | undefined)[], visit: Visit): Promise<void> {
  let slow = 0;
  let next = 0;
  for (; next < paths.length && slow < SLOW_FILES; next++) {
    const path = paths[next];
    if (path === undefined) continue;
    let file: FileRead;
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
  const memories = idleMemories.pop() ?? [];
  const rest = paths.slice(next);
  await readAhead(
    rest,
    async (path, index) => {
      const slot = index % FILES_AHEAD;
      const file = await readWhole(path, memories[slot]);
      if ('memory' in file && file.memory.length <= KEPT_BYTES) memories[slot] = file.memory;
      return file;
    },
    (index, file) => visit(next + index, file),
  );
  idleMemories.push(memories);
}

/** Keeps so many reads under way, and visits what they give in order. */
async function readAhead(
  paths: readonly (string | undefined)[],
  read: (path: string, index: number) => Promise<FileRead>,
  visit: Visit,
): Promise<void> {
  const underWay: (Promise<FileRead> | undefined)[] = [];
  for (let index = 0; index < paths.length; index++) {
    while (underWay.length < FILES_AHEAD && index + underWay.length < paths.length) {
      const next = index + underWay.length;
      const path = paths[next];
      const reading = path === undefined ? undefined : read(path, next);
      // Whoever waits for it hears of a failure; after an earlier one nobody does.
      reading?.catch(() => undefined);
      underWay.push(reading);
    }
    const file = await underWay.shift();
    if (file) visit(index, file);
  }
}

/**
 * Memory for the files that are read ahead, for each that does so at the same time: as garbage it made a worker a hundred MB
 * larger. What few large files need is not kept.
 */
const idleMemories: Buffer[][] = [];
const KEPT_BYTES = 256 * 1024;
const ROUND_BYTES = 32 * 1024;

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

/** Reads a file into `memory` where it fits, else into new memory. */
async function readWhole(
  path: string,
  memory: Buffer | undefined,
): Promise<{ bytes: Uint8Array; memory: Buffer } | { error: unknown }> {
  try {
    const file = await open(path, READ_FLAGS);
    try {
      const { size } = await file.stat();
      if (size > MAX_SPECTRUM_BYTES) return { error: tooLarge() };
      if (!memory || memory.length < size)
        memory = Buffer.allocUnsafeSlow(Math.ceil(size / ROUND_BYTES) * ROUND_BYTES);
      let length = 0;
      while (length < size) {
        const { bytesRead } = await file.read(memory, length, size - length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      return { bytes: memory.subarray(0, length), memory };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { error };
  }
}

function tooLarge(): FitsError {
  return new FitsError('too-large', `larger than ${MAX_SPECTRUM_BYTES / 1024 / 1024} MiB`);
}
