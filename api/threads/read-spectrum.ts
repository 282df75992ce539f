import type { Spectrum } from '../../contracts/spectrum.ts';
import { catalogueRow, type CataloguedFile } from '../../db/catalogue-row.ts';
import { FitsError } from '../../science/fits/error.ts';
import { type Curve, joinArms } from '../../science/spectra/curve.ts';
import { downsample } from '../../science/spectra/downsample.ts';
import { readSpectrum } from '../../science/spectra/read-spectrum.ts';
import { catalogueEntry } from '../catalogue-entry.ts';

export interface ReadSpectrumTask {
  file: CataloguedFile;
  bytes: Uint8Array;
  format: 'json' | 'binary';
  maxPoints?: number;
}

/** The answer's body; or why the file is no spectrum. */
export type ReadSpectrumResult = Uint8Array | { unreadableReason: string };

/** A spectrum as the API sends it (API.md section 2). */
export default function readSpectrumForAnswer(task: ReadSpectrumTask): ReadSpectrumResult {
  try {
    const spectrum = readSpectrum(task.bytes);
    const whole = joinArms(spectrum.arms);
    const curve = task.maxPoints === undefined ? whole : downsample(whole, task.maxPoints);
    const entry = catalogueEntry(catalogueRow(task.file, spectrum));
    return task.format === 'binary' ? binary(curve) : json({ ...entry, medium: spectrum.medium }, curve);
  } catch (error) {
    if (error instanceof FitsError) return { unreadableReason: error.message };
    throw error;
  }
}

function json(fields: Omit<Spectrum, 'wave' | 'flux'>, { wave, flux }: Curve): Uint8Array {
  // What is not finite is null in JSON.
  return new TextEncoder().encode(JSON.stringify({ ...fields, wave: [...wave], flux: [...flux] }));
}

/** Little-endian float32: all of wave, then all of flux. */
function binary({ wave, flux }: Curve): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * (wave.length + flux.length)));
  wave.forEach((value, index) => bytes.setFloat32(4 * index, value, true));
  flux.forEach((value, index) => bytes.setFloat32(4 * (wave.length + index), value, true));
  return new Uint8Array(bytes.buffer);
}
