import h5wasm from 'h5wasm/node';
import { NetworkError } from '../cnn/error.ts';
import { TextSpool } from './text-spool.ts';
import { appendRows, chunkRowsOf, COLUMN_CHUNK_ROWS, widthOf, withoutClock } from './writing.ts';

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
  const spool = new TextSpool(path);
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
          spool.writeTo(file, 'filenames', rows);
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
