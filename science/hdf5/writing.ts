import { type Dataset, Module } from 'h5wasm/node';

/** About a megabyte a chunk: HDF5's chunk cache. */
const CHUNK_BYTES = 1 << 20;
/** Columns are chunked, and written, this many rows at a time. */
export const COLUMN_CHUNK_ROWS = 8192;

/** Rows of a chunk of float32 rows. @param width values of a row @param most rows that there should be in one */
export function chunkRowsOf(width: number, most: number): number {
  return Math.max(1, Math.min(most, Math.floor(CHUNK_BYTES / (4 * width))));
}

/** Appends float32 rows to a dataset, rows × width, that has `rows` of them. */
export function appendRows(
  dataset: Dataset,
  values: Float32Array,
  { rows, chunkRows, width }: { rows: number; chunkRows: number; width: number },
): void {
  const count = values.length / width;
  dataset.resize([rows + count, width]);
  // Up to the next chunk's end at a time: a chunk is written whole, once.
  for (let done = 0; done < count;) {
    const next = Math.min(count, (Math.floor((rows + done) / chunkRows) + 1) * chunkRows - rows);
    const { buffer, byteOffset } = values.subarray(done * width);
    const bytes = new Uint8Array(buffer, byteOffset, 4 * (next - done) * width);
    writeBytes(dataset, [rows + done, 0], [next - done, width], bytes);
    done = next;
  }
}

export type FixedArray = Float64Array | Int32Array | Uint8Array;

/** Rows on their way to a dataset, which grows by whole chunks: `memory` holds those of the next one. */
export function createBuffer(dataset: Dataset, bytesPerRow: number, memory: FixedArray) {
  const capacity = memory.byteLength / bytesPerRow;
  let written = 0;
  let filled = 0;
  const flush = () => {
    if (filled === 0) return;
    const bytes = new Uint8Array(memory.buffer, memory.byteOffset, filled * bytesPerRow);
    dataset.resize([written + filled]);
    writeBytes(dataset, [written], [filled], bytes);
    written += filled;
    filled = 0;
  };
  return {
    /** How many of `wanted` rows there is room for, at least one: a full memory is written first. */
    room(wanted: number): number {
      if (filled === capacity) flush();
      return Math.min(wanted, capacity - filled);
    },
    filled: () => filled,
    add(rows: number) {
      filled += rows;
    },
    flush,
    written: () => written,
  };
}

/** HDF5 type of texts: fixed-width UTF-8 of the longest. */
export function widthOf(texts: readonly string[]): string {
  return `S${Math.max(1, ...texts.map((text) => Buffer.byteLength(text)))}`;
}

/** Writes a block as it lies in memory. h5wasm's own write_slice takes text as strings only, and converts each. */
function writeBytes(dataset: Dataset, start: number[], count: number[], bytes: Uint8Array): void {
  const pointer = Module._malloc(bytes.length);
  if (pointer === 0) throw new Error(`no memory for ${bytes.length} bytes of HDF5`);
  try {
    Module.HEAPU8.set(bytes, pointer);
    const status = Module.set_dataset_data(
      dataset.file_id,
      dataset.path,
      count.map(BigInt),
      start.map(BigInt),
      count.map(() => 1n),
      BigInt(pointer),
    );
    if (status < 0) throw new Error(`HDF5 could not write ${dataset.path}`);
  } finally {
    Module._free(pointer);
  }
}

/** h5wasm stamps its objects with `Date.now()`; results must not depend on when they were made. */
export function withoutClock<T>(work: () => T): T {
  const clock = Date.now;
  Date.now = () => 0;
  try {
    return work();
  } finally {
    Date.now = clock;
  }
}
