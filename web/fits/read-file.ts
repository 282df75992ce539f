import { MAX_SPECTRUM_BYTES } from '../../contracts/limits.ts';
import type { SpectrumHeader, SpectrumMetadata } from '../../contracts/spectrum.ts';
import { FitsError } from '../../science/fits/error.ts';
import { fluxUnit } from '../../science/spectra/flux-unit.ts';
import { readHeaders, readSpectrum } from '../../science/spectra/read-spectrum.ts';
import type { Medium } from '../../science/spectra/spectrum.ts';

/** One arm of a spectrum, all arrays of one length. */
export interface ArmArrays {
  name: string;
  /** [Å], rising. */
  wave: Float64Array<ArrayBuffer>;
  flux: Float64Array<ArrayBuffer>;
  /** Inverse variance; absent where the file has none. */
  ivar: Float64Array<ArrayBuffer> | undefined;
  /** 1 where the file, or its values, say that a pixel is bad. */
  bad: Uint8Array<ArrayBuffer>;
}

/** What a FITS file holds, read in the browser by the readers that preprocessing uses. */
export interface FileContents {
  headers: SpectrumHeader['hdus'];
  /** Or why there is none. */
  spectrum:
    | {
        layout: string;
        medium: Medium;
        arms: ArmArrays[];
        metadata: SpectrumMetadata;
        /** As FITS writes it; undefined where the file names none. */
        fluxUnit: string | undefined;
      }
    | { unreadableReason: string };
}

/** @throws FitsError `too-large`, `truncated` or `garbled` */
async function unpacked(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new FitsError('garbled', 'the gzip data are damaged, or end too early');
    });
    if (done) break;
    length += value.length;
    if (length > MAX_SPECTRUM_BYTES) {
      await reader.cancel();
      throw new FitsError('too-large', `larger than ${MAX_SPECTRUM_BYTES / 1024 / 1024} MiB unpacked`);
    }
    parts.push(value);
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * Reads a FITS file, packed by gzip or not.
 * @throws FitsError where not even its headers can be read
 */
export async function readFile(packed: ArrayBuffer): Promise<FileContents> {
  if (packed.byteLength > MAX_SPECTRUM_BYTES)
    throw new FitsError('too-large', `larger than ${MAX_SPECTRUM_BYTES / 1024 / 1024} MiB`);
  const bytes = await unpacked(new Uint8Array(packed));
  const headers = readHeaders(bytes);
  try {
    const { layout, medium, arms, metadata } = readSpectrum(bytes);
    return {
      headers,
      spectrum: {
        layout,
        medium,
        metadata,
        fluxUnit: fluxUnit(headers),
        arms: arms.map(({ name, wavelengthAngstrom, flux, ivar, bad }) => ({
          name,
          wave: Float64Array.from(wavelengthAngstrom),
          flux: Float64Array.from(flux),
          ivar: ivar && Float64Array.from(ivar),
          bad: Uint8Array.from(bad),
        })),
      },
    };
  } catch (error) {
    if (error instanceof FitsError) return { headers, spectrum: { unreadableReason: error.message } };
    throw error;
  }
}
