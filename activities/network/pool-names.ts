import type { SpectraFile } from '../../science/hdf5/spectra-blocks.ts';

const BLOCK_ROWS = 65_536;

/** Where spectra of a pool stand that are known by name; of several of one name the first. Without names the pool is not read. */
export function rowsOfNames(pool: SpectraFile, names: ReadonlySet<string>): Map<string, number> {
  const found = new Map<string, number>();
  for (let first = 0; first < pool.rows && found.size < names.size; first += BLOCK_ROWS)
    pool.readFilenames(first, Math.min(pool.rows, first + BLOCK_ROWS)).forEach((name, i) => {
      if (names.has(name) && !found.has(name)) found.set(name, first + i);
    });
  return found;
}
