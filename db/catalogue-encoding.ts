import { createHash } from 'node:crypto';
import { arrayParameter, ElementWriter, type ElementType } from './binary-arrays.ts';
import { catalogueRow, type CataloguedFile, type CatalogueRow, type Reading } from './catalogue-row.ts';

type Value = string | number | Date | null | undefined;

/** The columns in the order of their arrays; `digest`, which is made of them, comes after. */
const COLUMNS: readonly { name: string; type: ElementType; of: (row: CatalogueRow) => Value }[] = [
  { name: 'path', type: 'text', of: (row) => row.path },
  { name: 'filename', type: 'text', of: (row) => row.filename },
  { name: 'filename_key', type: 'text', of: (row) => row.filenameKey },
  { name: 'header_filename', type: 'text', of: (row) => row.headerFilename },
  { name: 'header_filename_key', type: 'text', of: (row) => row.headerFilenameKey },
  { name: 'unreadable_reason', type: 'text', of: (row) => row.unreadableReason },
  { name: 'layout', type: 'text', of: (row) => row.layout },
  { name: 'size', type: 'int8', of: (row) => row.size },
  { name: 'modified_at', type: 'timestamptz', of: (row) => row.modifiedAt },
  { name: 'targetname', type: 'text', of: (row) => row.targetname },
  { name: 'obsid', type: 'text', of: (row) => row.obsid },
  { name: 'observed_at', type: 'text', of: (row) => row.observedAt },
  { name: 'type', type: 'text', of: (row) => row.type },
  { name: 'subtype', type: 'text', of: (row) => row.subtype },
  { name: 'ra', type: 'float8', of: (row) => row.ra },
  { name: 'dec', type: 'float8', of: (row) => row.dec },
  { name: 'magtype', type: 'text', of: (row) => row.magtype },
  { name: 'mag_1', type: 'float8', of: (row) => row.mag1 },
  { name: 'mag_2', type: 'float8', of: (row) => row.mag2 },
  { name: 'mag_3', type: 'float8', of: (row) => row.mag3 },
  { name: 'mag_4', type: 'float8', of: (row) => row.mag4 },
  { name: 'mag_5', type: 'float8', of: (row) => row.mag5 },
  { name: 'mag_6', type: 'float8', of: (row) => row.mag6 },
  { name: 'mag_7', type: 'float8', of: (row) => row.mag7 },
  { name: 'sn_u', type: 'float8', of: (row) => row.snU },
  { name: 'sn_g', type: 'float8', of: (row) => row.snG },
  { name: 'sn_r', type: 'float8', of: (row) => row.snR },
  { name: 'sn_i', type: 'float8', of: (row) => row.snI },
  { name: 'sn_z', type: 'float8', of: (row) => row.snZ },
  { name: 'z', type: 'float8', of: (row) => row.z },
  { name: 'z_err', type: 'float8', of: (row) => row.zErr },
];

/** Names and types of the arrays of encoded rows, in their order. */
export const ENCODED_COLUMNS: readonly { name: string; type: ElementType }[] = [
  ...COLUMNS.map(({ name, type }) => ({ name, type })),
  { name: 'digest', type: 'int8' },
];

/**
 * Makes of what files say of themselves bytes that PostgreSQL takes as they are: the number of rows, then for each of
 * ENCODED_COLUMNS the length of its elements [bytes] and the elements. A row is written at once: what is kept until many
 * are together is bytes, which the garbage collector need not look at, nor at the headers that they were cut from.
 */
export class CatalogueEncoder {
  readonly #columns = COLUMNS.map(({ type, of }) => ({ type, of, writer: new ElementWriter() }));
  readonly #digests = new ElementWriter();
  #rowCount = 0;

  /** Forgets the rows; their memory is used again. */
  reset(): void {
    for (const { writer } of this.#columns) writer.clear();
    this.#digests.clear();
    this.#rowCount = 0;
  }

  /** Each path once. */
  add(file: CataloguedFile, reading: Reading): void {
    this.addRow(catalogueRow(file, reading));
  }

  addRow(row: CatalogueRow): void {
    let hash = 0;
    for (const { type, of, writer } of this.#columns) {
      writer.hash = hash;
      writeElement(writer, type, of(row));
      hash = writer.hash;
    }
    // A file that changed has another size or time as a rule, and that shows in a word of its own.
    this.#digests.writeInt8Words((row.modifiedAt.getTime() ^ Math.imul(row.size, 0x9e3779b1)) | 0, hash);
    this.#rowCount++;
  }

  toBytes(): Uint8Array<ArrayBuffer> {
    const writers = [...this.#columns.map(({ writer }) => writer), this.#digests];
    const bytes = new Uint8Array(4 + writers.reduce((sum, { length }) => sum + 4 + length, 0));
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#rowCount);
    let offset = 4;
    for (const writer of writers) {
      view.setUint32(offset, writer.length);
      bytes.set(writer.written(), offset + 4);
      offset += 4 + writer.length;
    }
    return bytes;
  }
}

/** A batch of rows, encoded. Of two with one path the last counts. */
export function encodeRows(rows: readonly CatalogueRow[]): Uint8Array<ArrayBuffer> {
  const encoder = new CatalogueEncoder();
  for (const row of new Map(rows.map((row) => [row.path, row])).values()) encoder.addRow(row);
  return encoder.toBytes();
}

function writeElement(writer: ElementWriter, type: ElementType, value: Value): void {
  if (value === null || value === undefined) writer.writeNull();
  else if (typeof value === 'string') writer.writeText(value);
  else if (typeof value !== 'number') writer.writeTimestamptz(value);
  else if (type === 'int8') writer.writeInt8(value);
  else writer.writeFloat8(value);
}

/** A batch as a CatalogueEncoder made it, taken apart. */
export interface EncodedRows {
  rowCount: number;
  /** The elements of each of ENCODED_COLUMNS. */
  columns: readonly Buffer[];
}

export function takeApart(batch: Uint8Array): EncodedRows {
  const bytes = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  let offset = 4;
  const columns = ENCODED_COLUMNS.map(() => {
    const start = offset + 4;
    offset = start + bytes.readUInt32BE(offset);
    return bytes.subarray(start, offset);
  });
  return { rowCount: bytes.readUInt32BE(0), columns };
}

/** The rows' paths as a string of bytes each, good for comparing only. */
export function encodedPaths({ columns: [paths] }: EncodedRows): string[] {
  const found: string[] = [];
  if (!paths) return found;
  for (let offset = 0; offset < paths.length;) {
    const start = offset + 4;
    offset = start + paths.readUInt32BE(offset);
    found.push(paths.toString('latin1', start, offset));
  }
  return found;
}

/** A batch as a whole, by which a stretch of the catalogue is known to be the same. */
export interface EncodedStretch {
  firstPath: string;
  lastPath: string;
  rowCount: number;
  /** SHA-256 of the rows' digests, 8 bytes each, in order. */
  sha256: Buffer;
}

/** @returns undefined for a batch without rows */
export function stretchOf({
  rowCount,
  columns: [paths, ...others],
}: EncodedRows): EncodedStretch | undefined {
  const digests = others.at(-1);
  if (!paths || !digests || rowCount === 0) return undefined;
  let start = 0;
  for (let row = 1; row < rowCount; row++) start += 4 + paths.readUInt32BE(start);
  // Each after its length.
  const values = Buffer.allocUnsafe(8 * rowCount);
  for (let row = 0; row < rowCount; row++) digests.copy(values, 8 * row, 12 * row + 4, 12 * row + 12);
  return {
    firstPath: paths.toString('utf8', 4, 4 + paths.readUInt32BE(0)),
    lastPath: paths.toString('utf8', start + 4),
    rowCount,
    sha256: createHash('sha256').update(values).digest(),
  };
}

/** A column of ENCODED_COLUMNS with the parameter for `$n::type[]` that holds it for all rows of several batches. */
export function columnArray(
  batches: readonly EncodedRows[],
  index: number,
): { name: string; type: ElementType; array: Buffer } {
  const column = ENCODED_COLUMNS[index];
  if (!column) throw new RangeError(`encoded rows have no column ${index}`);
  const rowCount = batches.reduce((sum, batch) => sum + batch.rowCount, 0);
  const pieces = batches.flatMap(({ columns }) => columns[index] ?? []);
  return { ...column, array: arrayParameter(column.type, rowCount, pieces) };
}
