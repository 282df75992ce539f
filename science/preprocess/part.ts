import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import { magnitudeOf } from '../spectra/magnitudes.ts';
import type { Quality } from './preprocess-spectrum.ts';

/** One spectrum of a part, but for its fluxes. */
export interface PartRow {
  /** Base name. A file that shares it with another of the job is named by its path in the result. */
  filename: string;
  /** Path in the archive. */
  path: string;
  layout: string;
  metadata: SpectrumMetadata;
  quality: Quality;
}

export interface PartReject {
  filename: string;
  path: string;
  reason: string;
}

/** The text columns of result.h5, by dataset path. */
export const TEXT_COLUMNS: Readonly<Record<string, (row: PartRow) => string>> = {
  filenames: (row) => row.filename,
  'metadata/path': (row) => row.path,
  'metadata/layout': (row) => row.layout,
  'metadata/designation': (row) => row.metadata.targetname ?? '',
  'metadata/class': (row) => row.metadata.type ?? '',
  'metadata/subclass': (row) => row.metadata.subtype ?? '',
  'metadata/obsdate': (row) => row.metadata.observed_at ?? '',
  'metadata/obsid': (row) => row.metadata.obsid ?? '',
};

/** The numeric columns of result.h5 by dataset path: their HDF5 type and the value of a row (NaN where absent). */
export const NUMBER_COLUMNS: Readonly<
  Record<string, { dtype: '<d' | '<i' | '<B'; value: (row: PartRow) => number }>
> = {
  'metadata/ra': { dtype: '<d', value: (row) => row.metadata.ra ?? NaN },
  'metadata/dec': { dtype: '<d', value: (row) => row.metadata.dec ?? NaN },
  'metadata/z': { dtype: '<d', value: (row) => row.metadata.z ?? NaN },
  'metadata/z_err': { dtype: '<d', value: (row) => row.metadata.z_err ?? NaN },
  'metadata/snr_u': { dtype: '<d', value: (row) => row.metadata.sn_u ?? NaN },
  'metadata/snr_g': { dtype: '<d', value: (row) => row.metadata.sn_g ?? NaN },
  'metadata/snr_r': { dtype: '<d', value: (row) => row.metadata.sn_r ?? NaN },
  'metadata/snr_i': { dtype: '<d', value: (row) => row.metadata.sn_i ?? NaN },
  'metadata/snr_z': { dtype: '<d', value: (row) => row.metadata.sn_z ?? NaN },
  'metadata/mag_u': { dtype: '<d', value: (row) => magnitudeOf(row.metadata, 'u') ?? NaN },
  'metadata/mag_g': { dtype: '<d', value: (row) => magnitudeOf(row.metadata, 'g') ?? NaN },
  'metadata/mag_r': { dtype: '<d', value: (row) => magnitudeOf(row.metadata, 'r') ?? NaN },
  'metadata/mag_i': { dtype: '<d', value: (row) => magnitudeOf(row.metadata, 'i') ?? NaN },
  'metadata/mag_z': { dtype: '<d', value: (row) => magnitudeOf(row.metadata, 'z') ?? NaN },
  'quality/coverage': { dtype: '<d', value: (row) => row.quality.coverage },
  'quality/longest_gap': { dtype: '<i', value: (row) => row.quality.longestGap },
  'quality/median_snr': { dtype: '<d', value: (row) => row.quality.medianSnr },
  'quality/despiked_pixels': { dtype: '<i', value: (row) => row.quality.despikedPixels },
  'quality/constant': { dtype: '<B', value: (row) => Number(row.quality.constant) },
  'quality/extrapolated': { dtype: '<B', value: (row) => Number(row.quality.extrapolated) },
  'quality/unbridged_gap': { dtype: '<B', value: (row) => Number(row.quality.unbridgedGap) },
  'quality/medium_unknown': { dtype: '<B', value: (row) => Number(row.quality.mediumUnknown) },
};

/** The columns of the rejected files. */
export const REJECT_COLUMNS: Readonly<Record<string, (reject: PartReject) => string>> = {
  'rejects/filename': (reject) => reject.filename,
  'rejects/path': (reject) => reject.path,
  'rejects/reason': (reject) => reject.reason,
};

/** What a part says of itself; enough to plan a result file, and to tell a damaged part. */
export const PartHeader = z.object({
  rows: z.number().int().nonnegative(),
  rejects: z.number().int().nonnegative(),
  points: z.number().int().positive(),
  /** Longest value of each text column [bytes of UTF-8]. */
  widths: z.record(z.string(), z.number().int()),
  /** How many rows carry each flag. */
  flags: z.object({
    constant: z.number().int(),
    extrapolated: z.number().int(),
    unbridgedGap: z.number().int(),
    mediumUnknown: z.number().int(),
  }),
  /** Byte ranges in the part, and the CRC-32 of what lies there. */
  tables: z.object({ start: z.number().int(), end: z.number().int(), crc32: z.number().int() }),
  fluxes: z.object({ start: z.number().int(), end: z.number().int(), crc32: z.number().int() }),
});
export type PartHeader = z.infer<typeof PartHeader>;

/** The part is not what its header says: it was cut short or damaged, and must be made again. */
export class PartDamaged extends Error {
  override readonly name = 'PartDamaged';
}

/** Its number is to be raised with every change of the columns. */
const MAGIC = 'SLPART02';
/** The header, padded with blanks, lies in front of everything else. */
export const PART_HEADER_BYTES = 4096;
/** Numbers in a part begin at multiples of this, so that they can be read where they lie. */
const ALIGNMENT = 8;
const aligned = (offset: number) => Math.ceil(offset / ALIGNMENT) * ALIGNMENT;

/** Strings one after another as UTF-8, with the end of each. */
class TextColumn {
  #bytes: Buffer;
  #ends: Uint32Array;
  #count = 0;
  #length = 0;
  widest = 0;

  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(64 * Math.max(1, capacity));
    this.#ends = new Uint32Array(capacity);
  }

  add(value: string): void {
    const needed = this.#length + 3 * value.length; // UTF-8 takes at most 3 bytes a UTF-16 unit
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * needed);
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    const written = this.#bytes.write(value, this.#length);
    if (written > this.widest) this.widest = written;
    this.#length += written;
    this.#ends[this.#count++] = this.#length;
  }

  reset(): void {
    this.#count = this.#length = this.widest = 0;
  }

  chunks(): Uint8Array[] {
    return [bytesOf(this.#ends.subarray(0, this.#count)), this.#bytes.subarray(0, this.#length)];
  }
}

/** Collects the rows and rejects of one part: up to `capacity` files on a grid of `points`. */
export class PartBuilder {
  readonly #points: number;
  readonly #fluxes: Float32Array;
  readonly #numbers: Float64Array[];
  readonly #texts: TextColumn[];
  readonly #rejectTexts: TextColumn[];
  #flags = { constant: 0, extrapolated: 0, unbridgedGap: 0, mediumUnknown: 0 };
  #rows = 0;
  #rejects = 0;

  constructor(capacity: number, points: number) {
    this.#points = points;
    this.#fluxes = new Float32Array(capacity * points);
    this.#numbers = Object.keys(NUMBER_COLUMNS).map(() => new Float64Array(capacity));
    this.#texts = Object.keys(TEXT_COLUMNS).map(() => new TextColumn(capacity));
    this.#rejectTexts = Object.keys(REJECT_COLUMNS).map(() => new TextColumn(capacity));
  }

  /** Where the fluxes of the next row go (float32, length P); they count once `addRow` is called. */
  nextFluxes(): Float32Array {
    return this.#fluxes.subarray(this.#rows * this.#points, (this.#rows + 1) * this.#points);
  }

  addRow(row: PartRow): void {
    const index = this.#rows++;
    for (let i = 0; i < NUMBERS.length; i++) {
      const column = this.#numbers[i];
      if (column) column[index] = NUMBERS[i]?.value(row) ?? NaN;
    }
    for (let i = 0; i < TEXTS.length; i++) this.#texts[i]?.add(TEXTS[i]?.(row) ?? '');
    const { constant, extrapolated, unbridgedGap, mediumUnknown } = row.quality;
    if (constant) this.#flags.constant++;
    if (extrapolated) this.#flags.extrapolated++;
    if (unbridgedGap) this.#flags.unbridgedGap++;
    if (mediumUnknown) this.#flags.mediumUnknown++;
  }

  addReject(reject: PartReject): void {
    this.#rejects++;
    for (let i = 0; i < REJECT_TEXTS.length; i++) this.#rejectTexts[i]?.add(REJECT_TEXTS[i]?.(reject) ?? '');
  }

  /** Forgets all, to build the next part in the same memory. */
  reset(): void {
    this.#rows = this.#rejects = 0;
    for (const column of [...this.#texts, ...this.#rejectTexts]) column.reset();
    this.#flags = { constant: 0, extrapolated: 0, unbridgedGap: 0, mediumUnknown: 0 };
  }

  /** The part as bytes: views of the builder's memory, good until the next `reset`. */
  encode(): { header: PartHeader; chunks: Uint8Array[] } {
    const tables = Buffer.concat(
      [
        ...this.#numbers.map((column) => [bytesOf(column.subarray(0, this.#rows))]),
        ...[...this.#texts, ...this.#rejectTexts].map((column) => column.chunks()),
      ].flatMap((column) => column.flatMap(padded)),
    );
    const fluxes = bytesOf(this.#fluxes.subarray(0, this.#rows * this.#points));
    const fluxStart = PART_HEADER_BYTES + tables.length;
    const widths = Object.fromEntries([
      ...Object.keys(TEXT_COLUMNS).map((name, i) => [name, this.#texts[i]?.widest ?? 0]),
      ...Object.keys(REJECT_COLUMNS).map((name, i) => [name, this.#rejectTexts[i]?.widest ?? 0]),
    ]);
    const header: PartHeader = {
      rows: this.#rows,
      rejects: this.#rejects,
      points: this.#points,
      widths,
      flags: this.#flags,
      tables: { start: PART_HEADER_BYTES, end: fluxStart, crc32: crc32(tables) },
      fluxes: { start: fluxStart, end: fluxStart + fluxes.length, crc32: crc32(fluxes) },
    };
    const head = Buffer.alloc(PART_HEADER_BYTES, ' ');
    if (head.write(MAGIC + JSON.stringify(header)) === PART_HEADER_BYTES)
      throw new Error('the header of a part does not fit');
    return { header, chunks: [head, tables, fluxes] };
  }
}

const NUMBERS = Object.values(NUMBER_COLUMNS);
const TEXTS = Object.values(TEXT_COLUMNS);
const REJECT_TEXTS = Object.values(REJECT_COLUMNS);

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function padded(chunk: Uint8Array): Uint8Array[] {
  const padding = aligned(chunk.length) - chunk.length;
  return padding === 0 ? [chunk] : [chunk, new Uint8Array(padding)];
}

/**
 * The header of a part from its first PART_HEADER_BYTES.
 * @throws PartDamaged
 */
export function decodeHeader(bytes: Uint8Array): PartHeader {
  const text = Buffer.from(
    bytes.buffer,
    bytes.byteOffset,
    Math.min(bytes.length, PART_HEADER_BYTES),
  ).toString();
  if (!text.startsWith(MAGIC)) throw new PartDamaged('it does not begin as a part');
  try {
    return PartHeader.parse(JSON.parse(text.slice(MAGIC.length)));
  } catch (error) {
    throw new PartDamaged('its header cannot be read', { cause: error });
  }
}

function check(bytes: Uint8Array, range: PartHeader['tables'], what: string): void {
  if (bytes.length !== range.end - range.start)
    throw new PartDamaged(`its ${what} hold ${bytes.length} bytes, not ${range.end - range.start}`);
  if (crc32(bytes) !== range.crc32) throw new PartDamaged(`its ${what} are damaged`);
}

/**
 * The fluxes of a part, rows × points, from the bytes of `header.fluxes`.
 * @throws PartDamaged
 */
export function decodeFluxes(bytes: Uint8Array, header: PartHeader): Float32Array {
  check(bytes, header.fluxes, 'fluxes');
  if (bytes.length !== 4 * header.rows * header.points) throw new PartDamaged('its fluxes are no rows');
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

/** Strings of one column where they lie in a part. */
export interface TextValues {
  bytes: Uint8Array;
  /** End of each string in `bytes`. */
  ends: Uint32Array;
}

/** The columns of a part, by dataset path. */
export interface PartTables {
  numbers: Record<string, Float64Array>;
  texts: Record<string, TextValues>;
}

/**
 * The columns of a part from the bytes of `header.tables`, as views of them.
 * @throws PartDamaged
 */
export function decodeTables(bytes: Uint8Array, header: PartHeader): PartTables {
  check(bytes, header.tables, 'tables');
  const numbers: Record<string, Float64Array> = {};
  for (const [i, name] of Object.keys(NUMBER_COLUMNS).entries())
    numbers[name] = new Float64Array(bytes.buffer, bytes.byteOffset + i * 8 * header.rows, header.rows);
  return { numbers, texts: decodeTexts(textsIn(bytes, header), header) };
}

/** The bytes of the columns of text: all of the tables behind the numbers. */
export function textsIn(tables: Uint8Array, { rows }: Pick<PartHeader, 'rows'>): Uint8Array {
  return tables.subarray(Object.keys(NUMBER_COLUMNS).length * 8 * rows);
}

/** The columns of text from their bytes (`textsIn` of tables that `decodeTables` has checked), as views of them. */
export function decodeTexts(
  bytes: Uint8Array,
  header: Pick<PartHeader, 'rows' | 'rejects'>,
): PartTables['texts'] {
  let at = 0;
  const take = (length: number): number => {
    const start = bytes.byteOffset + at;
    at = aligned(at + length);
    return start;
  };
  const texts: PartTables['texts'] = {};
  const text = (name: string, count: number) => {
    const ends = new Uint32Array(bytes.buffer, take(4 * count), count);
    const length = ends[count - 1] ?? 0;
    texts[name] = { ends, bytes: new Uint8Array(bytes.buffer, take(length), length) };
  };
  for (const name of Object.keys(TEXT_COLUMNS)) text(name, header.rows);
  for (const name of Object.keys(REJECT_COLUMNS)) text(name, header.rejects);
  return texts;
}

/** The strings of a column. */
export function stringsOf({ bytes, ends }: TextValues): string[] {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from(ends, (end, i) => all.toString('utf8', i === 0 ? 0 : ends[i - 1], end));
}

/** A column of strings. */
export function textValuesOf(strings: readonly string[]): TextValues {
  const encoded = strings.map((one) => Buffer.from(one));
  const ends = new Uint32Array(encoded.length);
  let end = 0;
  for (const [i, { length }] of encoded.entries()) ends[i] = end += length;
  return { bytes: Buffer.concat(encoded), ends };
}
