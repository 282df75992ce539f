import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import h5wasm, { Dataset, type File, Module } from 'h5wasm/node';
import { NetworkError } from '../cnn/error.ts';

const SIGNATURE = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1');
/** What is in HDF5's own memory at once, which grows and never shrinks [bytes]. */
const BLOCK_BYTES = 8 << 20;
const TEXT_BLOCK_ROWS = 8192;
const SPACE_PADDED = 2;
/** Filters that HDF5 has built in: deflate (gzip), shuffle, fletcher32, nbit, scaleoffset. */
const KNOWN_FILTERS = [1, 2, 3, 5, 6];

/** Numbers of a dataset as they are stored; `bigint` for whole numbers of 64 bits. */
type StoredNumbers =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** An HDF5 file that a person made, open to read. Everything wrong with it is an error that says what. */
export class InputFile {
  /** Base name, for messages. */
  readonly name: string;
  readonly #file: File;

  constructor(name: string, file: File) {
    this.name = name;
    this.#file = file;
  }

  /** A dataset whose first axis counts rows, if it is there. @throws NetworkError `bad-data` where it cannot be read */
  find(path: string): InputDataset | undefined {
    const found = this.#has(path) ? this.#file.get(path) : null;
    return found instanceof Dataset ? new InputDataset(this, path, found) : undefined;
  }

  /** @throws NetworkError `bad-data` where it is not there */
  dataset(path: string): InputDataset {
    const found = this.find(path);
    if (found === undefined)
      throw new NetworkError(
        'bad-data',
        `${this.name} has no dataset ${path}: it holds ${this.#file.keys().join(', ') || 'nothing'}`,
      );
    return found;
  }

  /** A text attribute of the root, if it is there. */
  attribute(name: string): string | undefined {
    const value = this.#file.attrs[name]?.value;
    return typeof value === 'string' ? value : undefined;
  }

  close(): void {
    this.#file.close();
  }

  /** Asked link by link: HDF5 prints pages about a path whose groups are not there. */
  #has(path: string): boolean {
    const [group = '', ...rest] = path.split('/');
    const keys = this.#file.keys();
    if (rest.length === 0) return keys.includes(group);
    const inside = keys.includes(group) ? this.#file.get(group) : null;
    return inside instanceof h5wasm.Group && inside.keys().includes(rest.join('/'));
  }
}

/** A dataset, read by blocks of rows. */
export class InputDataset {
  /** Lengths of the axes. */
  readonly shape: readonly number[];
  readonly rows: number;
  /** Values of a row: the product of all axes but the first. */
  readonly width: number;
  readonly kind: 'text' | 'integer' | 'float' | 'other';
  readonly #file: InputFile;
  readonly #name: string;
  readonly #dataset: Dataset;

  constructor(file: InputFile, name: string, dataset: Dataset) {
    this.#file = file;
    this.#name = name;
    this.#dataset = dataset;
    const { shape, type, enum_type } = dataset.metadata;
    this.shape = shape ?? [];
    this.rows = this.shape[0] ?? 0;
    this.width = this.shape.slice(1).reduce((product, length) => product * length, 1);
    const { H5T_STRING, H5T_INTEGER, H5T_FLOAT } = Module.H5T_class_t;
    // h5py stores truth values as an enumeration of 0 and 1.
    const base = enum_type?.type ?? type;
    this.kind =
      base === H5T_STRING.value
        ? 'text'
        : base === H5T_INTEGER.value
          ? 'integer'
          : base === H5T_FLOAT.value
            ? 'float'
            : 'other';
    const unknown = dataset.filters.find(({ id }) => !KNOWN_FILTERS.includes(id));
    if (unknown !== undefined)
      throw this.#problem(
        `is compressed by ${unknown.name || `filter ${unknown.id}`}, which cannot be read here: write it with gzip, or as it is`,
      );
  }

  /** @throws NetworkError `bad-data` @returns the texts of rows `first` … `end` − 1, a value a row */
  texts(first: number, end: number): string[] {
    if (this.kind !== 'text') throw this.#problem('must be text');
    const texts: string[] = [];
    for (let from = first; from < end; from += TEXT_BLOCK_ROWS)
      this.#read(from, Math.min(end, from + TEXT_BLOCK_ROWS), (bytes) => {
        const { vlen, size, strpad } = this.#dataset.metadata;
        if (vlen) {
          const pointers = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
          for (const pointer of pointers) texts.push(Module.UTF8ToString(pointer));
        } else {
          const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
          for (let at = 0; at < all.length; at += size) {
            const value = all.subarray(at, at + size);
            const zero = value.indexOf(0);
            if (zero >= 0) texts.push(value.toString('utf8', 0, zero));
            else texts.push(strpad === SPACE_PADDED ? value.toString().trimEnd() : value.toString());
          }
        }
      });
    return texts;
  }

  /** Rows `first` … `end` − 1 into `values`, as float32 or float64. @throws NetworkError `bad-data` */
  readInto(values: Float32Array | Float64Array, first: number, end: number): void {
    const rowBytes = this.width * this.#dataset.metadata.size;
    const rows = blockRows(rowBytes, this.#dataset.metadata.chunks?.[0]);
    let at = 0;
    for (let from = first; from < end;) {
      // Up to the end of a chunk: one that is packed is unpacked whole, each time that a part of it is read.
      const next = Math.min(end, (Math.floor(from / rows) + 1) * rows);
      this.#read(from, next, (bytes) => {
        const stored = this.#numbers(bytes);
        if (stored instanceof BigInt64Array || stored instanceof BigUint64Array)
          stored.forEach((value, i) => (values[at + i] = Number(value)));
        else values.set(stored, at);
        at += stored.length;
      });
      from = next;
    }
  }

  /** Reads rows and hands over their bytes, which are gone afterwards. */
  #read(first: number, end: number, use: (bytes: Uint8Array) => void): void {
    const { file_id, path, metadata } = this.#dataset;
    const count = [end - first, ...this.shape.slice(1)].map(BigInt);
    const length = (end - first) * this.width * metadata.size;
    if (length === 0) return;
    const pointer = Module._malloc(length);
    if (pointer === 0) throw this.#problem(`needs ${length} bytes at once, which is too much`);
    try {
      const start = this.shape.map((_, axis) => BigInt(axis === 0 ? first : 0));
      const strides = this.shape.map(() => 1n);
      const status = Module.get_dataset_data(file_id, path, count, start, strides, BigInt(pointer));
      if (status < 0) throw this.#problem('cannot be read: the file is damaged');
      try {
        use(Module.HEAPU8.subarray(pointer, pointer + length));
      } finally {
        if (metadata.vlen) Module.reclaim_vlen_memory_count(file_id, path, '', BigInt(pointer), count);
      }
    } finally {
      Module._free(pointer);
    }
  }

  #numbers({ buffer, byteOffset, length }: Uint8Array): StoredNumbers {
    const { size, signed } = this.#dataset.metadata;
    if (this.kind === 'float') {
      if (size === 4) return new Float32Array(buffer, byteOffset, length / size);
      if (size === 8) return new Float64Array(buffer, byteOffset, length / size);
    }
    if (this.kind === 'integer') {
      const count = length / size;
      if (size === 1)
        return signed ? new Int8Array(buffer, byteOffset, count) : new Uint8Array(buffer, byteOffset, count);
      if (size === 2)
        return signed
          ? new Int16Array(buffer, byteOffset, count)
          : new Uint16Array(buffer, byteOffset, count);
      if (size === 4)
        return signed
          ? new Int32Array(buffer, byteOffset, count)
          : new Uint32Array(buffer, byteOffset, count);
      if (size === 8)
        return signed
          ? new BigInt64Array(buffer, byteOffset, count)
          : new BigUint64Array(buffer, byteOffset, count);
    }
    throw this.#problem('must be float32, float64 or whole numbers');
  }

  #problem(what: string): NetworkError {
    return new NetworkError('bad-data', `${this.#name} of ${this.#file.name} ${what}`);
  }
}

/** Rows read at once: whole chunks, and as few bytes as that allows. */
function blockRows(rowBytes: number, chunkRows = 1): number {
  const wanted = Math.max(1, Math.floor(BLOCK_BYTES / Math.max(1, rowBytes)));
  return Math.max(1, Math.floor(wanted / chunkRows)) * chunkRows;
}

/** @throws NetworkError `bad-data` where it is no HDF5, or cut short; the file system's error where it is not there */
export async function openInput(path: string): Promise<InputFile> {
  await h5wasm.ready;
  const name = basename(path);
  if (!(await hasSignature(path)))
    throw new NetworkError('bad-data', `${name} is not an HDF5 file: one made by h5py or PyTables is needed`);
  const file = new h5wasm.File(path, 'r');
  if (file.file_id < 0n)
    throw new NetworkError('bad-data', `${name} cannot be opened as HDF5: it is damaged or not complete`);
  return new InputFile(name, file);
}

/** Looked at first, for HDF5 prints pages about what it cannot open. It may lie at 0, 512, 1024, 2048, … bytes. */
async function hasSignature(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const found = Buffer.alloc(SIGNATURE.length);
    for (let at = 0; at + SIGNATURE.length <= size; at = at === 0 ? 512 : 2 * at) {
      await file.read(found, 0, found.length, at);
      if (found.equals(SIGNATURE)) return true;
    }
    return false;
  } finally {
    await file.close();
  }
}
