import type { z } from 'zod';
import { CataloguePage, ScanStarted, Spectrum } from '../../contracts/spectrum.ts';
import { ApiFailure, apiUrl, requestBytes, requestJson } from './http.ts';

/** A spectrum's key is its path in the archive, one encoded segment of the address. */
const spectrumPath = (path: string) => `/spectra/${encodeURIComponent(path)}`;

export function listSpectra(
  query: Record<string, string | number | undefined>,
  signal?: AbortSignal,
): Promise<CataloguePage> {
  return requestJson(CataloguePage, '/spectra', { query, signal });
}

/** Where the catalogue is as a file: `format` of the query says which. */
export function spectraTableUrl(query: Record<string, string | number | undefined>): string {
  return apiUrl('/spectra', query);
}

const SpectrumScalars = Spectrum.omit({ wave: true, flux: true });
export type SpectrumScalars = z.infer<typeof SpectrumScalars>;

/** What is known of one spectrum beside its arrays; these, thinned to two points, are not kept. */
export function getSpectrumScalars(path: string, signal?: AbortSignal): Promise<SpectrumScalars> {
  return requestJson(SpectrumScalars, spectrumPath(path), { query: { max_points: 2 }, signal });
}

export interface SpectrumArrays {
  /** Wavelength [Å]. */
  wave: Float32Array;
  flux: Float32Array;
}

/**
 * The two halves of `format=binary`: little-endian float32 wavelengths, then as many fluxes.
 * @throws ApiFailure where the length does not split into two
 */
export function decodeSpectrum(bytes: ArrayBuffer): SpectrumArrays {
  if (bytes.byteLength % 8 !== 0)
    throw new ApiFailure({
      status: 200,
      code: 'unexpected_answer',
      detail: `${bytes.byteLength} bytes do not hold two float32 arrays of one length`,
    });
  const view = new DataView(bytes);
  const count = bytes.byteLength / 8;
  const read = (offset: number) =>
    Float32Array.from({ length: count }, (_, index) => view.getFloat32(offset + 4 * index, true));
  return { wave: read(0), flux: read(4 * count) };
}

/** All pixels, or so many points that draw the same shape. */
export async function getSpectrumArrays(
  path: string,
  signal?: AbortSignal,
  maxPoints?: number,
): Promise<SpectrumArrays> {
  return decodeSpectrum(
    await requestBytes(spectrumPath(path), { query: { format: 'binary', max_points: maxPoints }, signal }),
  );
}

/** The file itself, as it is in the archive. */
export function getSpectrumFile(path: string, signal?: AbortSignal): Promise<ArrayBuffer> {
  return requestBytes(`${spectrumPath(path)}/download`, { signal });
}

export function spectrumDownloadUrl(path: string): string {
  return apiUrl(`${spectrumPath(path)}/download`);
}

/** Starts reading a directory of the archive into the catalogue. */
export function scanArchive(dir: string): Promise<z.infer<typeof ScanStarted>> {
  return requestJson(ScanStarted, '/spectra/scan', { method: 'POST', body: { dir } });
}
