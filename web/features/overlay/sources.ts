import { MAX_FLUX_VALUES, type SpectraFileRow } from '../../../contracts/spectra-file.ts';
import { listSpectra, getSpectrumArrays } from '../../api-client/spectra.ts';
import {
  fluxesUrl,
  getSpectraFile,
  getSpectraFileRows,
  type StoreFile,
} from '../../api-client/spectra-files.ts';
import { logGrid } from './regrid.ts';
import type { OverlayWorker } from './use-overlay-worker.ts';

/** What is known of a line: whose it is. */
export type LineFacts = Omit<SpectraFileRow, 'index'>;

/** Lines of a file at a time. */
export const ROWS_AT_ONCE = 5000;
/** Lines out of the catalogue. Each is a request of its own. */
export const MOST_FROM_CATALOGUE = 1000;
/** Points of the grid that raw spectra are put on. */
const GRID_POINTS = 3700;
const AT_ONCE = 6;

/** What the page hears while lines come. */
export interface Opened {
  wave: Float64Array;
  /** How many lines there are, those that are not drawn included. */
  total: number;
  /** By line, once all are known. */
  facts: Promise<LineFacts[]>;
}

/** Draws the rows of an HDF5 file: fluxes and grid are asked for at the same time. @throws ApiFailure */
export async function openFile(
  worker: OverlayWorker,
  file: StoreFile,
  offset: number,
  signal: AbortSignal,
): Promise<Opened> {
  worker.fetchFluxes(fluxesUrl(file, { offset, limit: ROWS_AT_ONCE }));
  const { wave, total } = await getSpectraFile(file, signal);
  const most = Math.min(ROWS_AT_ONCE, Math.max(1, Math.floor(MAX_FLUX_VALUES / wave.length)));
  const rows = Math.max(0, Math.min(most, total - offset));
  const grid = Float64Array.from(wave);
  worker.setGrid(grid, rows);
  return { wave: grid, total, facts: getSpectraFileRows(file, { offset, limit: rows }, signal) };
}

/** Draws raw spectra of the catalogue, one after the other, on a grid that holds the first of them. @throws ApiFailure */
export async function openCatalogue(
  worker: OverlayWorker,
  query: Record<string, string | number>,
  signal: AbortSignal,
  onUnreadable: (filename: string) => void,
): Promise<Opened> {
  const page = await listSpectra({ ...query, offset: 0, limit: MOST_FROM_CATALOGUE }, signal);
  const entries = page.spectra;
  const read = async (path: string) => {
    const { wave, flux } = await getSpectrumArrays(path, signal);
    return { wave: Float32Array.from(wave), flux: Float32Array.from(flux) };
  };
  const firsts = await Promise.allSettled(entries.slice(0, AT_ONCE).map(({ path }) => read(path)));
  const ends = firsts.flatMap((one) =>
    one.status === 'fulfilled' ? [one.value.wave[0] ?? NaN, one.value.wave.at(-1) ?? NaN] : [],
  );
  const reach = ends.filter(Number.isFinite);
  const grid = logGrid(
    reach.length > 0 ? Math.min(...reach) : 3700,
    reach.length > 0 ? Math.max(...reach) : 9100,
    GRID_POINTS,
  );
  worker.setGrid(grid, entries.length);
  const facts: LineFacts[] = [];
  const follow = async (): Promise<LineFacts[]> => {
    for (let first = 0; first < entries.length; first += AT_ONCE) {
      const batch = entries.slice(first, first + AT_ONCE);
      const answers = first === 0 ? firsts : await Promise.allSettled(batch.map(({ path }) => read(path)));
      if (signal.aborted) return facts;
      for (const [at, answer] of answers.entries()) {
        const entry = batch[at];
        if (!entry) continue;
        if (answer.status === 'rejected') {
          onUnreadable(entry.filename);
          continue;
        }
        worker.addRow(answer.value.wave, answer.value.flux);
        facts.push(entry);
      }
    }
    worker.complete();
    return facts;
  };
  return { wave: grid, total: page.total, facts: follow() };
}
