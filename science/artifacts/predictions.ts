import { NetworkError } from '../cnn/error.ts';
import { openInput } from '../hdf5/reading.ts';

/** Predictions of a pool, read block by block. */
export interface Predictions {
  readonly rows: number;
  readonly classes: readonly string[];
  /** Rows `first` … `end` − 1, row by row: rows × classes; NaN where a spectrum could not be classified. */
  readProbabilities(first: number, end: number): Float32Array;
  readFilenames(first: number, end: number): string[];
  close(): void;
}

/**
 * Opens `filenames` (N), `probabilities` (N × C) and `classes` (C) of a `predictions.h5`, or of an iteration's `result.h5`.
 * @throws NetworkError `bad-data` where it is no such file; the file system's error where there is none
 */
export async function openPredictions(path: string): Promise<Predictions> {
  const file = await openInput(path);
  try {
    const [filenames, probabilities] = [file.dataset('filenames'), file.dataset('probabilities')];
    const names = file.dataset('classes');
    const classes = names.texts(0, names.rows);
    if (probabilities.shape.length !== 2 || probabilities.width !== classes.length)
      throw new NetworkError(
        'bad-data',
        `probabilities of ${file.name} must be spectra × ${classes.length} classes`,
      );
    if (filenames.rows !== probabilities.rows || filenames.width !== 1)
      throw new NetworkError(
        'bad-data',
        `${file.name} has ${filenames.rows} filenames for ${probabilities.rows} probabilities`,
      );
    return {
      rows: probabilities.rows,
      classes,
      readProbabilities(first, end) {
        const values = new Float32Array((end - first) * classes.length);
        probabilities.readInto(values, first, end);
        return values;
      },
      readFilenames: (first, end) => filenames.texts(first, end),
      close: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}
