import type { Group } from 'h5wasm/node';
import { COLUMN_CHUNK_ROWS, createBuffer } from './writing.ts';

/** A dataset of one number a row that grows block by block: whole chunks are written, so equal values give equal bytes. */
export interface NumberColumn<T extends Float64Array | Int32Array> {
  append(values: T): void;
  /** Writes what is left; once, at the end. */
  flush(): void;
}

/** @param rows how many there will be, or more */
export function createFloat64Column(group: Group, name: string, rows: number): NumberColumn<Float64Array> {
  return createColumn(group, name, '<d', new Float64Array(chunkRows(rows)));
}

/** @param rows how many there will be, or more */
export function createInt32Column(group: Group, name: string, rows: number): NumberColumn<Int32Array> {
  return createColumn(group, name, '<i', new Int32Array(chunkRows(rows)));
}

function chunkRows(rows: number): number {
  return Math.max(1, Math.min(COLUMN_CHUNK_ROWS, rows));
}

function createColumn<T extends Float64Array | Int32Array>(
  group: Group,
  name: string,
  dtype: '<d' | '<i',
  memory: T,
): NumberColumn<T> {
  const dataset = group.create_dataset({
    name,
    data: memory.subarray(0, 1), // h5wasm makes a dataset from data only
    dtype,
    shape: [1],
    maxshape: [null],
    chunks: [memory.length],
  });
  const buffer = createBuffer(dataset, memory.BYTES_PER_ELEMENT, memory);
  return {
    append(values) {
      for (let done = 0; done < values.length;) {
        const room = buffer.room(values.length - done);
        memory.set(values.subarray(done, done + room), buffer.filled());
        buffer.add(room);
        done += room;
      }
    },
    flush() {
      buffer.flush();
      if (buffer.written() === 0) dataset.resize([0]);
    },
  };
}
