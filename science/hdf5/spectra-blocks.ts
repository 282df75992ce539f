import { NetworkError } from '../cnn/error.ts';
import { type InputDataset, type InputFile, openInput } from './reading.ts';

/** Spectra of an HDF5 file, read block by block: never more of them in memory than are asked for. */
export interface SpectraFile {
  readonly rows: number;
  readonly points: number;
  readonly wavelengthAngstrom: Float64Array;
  /** Rows `first` … `end` − 1, row by row; values may be not finite. @throws NetworkError `bad-data` */
  readFluxes(first: number, end: number): Float32Array;
  /** @throws NetworkError `bad-data` */
  readFilenames(first: number, end: number): string[];
  close(): void;
}

/**
 * Opens `filenames` (N), `fluxes` (N × P) and `wave` (P) of a `result.h5`, or of a file like it.
 * @throws NetworkError `bad-data` where it is no such file; the file system's error where there is none
 */
export async function openSpectra(path: string): Promise<SpectraFile> {
  const file = await openInput(path);
  try {
    return spectraOf(file);
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Spectra that are in memory already, as a file of them. @param set rows × points, a name a row */
export function spectraInMemory(set: {
  wavelengthAngstrom: Float64Array;
  spectra: Float32Array;
  filenames: readonly string[];
}): SpectraFile {
  const points = set.wavelengthAngstrom.length;
  return {
    rows: set.filenames.length,
    points,
    wavelengthAngstrom: set.wavelengthAngstrom,
    readFluxes: (first, end) => set.spectra.slice(first * points, end * points),
    readFilenames: (first, end) => set.filenames.slice(first, end),
    close() {}, // nothing is open
  };
}

/** Whether grids are equal to a hundredth of a step: wavelengths may have been kept as float32. */
export function isSameGrid(one: Float64Array, other: Float64Array): boolean {
  if (one.length !== other.length) return false;
  const tolerance = Math.abs((one[one.length - 1] ?? NaN) - (one[0] ?? NaN)) / one.length / 100;
  return one.every((value, i) => Math.abs(value - (other[i] ?? NaN)) <= tolerance);
}

/** The spectra of a file that is open. @throws NetworkError `bad-data` */
export function spectraOf(file: InputFile): SpectraFile {
  const [filenames, fluxes, wave] = [file.dataset('filenames'), file.dataset('fluxes'), file.dataset('wave')];
  const points = wave.rows * wave.width;
  if (points === 0 || fluxes.shape.length < 2 || fluxes.width !== points)
    throw new NetworkError(
      'bad-data',
      `fluxes of ${file.name} ${shown(fluxes)} must be spectra × points, with as many points as wave ${shown(wave)} has`,
    );
  if (filenames.rows !== fluxes.rows || filenames.width !== 1)
    throw new NetworkError(
      'bad-data',
      `${file.name} has ${shown(filenames)} filenames for ${fluxes.rows} spectra in fluxes: each needs one`,
    );
  const wavelengthAngstrom = new Float64Array(points);
  wave.readInto(wavelengthAngstrom, 0, wave.rows);
  if (!wavelengthAngstrom.every(Number.isFinite))
    throw new NetworkError('bad-data', `wave of ${file.name} has a value that is no finite number`);
  return {
    rows: fluxes.rows,
    points,
    wavelengthAngstrom,
    readFluxes(first, end) {
      const values = new Float32Array((end - first) * points);
      fluxes.readInto(values, first, end);
      return values;
    },
    readFilenames: (first, end) => filenames.texts(first, end),
    close: () => file.close(),
  };
}

function shown({ shape }: InputDataset): string {
  return `(${shape.join(' × ') || 'one value'})`;
}
