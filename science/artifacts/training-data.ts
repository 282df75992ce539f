import h5wasm from 'h5wasm/node';
import { NetworkError } from '../cnn/error.ts';
import { createInt32Column } from '../hdf5/number-column.ts';
import { readFilenameRows, readFluxRows } from '../hdf5/read-rows.ts';
import { isSameGrid, type SpectraFile } from '../hdf5/spectra-blocks.ts';
import { TextSpool } from '../hdf5/text-spool.ts';
import { appendRows, chunkRowsOf, widthOf, withoutClock } from '../hdf5/writing.ts';

/** Most rows that are in memory at once. */
const BLOCK_ROWS = 1024;

/** Rows of a file of spectra that a network learns from. */
export interface TrainingSource {
  spectra: SpectraFile;
  /** Rows of the file, rising. */
  rows: Int32Array;
  /** Class of each of them: an index into the classes. */
  labels: Int32Array;
  /** Object of each of them, where known (`''` where not): spectra of an object stay together in a split. */
  designations?: readonly string[];
}

/**
 * Makes `training_data.h5`: `filenames` (N, fixed-width UTF-8), `wave` (P float64 [Å]), `fluxes` (N × P float32), `labels`
 * (N int32), `classes` (C) and, where a source knows objects, `metadata/designation` (N). The sources follow each other;
 * equal input gives equal bytes.
 * @throws NetworkError `bad-data` where the sources are not on one grid, or a label is no class
 */
export async function writeTrainingData(
  path: string,
  options: { sources: readonly TrainingSource[]; classes: readonly string[] },
): Promise<void> {
  const { sources, classes } = options;
  const wavelengthAngstrom = sources[0]?.spectra.wavelengthAngstrom;
  if (wavelengthAngstrom === undefined)
    throw new NetworkError('bad-data', 'Training data need a file of spectra');
  for (const source of sources) check(source, wavelengthAngstrom, classes);
  await h5wasm.ready;
  const points = wavelengthAngstrom.length;
  const total = sources.reduce((sum, { rows }) => sum + rows.length, 0);
  const chunkRows = chunkRowsOf(points, Math.max(1, Math.min(BLOCK_ROWS, total)));
  const filenames = new TextSpool(path);
  const designations = new TextSpool(path);
  const hasDesignations = sources.some((source) => source.designations !== undefined);
  try {
    withoutClock(() => {
      const file = new h5wasm.File(path, 'w');
      try {
        file.create_dataset({ name: 'wave', data: wavelengthAngstrom, dtype: '<d' });
        file.create_dataset({ name: 'classes', data: [...classes], dtype: widthOf(classes) });
        const labels = createInt32Column(file, 'labels', total);
        const fluxes = file.create_dataset({
          name: 'fluxes',
          data: new Float32Array(points), // h5wasm makes a dataset from data only
          dtype: '<f',
          shape: [1, points],
          maxshape: [null, points],
          chunks: [chunkRows, points],
        });
        let written = 0;
        for (const source of sources) {
          for (let from = 0; from < source.rows.length; from += chunkRows) {
            const rows = source.rows.subarray(from, from + chunkRows);
            const block = readFluxRows(source.spectra, rows);
            appendRows(fluxes, block, { rows: written, chunkRows, width: points });
            filenames.append(readFilenameRows(source.spectra, rows));
            if (hasDesignations)
              designations.append(Array.from(rows, (_, i) => source.designations?.[from + i] ?? ''));
            written += rows.length;
          }
          labels.append(source.labels);
        }
        if (total === 0) fluxes.resize([0, points]);
        labels.flush();
        filenames.writeTo(file, 'filenames', total);
        if (hasDesignations) designations.writeTo(file.create_group('metadata'), 'designation', total);
        file.flush();
      } finally {
        file.close();
      }
    });
  } finally {
    filenames.close();
    designations.close();
  }
}

function check(source: TrainingSource, wavelengthAngstrom: Float64Array, classes: readonly string[]): void {
  const { spectra, rows, labels, designations } = source;
  if (!isSameGrid(spectra.wavelengthAngstrom, wavelengthAngstrom))
    throw new NetworkError(
      'bad-data',
      'Training data and pool are on different grids: preprocess them with the same one',
    );
  if (labels.length !== rows.length || (designations?.length ?? rows.length) !== rows.length)
    throw new RangeError(`${labels.length} labels for ${rows.length} rows`);
  rows.forEach((row, i) => {
    const before = rows[i - 1] ?? -1;
    if (row <= before || row >= spectra.rows)
      throw new RangeError(`row ${row} after ${before}, of ${spectra.rows}: rows must rise`);
  });
  const wrong = labels.find((label) => label < 0 || label >= classes.length);
  if (wrong !== undefined)
    throw new NetworkError('bad-data', `Label ${wrong} is none of the ${classes.length} classes`);
}
