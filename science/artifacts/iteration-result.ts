import h5wasm from 'h5wasm/node';
import { NetworkError } from '../cnn/error.ts';
import { createFloat64Column, createInt32Column } from '../hdf5/number-column.ts';
import { TextSpool } from '../hdf5/text-spool.ts';
import { appendRows, chunkRowsOf, COLUMN_CHUNK_ROWS, widthOf, withoutClock } from '../hdf5/writing.ts';

/** What an iteration says of some rows of the pool, in the pool's order. */
export interface ScoredRows {
  filenames: readonly string[];
  /** Predicted class: an index into the classes, −1 where there is none. */
  labels: Int32Array;
  /** rows × classes; NaN where there are none */
  probabilities: Float32Array;
  /** Entropy of the probabilities [nat]; NaN where there are none. */
  entropies: Float64Array;
}

/** Rows of the pool, from 0. */
export interface IterationSets {
  oracle: Int32Array;
  performanceEstimation: Int32Array;
  candidates: Int32Array;
}

export interface IterationResult {
  /** @throws NetworkError `bad-data` where the columns are not as long as each other */
  append(rows: ScoredRows): void;
  /** Writes what is left. @throws Error where rows are missing, or a set names a row that is not there */
  close(sets: IterationSets): void;
  /** Closes what will not be finished. */
  discard(): void;
}

/**
 * Makes the `result.h5` of an iteration: `filenames` (N, fixed-width UTF-8), `labels` (N int32), `probabilities` (N × C
 * float32), `entropies` (N float64), `classes` (C), and the sets as rows of the pool: `oracle_indexes`,
 * `perf_est_indexes`, `candidate_indexes` (int32). The spectra themselves stay in the pool. Equal input gives equal bytes,
 * however it is cut into blocks; memory does not grow with N.
 * @param options.rows N: how many there will be
 * @param options.attributes of the root
 */
export async function createIterationResult(
  path: string,
  options: { rows: number; classes: readonly string[]; attributes: Record<string, string> },
): Promise<IterationResult> {
  await h5wasm.ready;
  const width = options.classes.length;
  const chunkRows = chunkRowsOf(width, Math.min(COLUMN_CHUNK_ROWS, options.rows));
  const spool = new TextSpool(path);
  const { file, labels, probabilities, entropies } = withoutClock(() => {
    const made = new h5wasm.File(path, 'w');
    for (const [name, value] of Object.entries(options.attributes)) made.create_attribute(name, value);
    made.create_dataset({ name: 'classes', data: [...options.classes], dtype: widthOf(options.classes) });
    const matrix = made.create_dataset({
      name: 'probabilities',
      data: new Float32Array(width), // h5wasm makes a dataset from data only
      dtype: '<f',
      shape: [1, width],
      maxshape: [null, width],
      chunks: [chunkRows, width],
    });
    return {
      file: made,
      labels: createInt32Column(made, 'labels', chunkRows),
      probabilities: matrix,
      entropies: createFloat64Column(made, 'entropies', chunkRows),
    };
  });
  // A chunk of each column at a time, in turn: where chunks lie must not depend on the blocks that come.
  const pending = {
    rows: 0,
    labels: new Int32Array(chunkRows),
    probabilities: new Float32Array(chunkRows * width),
    entropies: new Float64Array(chunkRows),
  };
  let rows = 0;
  const writePending = () => {
    const count = pending.rows;
    labels.append(pending.labels.subarray(0, count));
    appendRows(probabilities, pending.probabilities.subarray(0, count * width), { rows, chunkRows, width });
    entropies.append(pending.entropies.subarray(0, count));
    rows += count;
    pending.rows = 0;
  };

  return {
    append(block) {
      const count = block.filenames.length;
      if (
        block.labels.length !== count ||
        block.entropies.length !== count ||
        block.probabilities.length !== count * width
      )
        throw new NetworkError(
          'bad-data',
          `${block.labels.length} labels, ${block.entropies.length} entropies and ${block.probabilities.length} ` +
            `probabilities of ${width} classes for ${count} spectra`,
        );
      spool.append(block.filenames);
      for (let first = 0; first < count;) {
        const end = Math.min(count, first + chunkRows - pending.rows);
        pending.labels.set(block.labels.subarray(first, end), pending.rows);
        pending.probabilities.set(
          block.probabilities.subarray(first * width, end * width),
          pending.rows * width,
        );
        pending.entropies.set(block.entropies.subarray(first, end), pending.rows);
        pending.rows += end - first;
        if (pending.rows === chunkRows) withoutClock(writePending);
        first = end;
      }
    },
    close(sets) {
      const indexes = {
        oracle_indexes: sets.oracle,
        perf_est_indexes: sets.performanceEstimation,
        candidate_indexes: sets.candidates,
      };
      try {
        withoutClock(() => {
          writePending();
          if (rows === 0) probabilities.resize([0, width]);
          labels.flush();
          entropies.flush();
          spool.writeTo(file, 'filenames', rows);
          for (const [name, values] of Object.entries(indexes)) {
            const column = createInt32Column(file, name, values.length);
            column.append(values);
            column.flush();
          }
          file.flush();
          file.close();
        });
      } finally {
        spool.close();
      }
      if (rows !== options.rows) throw new Error(`${rows} rows were written, of ${options.rows} spectra`);
      for (const [name, values] of Object.entries(indexes))
        for (const row of values)
          if (row < 0 || row >= rows) throw new Error(`${name} has row ${row}, of ${rows} spectra`);
    },
    discard() {
      spool.close();
      withoutClock(() => file.close());
    },
  };
}
