import { SpectraFilePage, type SpectraFileRow } from '../../contracts/spectra-file.ts';
import { apiUrl, requestBytes, requestJson } from './http.ts';

const ROWS_A_PAGE = 10_000;

/** A file of the store by its parts. */
export interface StoreFile {
  parentPath: string;
  name: string;
}
const path = (file: StoreFile, what: 'spectra' | 'fluxes') =>
  `/files/${encodeURIComponent(file.name)}/${what}`;

/** The grid of an HDF5 file of spectra, and how many there are; no rows. */
export function getSpectraFile(file: StoreFile, signal?: AbortSignal): Promise<SpectraFilePage> {
  return requestJson(SpectraFilePage, path(file, 'spectra'), {
    query: { parent_dir_path: file.parentPath, limit: 0 },
    signal,
  });
}

/** What the file says of some of its rows. */
export async function getSpectraFileRows(
  file: StoreFile,
  { offset, limit }: { offset: number; limit: number },
  signal?: AbortSignal,
): Promise<SpectraFileRow[]> {
  const rows: SpectraFileRow[] = [];
  while (rows.length < limit) {
    const page = await requestJson(SpectraFilePage, path(file, 'spectra'), {
      query: {
        parent_dir_path: file.parentPath,
        offset: offset + rows.length,
        limit: Math.min(ROWS_A_PAGE, limit - rows.length),
      },
      signal,
    });
    if (page.spectra.length === 0) break;
    rows.push(...page.spectra);
  }
  return rows;
}

/** The row of a spectrum, by its path in the archive or its file name, with the file's grid [Å]; undefined for none. */
export async function findSpectrumInFile(
  file: StoreFile,
  name: string,
  signal?: AbortSignal,
): Promise<{ wave: number[]; flux: Float32Array } | undefined> {
  const page = await requestJson(SpectraFilePage, path(file, 'spectra'), {
    query: { parent_dir_path: file.parentPath, name },
    signal,
  });
  const [row] = page.spectra;
  if (!row) return undefined;
  const bytes = await requestBytes(path(file, 'fluxes'), {
    query: { parent_dir_path: file.parentPath, offset: row.index, limit: 1 },
    signal,
  });
  return { wave: page.wave, flux: new Float32Array(bytes) };
}

/** Where the fluxes of some rows are: little-endian float32, row by row. */
export function fluxesUrl(file: StoreFile, { offset, limit }: { offset: number; limit: number }): string {
  return apiUrl(path(file, 'fluxes'), { parent_dir_path: file.parentPath, offset, limit });
}
