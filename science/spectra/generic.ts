import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import type { FitsFile, Hdu } from '../fits/file.ts';
import type { Header } from '../fits/header.ts';
import { declination, present, rightAscension } from './metadata.ts';
import type { Medium } from './spectrum.ts';

/** More than any spectrograph has: beyond it a file is something else. */
export const MAX_PIXELS = 10_000_000;

/** What the headers of a spectrum of no particular survey say, the HDU's own before the primary's. */
export function genericMetadata(file: FitsFile, hdu: Hdu): SpectrumMetadata {
  const headers = headersOf(file, hdu);
  const text = (keyword: string): string | undefined => first(headers, (header) => header.text(keyword));
  return present({
    targetname: text('OBJECT'),
    observed_at: text('DATE-OBS'),
    ra: first(headers, (header) => rightAscension(header)),
    dec: first(headers, (header) => declination(header)),
    header_filename: text('FILENAME'),
  });
}

/**
 * Air or vacuum as the headers declare it: VACUUM (SDSS), AIRORVAC (SDSS, IDL), or the axis type, AWAV in air and WAVE
 * in vacuum (Greisen et al. 2006, FITS WCS paper III, table 1).
 */
export function declaredMedium(file: FitsFile, hdu: Hdu): Medium {
  const headers = headersOf(file, hdu);
  const vacuum = first(headers, (header) => header.get('VACUUM'));
  if (vacuum === true || vacuum === 1) return 'vacuum';
  if (vacuum === false || vacuum === 0) return 'air';
  const declared = first(headers, (header) => header.text('AIRORVAC'))?.toLowerCase();
  if (declared?.startsWith('air')) return 'air';
  if (declared?.startsWith('vac')) return 'vacuum';
  const axis = hdu.header.text('CTYPE1')?.toUpperCase() ?? '';
  if (/^AWAV(-|$)/.test(axis)) return 'air';
  if (/^WAVE(-|$)/.test(axis)) return 'vacuum';
  return 'unknown';
}

function headersOf(file: FitsFile, hdu: Hdu): Header[] {
  const primary = file.hdus[0];
  return primary && primary !== hdu ? [hdu.header, primary.header] : [hdu.header];
}

function first<T>(headers: Header[], value: (header: Header) => T | undefined): T | undefined {
  for (const header of headers) {
    const found = value(header);
    if (found !== undefined && found !== null) return found;
  }
  return undefined;
}
