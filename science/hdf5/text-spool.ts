import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import type { Group } from 'h5wasm/node';
import { COLUMN_CHUNK_ROWS, createBuffer } from './writing.ts';

/** Texts on their way: the width of their dataset is known with the last only, and memory is not to hold millions. */
export class TextSpool {
  readonly #descriptor: number;
  #widest = 1;
  #block: Buffer = Buffer.alloc(0);

  /** A file without a name, which goes with the process whatever ends it. */
  constructor(beside: string) {
    const path = `${beside}.${randomUUID()}`;
    this.#descriptor = openSync(path, 'wx+');
    rmSync(path);
  }

  append(texts: readonly string[]): void {
    // UTF-8 takes at most 3 bytes a UTF-16 unit.
    const needed = texts.reduce((sum, { length }) => sum + 4 + 3 * length, 0);
    if (needed > this.#block.length) this.#block = Buffer.allocUnsafeSlow(needed);
    const block = this.#block;
    let end = 0;
    for (const text of texts) {
      const length = block.write(text, end + 4);
      end = block.writeUInt32LE(length, end) + length;
      this.#widest = Math.max(this.#widest, length);
    }
    for (let done = 0; done < end;) done += writeSync(this.#descriptor, block, done, end - done);
  }

  /** Makes the dataset: fixed-width UTF-8. @param rows how many texts were appended */
  writeTo(group: Group, name: string, rows: number): void {
    const width = this.#widest;
    const dataset = group.create_dataset({
      name,
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
      if (at === 0) throw new Error(`texts of ${name} cannot be read back`);
      position += at;
    }
    buffer.flush();
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
