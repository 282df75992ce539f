import { readFile } from 'node:fs/promises';
import { type TrainingSource, writeTrainingData } from '../../science/artifacts/training-data.ts';
import { readTrainingSet, type TrainingSet } from '../../science/hdf5/labelled-spectra.ts';
import { readFilenameRows } from '../../science/hdf5/read-rows.ts';
import { openSpectra, type SpectraFile } from '../../science/hdf5/spectra-blocks.ts';
import { PoolLabels, type TrainTask } from './messages.ts';
import { rowsOfNames } from './pool-names.ts';

/**
 * Makes the `training_data.h5` of an iteration: the labelled files from before, then the labelled rows of the pool. Each
 * spectrum is in it once, with its newest label: the pool's before a file's, a later file's before an earlier one's.
 * @returns how many spectra there are, and of how many classes
 * @throws NetworkError where a file will not do or the grids differ
 */
export async function assembleTrainingData(
  path: string,
  { earlierPaths, poolPath, labelsPath }: NonNullable<TrainTask['assemble']>,
  classes: readonly string[],
): Promise<{ rows: number; classes: number }> {
  const given = PoolLabels.parse(JSON.parse(await readFile(labelsPath, 'utf8')));
  const pool = await openSpectra(poolPath);
  try {
    const labelOf = new Map(given.rows.map((row, i) => [row, given.labels[i] ?? 0]));
    const rowOf = rowsOfNames(pool, new Set(given.named.names));
    given.named.names.forEach((name, i) => {
      const row = rowOf.get(name);
      if (row !== undefined && !labelOf.has(row)) labelOf.set(row, given.named.labels[i] ?? 0);
    });
    const rows = Int32Array.from(labelOf.keys()).sort();
    const labels = rows.map((row) => labelOf.get(row) ?? 0);
    const newer = new Set<string>();
    for (const name of readFilenameRows(pool, rows)) newer.add(name);
    const sources: TrainingSource[] = [{ spectra: pool, rows, labels }];
    for (const earlierPath of earlierPaths.toReversed()) {
      const set = await readTrainingSet(earlierPath, { classes, mayLackClasses: true });
      const kept: number[] = [];
      set.filenames.forEach((name, row) => {
        if (newer.has(name)) return;
        newer.add(name);
        kept.push(row);
      });
      sources.unshift({
        spectra: inMemory(set),
        rows: Int32Array.from(kept),
        labels: Int32Array.from(kept, (row) => set.labels[row] ?? 0),
      });
    }
    await writeTrainingData(path, { sources, classes });
    const all = sources.flatMap((source) => [...source.labels]);
    return { rows: all.length, classes: new Set(all).size };
  } finally {
    pool.close();
  }
}

function inMemory({ wavelengthAngstrom, spectra, filenames }: TrainingSet): SpectraFile {
  const points = wavelengthAngstrom.length;
  return {
    rows: filenames.length,
    points,
    wavelengthAngstrom,
    readFluxes: (first, end) => spectra.subarray(first * points, end * points),
    readFilenames: (first, end) => filenames.slice(first, end),
    close: () => undefined,
  };
}
