import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setImmediate as yieldToEvents } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { systemCode } from '../deploy/embedded/process.ts';

// It parses the few cards it needs itself: what is measured must not make its own input.

const CARD_BYTES = 80;
const BLOCK_BYTES = 2880;
const FLOAT32_BYTES = 4;
const IMAGE_ROWS = 5;
/** Raised when the files of a seed change: surveys of older versions are made anew. */
const VERSION = 1;
const FILES_PER_NIGHT = 4000;
const FIBERS = 250;
const SPECTROGRAPHS = 16;
const FILES_BETWEEN_EVENTS = 256;
/** The rest is for what is measured. */
const MOST_OF_ROOM = 0.5;

/** A real spectrum that new ones are made of. */
export interface Original {
  /** The unpacked file, its primary HDU only. */
  bytes: Uint8Array;
  filenameCardOffset: number;
  fluxOffset: number;
  /** As in the file; length N pixels. */
  flux: Float32Array;
  /** Standard deviation of the noise, 1/sqrt(IVAR), in flux units; 0 where IVAR is 0; length N pixels. */
  noise: Float64Array;
}

export interface SurveyOptions {
  /** Of real spectra: FITS, gzip or not, searched with all directories below. */
  source: string;
  /** Made; an equal survey that is there is used again. */
  directory: string;
  count: number;
  seed: number;
  /** A directory for each 4,000 files, as archives have them, instead of one for all. */
  nested?: boolean;
  onProgress?: (written: number) => void;
  signal?: AbortSignal;
}

const Marker = z.object({
  version: z.number(),
  count: z.number(),
  seed: z.number(),
  nested: z.boolean(),
  sourceSha256: z.string(),
});

/**
 * Makes many spectra out of few: the LAMOST image spectra of `source` in turn, under new names, with fresh noise drawn
 * from their own IVAR (the first of each is the original itself, renamed). A file depends on the originals, the seed and
 * its number only, so that a smaller survey is the beginning of a larger one. `DIRECTORY.survey.json` tells what was made.
 * @returns whether an equal survey was there already
 * @throws Error where `source` holds no such spectrum, `directory` holds files that this did not make, or there is no room
 */
export async function makeSurvey(options: SurveyOptions): Promise<{ reused: boolean }> {
  const { count, seed, nested = false, signal } = options;
  const directory = resolve(options.directory);
  const markerFile = `${directory}.survey.json`;
  const originals = readOriginals(options.source);
  const sourceSha256 = createHash('sha256');
  for (const { bytes } of originals) sourceSha256.update(bytes);
  const marker = { version: VERSION, count, seed, nested, sourceSha256: sourceSha256.digest('hex') };

  const found = readMarker(markerFile);
  if (found === undefined && !isEmptyOrAbsent(directory))
    throw new Error(`${directory} holds files that are no survey of ours; take another directory`);
  if (found !== undefined && JSON.stringify(found) === JSON.stringify(marker) && !isEmptyOrAbsent(directory))
    return { reused: true };

  const partial = `${directory}.${randomUUID()}.partial`;
  try {
    mkdirSync(partial, { recursive: true });
    checkRoom(partial, originals, count);
    for (let i = 0; i < count; i++) {
      const original = originals[i % originals.length];
      if (original === undefined) throw new Error('no originals');
      const path = join(partial, surveyPath(i, nested));
      if (nested && i % FILES_PER_NIGHT === 0) mkdirSync(dirname(path), { recursive: true });
      const normal = i < originals.length ? undefined : standardNormals(seed, i);
      writeFileSync(path, makeSpectrum(original, surveyFilename(i), normal));
      if ((i + 1) % FILES_BETWEEN_EVENTS === 0) {
        options.onProgress?.(i + 1);
        await yieldToEvents();
        signal?.throwIfAborted();
      }
    }
    // In this order a marker never stands beside files that it does not tell of.
    rmSync(markerFile, { force: true });
    rmSync(directory, { recursive: true, force: true });
    writeFileSync(`${partial}.json`, JSON.stringify(marker));
    renameSync(partial, directory);
    renameSync(`${partial}.json`, markerFile);
  } finally {
    rmSync(partial, { recursive: true, force: true });
    rmSync(`${partial}.json`, { force: true });
  }
  return { reused: false };
}

/** A full disk would be found out after an hour, and by all that runs on this machine. */
function checkRoom(directory: string, originals: readonly Pick<Original, 'bytes'>[], count: number): void {
  const sum = originals.reduce((bytes, original) => bytes + original.bytes.length, 0);
  const needed = (sum / originals.length) * count;
  const { bavail, bsize } = statfsSync(directory);
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  if (needed > bavail * bsize * MOST_OF_ROOM)
    throw new Error(
      `${count} spectra take ${gigabytes(needed)}, and ${dirname(directory)} has ${gigabytes(bavail * bsize)} left; ` +
        'it should be less than half of that: make fewer, or make them elsewhere',
    );
}

/** Name of the i-th file: 4,000 a night, of 16 spectrographs with 250 fibers each. */
export function surveyFilename(i: number): string {
  const plate = Math.floor(i / FIBERS) % SPECTROGRAPHS;
  const two = (n: number) => String(n).padStart(2, '0');
  return `spec-${night(i)}-SIM${two(plate)}_sp${two(plate + 1)}-${String((i % FIBERS) + 1).padStart(3, '0')}.fits`;
}

/** Where the i-th file lies below the survey's directory. */
export function surveyPath(i: number, nested: boolean): string {
  return nested ? join(String(night(i)), surveyFilename(i)) : surveyFilename(i);
}

function night(i: number): number {
  return 60_000 + Math.floor(i / FILES_PER_NIGHT);
}

/** @throws Error where there is none */
export function readOriginals(source: string): Original[] {
  const originals = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.fits?(\.gz)?$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .flatMap((path) => {
      const packed = readFileSync(path);
      const isGzip = packed[0] === 0x1f && packed[1] === 0x8b;
      return asOriginal(isGzip ? gunzipSync(packed) : packed) ?? [];
    });
  if (originals.length === 0)
    throw new Error(`there is no LAMOST image spectrum (5 rows of float32) below ${source}`);
  return originals;
}

/** undefined where it is another layout than LAMOST's image of 5 rows, flux first and IVAR second. */
function asOriginal(file: Uint8Array): Original | undefined {
  const cards = new Map<string, { offset: number; value: string }>();
  const text = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  let offset = 0;
  for (; offset + CARD_BYTES <= file.length; offset += CARD_BYTES) {
    const keyword = text.toString('latin1', offset, offset + 8).trimEnd();
    if (keyword === 'END') break;
    cards.set(keyword, { offset, value: text.toString('latin1', offset + 10, offset + 30).trim() });
  }
  const valueOf = (keyword: string): number => Number(cards.get(keyword)?.value);
  const filename = cards.get('FILENAME');
  const pixels = valueOf('NAXIS1');
  if (
    filename === undefined ||
    !cards.has('COEFF0') ||
    valueOf('BITPIX') !== -32 ||
    valueOf('NAXIS') !== 2 ||
    valueOf('NAXIS2') !== IMAGE_ROWS
  )
    return undefined;
  const toBlock = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
  const fluxOffset = toBlock(offset + CARD_BYTES);
  const end = fluxOffset + toBlock(IMAGE_ROWS * pixels * FLOAT32_BYTES);
  if (file.length < end) return undefined;
  const row = (index: number): Float32Array =>
    Float32Array.from({ length: pixels }, (_, i) =>
      text.readFloatBE(fluxOffset + (index * pixels + i) * FLOAT32_BYTES),
    );
  return {
    bytes: file.slice(0, end),
    filenameCardOffset: filename.offset,
    fluxOffset,
    flux: row(0),
    noise: Float64Array.from(row(1), (ivar) => (ivar > 0 ? 1 / Math.sqrt(Math.max(ivar, 1e-12)) : 0)),
  };
}

/** The bytes of a new file; without `normal` its flux is the original's. */
export function makeSpectrum(original: Original, filename: string, normal?: () => number): Uint8Array {
  const { flux, noise, fluxOffset, filenameCardOffset } = original;
  const bytes = Buffer.from(original.bytes);
  const card = `FILENAME= '${filename.padEnd(8)}' /`;
  if (card.length > CARD_BYTES) throw new Error(`${filename} is too long for a FITS card`);
  bytes.write(card.padEnd(CARD_BYTES), filenameCardOffset, 'latin1');
  if (normal) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + fluxOffset, flux.length * FLOAT32_BYTES);
    for (let i = 0; i < flux.length; i++)
      view.setFloat32(i * FLOAT32_BYTES, (flux[i] ?? NaN) + normal() * (noise[i] ?? NaN));
  }
  return bytes;
}

/**
 * Numbers of a normal distribution (mean 0, deviation 1): Box and Muller's transform of xoshiro128** (Blackman & Vigna
 * 2021), whose period of 2^128 keeps the streams of all files apart.
 */
export function standardNormals(seed: number, stream: number): () => number {
  // splitmix32 spreads seed and stream over the state
  let mixed = (Math.imul(seed, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35)) >>> 0;
  const split = (): number => {
    mixed = (mixed + 0x9e3779b9) >>> 0;
    let z = mixed;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let a = split();
  let b = split();
  let c = split();
  let d = split() | 1;
  const uniform = (): number => {
    const x = Math.imul(b, 5);
    const bits = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return (bits + 0.5) / 2 ** 32;
  };
  let second: number | undefined;
  return () => {
    if (second !== undefined) {
      const kept = second;
      second = undefined;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    second = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}

/** undefined where there is none; one that is not ours is an error. */
function readMarker(file: string): z.infer<typeof Marker> | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  return Marker.parse(JSON.parse(text));
}

function isEmptyOrAbsent(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return true;
    throw error;
  }
}
