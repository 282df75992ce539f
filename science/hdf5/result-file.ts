import h5wasm, { type Dataset, type Group, type GuessableDataTypes } from 'h5wasm/node';
import {
  type Part,
  type PartReject,
  type PartRow,
  type PartSummary,
  REJECT_COLUMNS,
  TEXT_COLUMNS,
} from '../preprocess/part.ts';

/** Numeric columns of result.h5 by dataset path: their HDF5 type and the value of a row (NaN where absent). */
const NUMBER_COLUMNS: Record<string, { dtype: '<d' | '<i' | '<B'; value: (row: PartRow) => number }> = {
  'metadata/ra': { dtype: '<d', value: (row) => row.metadata.ra ?? NaN },
  'metadata/dec': { dtype: '<d', value: (row) => row.metadata.dec ?? NaN },
  'metadata/z': { dtype: '<d', value: (row) => row.metadata.z ?? NaN },
  'metadata/z_err': { dtype: '<d', value: (row) => row.metadata.z_err ?? NaN },
  'metadata/snr_u': { dtype: '<d', value: (row) => row.metadata.sn_u ?? NaN },
  'metadata/snr_g': { dtype: '<d', value: (row) => row.metadata.sn_g ?? NaN },
  'metadata/snr_r': { dtype: '<d', value: (row) => row.metadata.sn_r ?? NaN },
  'metadata/snr_i': { dtype: '<d', value: (row) => row.metadata.sn_i ?? NaN },
  'metadata/snr_z': { dtype: '<d', value: (row) => row.metadata.sn_z ?? NaN },
  'quality/coverage': { dtype: '<d', value: (row) => row.quality.coverage },
  'quality/longest_gap': { dtype: '<i', value: (row) => row.quality.longestGap },
  'quality/median_snr': { dtype: '<d', value: (row) => row.quality.medianSnr ?? NaN },
  'quality/constant': { dtype: '<B', value: (row) => Number(row.quality.constant) },
  'quality/extrapolated': { dtype: '<B', value: (row) => Number(row.quality.extrapolated) },
  'quality/unbridged_gap': { dtype: '<B', value: (row) => Number(row.quality.unbridgedGap) },
  'quality/medium_unknown': { dtype: '<B', value: (row) => Number(row.quality.mediumUnknown) },
};

/** About a megabyte a chunk (HDF5's chunk cache), and never more rows than a reader wants to hold at once. */
const CHUNK_BYTES = 1 << 20;
const MAX_CHUNK_ROWS = 1024;
const COLUMN_CHUNK_ROWS = 8192;

export interface ResultFileOptions {
  /** Grid [Å, vacuum]; float64, length P. */
  wavelengthAngstrom: Float64Array;
  /** The summaries of all parts that will be appended. */
  parts: PartSummary[];
  /** Text attributes of the root group: configuration, software version, input sha256. */
  attributes: Record<string, string>;
}

export interface ResultFile {
  /** Appends a part's rows and rejects; parts come in order. */
  append(part: Part): void;
  close(): void;
}

/**
 * Makes the result of a preprocessing: `filenames` (N, fixed-width UTF-8), `fluxes` (N×P float32, chunked), `wave`
 * (P float64), `metadata/*`, `quality/*` (N), `rejects/{filename,reason}`. Equal parts give equal bytes.
 */
export async function createResultFile(path: string, options: ResultFileOptions): Promise<ResultFile> {
  await h5wasm.ready;
  const points = options.wavelengthAngstrom.length;
  const rows = options.parts.reduce((sum, part) => sum + part.rows, 0);
  const rejects = options.parts.reduce((sum, part) => sum + part.rejects, 0);
  const width = (column: string) => Math.max(1, ...options.parts.map((part) => part.widths[column] ?? 0));
  const chunkRows = Math.max(1, Math.min(MAX_CHUNK_ROWS, Math.floor(CHUNK_BYTES / (4 * points)), rows));

  const columns = new Map<string, Column>();
  const file = withoutClock(() => {
    const made = new h5wasm.File(path, 'w');
    for (const [name, value] of Object.entries(options.attributes)) made.create_attribute(name, value);
    made.create_dataset({ name: 'wave', data: options.wavelengthAngstrom, dtype: '<d' });
    const groups = new Map<string, Group>([['', made]]);
    const make = (column: string, dtype: string, length: number, chunk: number, wide?: number) => {
      const [group, name] = column.includes('/') ? splitOnce(column) : ['', column];
      if (!groups.has(group)) groups.set(group, made.create_group(group));
      columns.set(column, createColumn(groups.get(group) ?? made, name, dtype, length, chunk, wide));
    };
    make('fluxes', '<f', rows, chunkRows, points);
    for (const name of Object.keys(TEXT_COLUMNS)) make(name, `S${width(name)}`, rows, COLUMN_CHUNK_ROWS);
    for (const [name, { dtype }] of Object.entries(NUMBER_COLUMNS))
      make(name, dtype, rows, COLUMN_CHUNK_ROWS);
    for (const name of Object.keys(REJECT_COLUMNS)) make(name, `S${width(name)}`, rejects, COLUMN_CHUNK_ROWS);
    return made;
  });
  const column = (name: string): Column => {
    const found = columns.get(name);
    if (!found) throw new Error(`no column ${name}`);
    return found;
  };

  return {
    append(part) {
      withoutClock(() => {
        if (part.rows.length > 0) {
          for (let row = 0; row < part.rows.length; row += chunkRows)
            column('fluxes').append(
              part.fluxes.subarray(row * points, (row + chunkRows) * points),
              Math.min(chunkRows, part.rows.length - row),
            );
          for (const [name, value] of Object.entries(TEXT_COLUMNS))
            column(name).append(part.rows.map(value), part.rows.length);
          for (const [name, { dtype, value }] of Object.entries(NUMBER_COLUMNS)) {
            const values = part.rows.map(value);
            const typed =
              dtype === '<d'
                ? Float64Array.from(values)
                : dtype === '<i'
                  ? Int32Array.from(values)
                  : Uint8Array.from(values);
            column(name).append(typed, values.length);
          }
        }
        if (part.rejects.length > 0)
          for (const [name, value] of Object.entries<(reject: PartReject) => string>(REJECT_COLUMNS))
            column(name).append(part.rejects.map(value), part.rejects.length);
      });
    },
    close() {
      withoutClock(() => {
        for (const [name, { missing }] of columns)
          if (missing() !== 0) throw new Error(`${name} misses ${missing()} rows`);
        file.flush();
        file.close();
      });
    },
  };
}

interface Column {
  append(values: GuessableDataTypes, count: number): void;
  missing(): number;
}

/** A dataset of known final length, filled from the front. */
function createColumn(
  group: Group,
  name: string,
  dtype: string,
  length: number,
  chunk: number,
  wide?: number,
): Column {
  let filled = 0;
  const shape = (rows: number) => (wide === undefined ? [rows] : [rows, wide]);
  // h5wasm makes a dataset from data only: one row, then the true length
  const one = dtype.startsWith('S') ? [''] : typedZeros(dtype, wide ?? 1);
  const dataset: Dataset = group.create_dataset({
    name,
    data: one,
    dtype,
    shape: shape(1),
    maxshape: wide === undefined ? [null] : [null, wide],
    chunks: shape(Math.max(1, Math.min(chunk, length))),
  });
  dataset.resize(shape(length));
  return {
    append(values, count) {
      dataset.write_slice(
        wide === undefined
          ? [[filled, filled + count]]
          : [
              [filled, filled + count],
              [0, wide],
            ],
        values,
      );
      filled += count;
    },
    missing: () => length - filled,
  };
}

function typedZeros(dtype: string, length: number): Float64Array | Float32Array | Int32Array | Uint8Array {
  if (dtype === '<d') return new Float64Array(length);
  if (dtype === '<f') return new Float32Array(length);
  return dtype === '<i' ? new Int32Array(length) : new Uint8Array(length);
}

function splitOnce(path: string): [string, string] {
  const slash = path.indexOf('/');
  return [path.slice(0, slash), path.slice(slash + 1)];
}

/** h5wasm stamps its objects with `Date.now()`; results must not depend on when they were made. */
function withoutClock<T>(work: () => T): T {
  const clock = Date.now;
  Date.now = () => 0;
  try {
    return work();
  } finally {
    Date.now = clock;
  }
}
