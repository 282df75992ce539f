import h5wasm, { type Dataset, type Group } from 'h5wasm/node';
import {
  NUMBER_COLUMNS,
  type PartHeader,
  type PartTables,
  REJECT_COLUMNS,
  TEXT_COLUMNS,
  type TextValues,
} from '../preprocess/part.ts';
import {
  appendRows,
  chunkRowsOf,
  COLUMN_CHUNK_ROWS,
  createBuffer,
  type FixedArray,
  withoutClock,
} from './writing.ts';

/** Never more rows in a chunk than a reader wants to hold at once. */
const MAX_CHUNK_ROWS = 1024;
const GZIP_LEVEL = 4;

export interface ResultFileOptions {
  /** Grid [Å, vacuum]; float64, length P. */
  wavelengthAngstrom: Float64Array;
  /** Text attributes of the root group: configuration, software version. */
  attributes: Record<string, string>;
  /** There will be no more rows than this, or very many; the true number shows only at the end. */
  maxRows: number;
  compression: 'none' | 'gzip';
}

type Totals = Pick<PartHeader, 'rows' | 'rejects' | 'widths'>;

export interface ResultFile {
  /** Appends rows: rows × P values, and their columns of numbers. */
  appendRows(fluxes: Float32Array, numbers: PartTables['numbers']): void;
  /** Appends columns of text, once all rows are there; `totals` are over all parts, the same at each call. */
  appendTexts(texts: PartTables['texts'], totals: Totals): void;
  /**
   * @param attributes further ones of the root group
   * @throws Error when rows are missing
   */
  close(totals: Totals, attributes?: Record<string, string>): void;
  /** Closes what will not be finished. */
  discard(): void;
}

/**
 * Makes the result of a preprocessing: `filenames` (N, fixed-width UTF-8), `fluxes` (N×P float32, chunked), `wave`
 * (P float64), `metadata/*`, `quality/*` (N), `rejects/{filename,path,reason}`. First all numbers, part by part, then all
 * texts, for their width is known only then. Equal parts give equal bytes.
 */
export async function createResultFile(path: string, options: ResultFileOptions): Promise<ResultFile> {
  await h5wasm.ready;
  const points = options.wavelengthAngstrom.length;
  const chunkRows = chunkRowsOf(points, Math.min(MAX_CHUNK_ROWS, options.maxRows));
  const { file, fluxes, numbers, groups } = withoutClock(() => {
    const made = new h5wasm.File(path, 'w');
    for (const [name, value] of Object.entries(options.attributes)) made.create_attribute(name, value);
    made.create_dataset({ name: 'wave', data: options.wavelengthAngstrom, dtype: '<d' });
    const dataset = made.create_dataset({
      name: 'fluxes',
      data: new Float32Array(points), // h5wasm makes a dataset from data only
      dtype: '<f',
      shape: [1, points],
      maxshape: [null, points],
      chunks: [chunkRows, points],
      ...(options.compression === 'gzip' ? { compression: 'gzip', compression_opts: GZIP_LEVEL } : {}),
    });
    const columnGroups = new Map<string, Group>([['', made]]);
    const columns = createNumberColumns(columnGroups, options.maxRows);
    return { file: made, fluxes: dataset, numbers: columns, groups: columnGroups };
  });
  let rows = 0;
  let texts: TextColumns | undefined;

  return {
    appendRows(values, columns) {
      const count = values.length / points;
      if (count === 0) return;
      withoutClock(() => {
        appendRows(fluxes, values, { rows, chunkRows, width: points });
        rows += count;
        for (const column of numbers) column.append(columns[column.name] ?? new Float64Array());
      });
    },
    appendTexts(values, totals) {
      withoutClock(() => {
        texts ??= createTextColumns(groups, totals);
        for (const column of texts) {
          const strings = values[column.name];
          if (strings) column.append(strings);
        }
      });
    },
    close(totals, attributes = {}) {
      withoutClock(() => {
        for (const [name, value] of Object.entries(attributes)) file.create_attribute(name, value);
        texts ??= createTextColumns(groups, totals);
        for (const column of [...numbers, ...texts]) column.flush();
        const lengths = [
          { name: 'fluxes', length: rows, due: totals.rows },
          ...numbers.map(({ name, written }) => ({ name, length: written(), due: totals.rows })),
          ...texts.map(({ name, written, due }) => ({ name, length: written(), due })),
        ];
        file.flush();
        file.close();
        const short = lengths.filter(({ length, due }) => length !== due).map(({ name }) => name);
        if (short.length > 0) throw new Error(`rows are missing in ${short.join(', ')}`);
      });
    },
    discard() {
      withoutClock(() => file.close());
    },
  };
}

interface Column<T> {
  name: string;
  append(values: T): void;
  flush(): void;
  /** How many rows are in the file. */
  written(): number;
}
type TextColumns = (Column<TextValues> & { due: number })[];

function createColumn(
  groups: Map<string, Group>,
  name: string,
  { dtype, zero, most }: { dtype: string; zero: FixedArray | string[]; most: number },
): Dataset {
  const slash = name.indexOf('/');
  const root = groups.get('');
  if (!root) throw new Error('the file has no root');
  const groupName = name.slice(0, Math.max(0, slash));
  const group = groups.get(groupName) ?? root.create_group(groupName);
  groups.set(groupName, group);
  return group.create_dataset({
    name: name.slice(slash + 1),
    data: zero,
    dtype,
    shape: [1],
    maxshape: [null],
    chunks: [Math.max(1, Math.min(COLUMN_CHUNK_ROWS, most))],
  });
}

function createNumberColumns(groups: Map<string, Group>, maxRows: number): Column<Float64Array>[] {
  return Object.entries(NUMBER_COLUMNS).map(([name, { dtype }]) => {
    const memory = ARRAYS[dtype](COLUMN_CHUNK_ROWS);
    const dataset = createColumn(groups, name, { dtype, zero: ARRAYS[dtype](1), most: maxRows });
    const buffer = createBuffer(dataset, memory.BYTES_PER_ELEMENT, memory);
    return {
      ...buffer,
      name,
      append(values: Float64Array) {
        for (let done = 0; done < values.length;) {
          const room = buffer.room(values.length - done);
          memory.set(values.subarray(done, done + room), buffer.filled());
          buffer.add(room);
          done += room;
        }
      },
    };
  });
}

function createTextColumns(groups: Map<string, Group>, totals: Totals): TextColumns {
  return [
    ...Object.keys(TEXT_COLUMNS).map((name) => ({ name, due: totals.rows })),
    ...Object.keys(REJECT_COLUMNS).map((name) => ({ name, due: totals.rejects })),
  ].map(({ name, due }) => {
    const width = Math.max(1, totals.widths[name] ?? 0);
    const memory = new Uint8Array(Math.min(COLUMN_CHUNK_ROWS, Math.max(1, due)) * width);
    const dataset = createColumn(groups, name, { dtype: `S${width}`, zero: [''], most: due });
    const buffer = createBuffer(dataset, width, memory);
    if (due === 0) dataset.resize([0]);
    return {
      ...buffer,
      name,
      due,
      append({ bytes, ends }: TextValues) {
        let start = 0;
        for (let row = 0; row < ends.length;) {
          const room = buffer.room(ends.length - row);
          let at = buffer.filled() * width;
          // Byte by byte: a view of a few bytes, or a call to fill them, costs more than to copy them.
          for (const beyond = row + room; row < beyond; row++) {
            const end = ends[row] ?? start;
            const next = at + width;
            while (start < end) memory[at++] = bytes[start++] ?? 0;
            while (at < next) memory[at++] = 0;
          }
          buffer.add(room);
        }
      },
    };
  });
}

const ARRAYS: Record<'<d' | '<i' | '<B', (length: number) => FixedArray> = {
  '<d': (length) => new Float64Array(length),
  '<i': (length) => new Int32Array(length),
  '<B': (length) => new Uint8Array(length),
};
