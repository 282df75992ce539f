import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import h5wasm from 'h5wasm/node';
import { NetworkError } from '../cnn/error.ts';
import { appendRows, chunkRowsOf, COLUMN_CHUNK_ROWS, createBuffer, withoutClock } from './writing.ts';

export interface PredictionsFile {
  /** Appends rows. @param probabilities rows × classes @throws NetworkError `bad-data` where they are not as many */
  append(filenames: readonly string[], probabilities: Float32Array): void;
  /** Writes what is left. @throws Error where rows are missing */
  close(): void;
  /** Closes what will not be finished. */
  discard(): void;
}

/**
 * Makes the result of scoring a pool: `filenames` (N, fixed-width UTF-8), `probabilities` (N × C float32, chunked) and
 * `classes` (C). Equal input gives equal bytes, however it is cut into blocks; memory does not grow with it.
 * @param options.rows N: how many there will be
 * @param options.attributes of the root
 */
export async function createPredictionsFile(
  path: string,
  options: { rows: number; classes: readonly string[]; attributes: Record<string, string> },
): Promise<PredictionsFile> {
  await h5wasm.ready;
  const width = options.classes.length;
  const chunkRows = chunkRowsOf(width, Math.min(COLUMN_CHUNK_ROWS, options.rows));
  const spool = new Spool(path);
  const { file, dataset } = withoutClock(() => {
    const made = new h5wasm.File(path, 'w');
    for (const [name, value] of Object.entries(options.attributes)) made.create_attribute(name, value);
    made.create_dataset({ name: 'classes', data: [...options.classes], dtype: widthOf(options.classes) });
    const probabilities = made.create_dataset({
      name: 'probabilities',
      data: new Float32Array(width), // h5wasm makes a dataset from data only
      dtype: '<f',
      shape: [1, width],
      maxshape: [null, width],
      chunks: [chunkRows, width],
    });
    return { file: made, dataset: probabilities };
  });
  let rows = 0;

  return {
    append(filenames, probabilities) {
      if (probabilities.length !== filenames.length * width)
        throw new NetworkError(
          'bad-data',
          `${probabilities.length} probabilities of ${width} classes for ${filenames.length} spectra`,
        );
      if (filenames.length === 0) return;
      spool.append(filenames);
      withoutClock(() => appendRows(dataset, probabilities, { rows, chunkRows, width }));
      rows += filenames.length;
    },
    close() {
      try {
        withoutClock(() => {
          if (rows === 0) dataset.resize([0, width]);
          spool.writeTo(file, rows);
          file.flush();
          file.close();
        });
      } finally {
        spool.close();
      }
      if (rows !== options.rows)
        throw new Error(`${rows} predictions were written, of ${options.rows} spectra`);
    },
    discard() {
      spool.close();
      withoutClock(() => file.close());
    },
  };
}

/** Names on their way: the width of their dataset is known with the last only, and memory is not to hold millions. */
class Spool {
  readonly #descriptor: number;
  #widest = 1;

  /** A file without a name, which goes with the process whatever ends it. */
  constructor(beside: string) {
    const path = `${beside}.${randomUUID()}`;
    this.#descriptor = openSync(path, 'wx+');
    rmSync(path);
  }

  append(names: readonly string[]): void {
    const encoded = names.map((name) => Buffer.from(name));
    const block = Buffer.alloc(encoded.reduce((sum, { length }) => sum + 4 + length, 0));
    let at = 0;
    for (const name of encoded) {
      at = block.writeUInt32LE(name.length, at);
      at += name.copy(block, at);
      this.#widest = Math.max(this.#widest, name.length);
    }
    for (let done = 0; done < block.length;) done += writeSync(this.#descriptor, block, done);
  }

  writeTo(file: InstanceType<typeof h5wasm.File>, rows: number): void {
    const width = this.#widest;
    const dataset = file.create_dataset({
      name: 'filenames',
      data: [''],
      dtype: `S${width}`,
      shape: [1],
      maxshape: [null],
      chunks: [Math.max(1, Math.min(COLUMN_CHUNK_ROWS, rows))],
    });
    const memory = new Uint8Array(width * Math.max(1, Math.min(COLUMN_CHUNK_ROWS, rows)));
    const buffer = createBuffer(dataset, width, memory);
    if (rows === 0) dataset.resize([0]);
    let position = 0;
    const block = Buffer.alloc(Math.max(1 << 20, 4 + width));
    for (let written = 0; written < rows;) {
      const filled = readSync(this.#descriptor, block, 0, block.length, position);
      let at = 0;
      while (at + 4 <= filled && at + 4 + block.readUInt32LE(at) <= filled) {
        const start = at + 4;
        const end = start + block.readUInt32LE(at);
        buffer.room(1);
        const row = buffer.filled() * width;
        memory.fill(0, row, row + width);
        memory.set(block.subarray(start, end), row);
        buffer.add(1);
        written++;
        at = end;
      }
      if (at === 0) throw new Error('names of the predictions cannot be read back');
      position += at;
    }
    buffer.flush();
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

function widthOf(texts: readonly string[]): string {
  return `S${Math.max(1, ...texts.map((text) => Buffer.byteLength(text)))}`;
}
