import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import type { Header } from '../fits/header.ts';

/** What surveys write for "not measured"; 99 only among magnitudes and redshifts, a signal-to-noise ratio may be 99. */
const MISSING = new Set([-999, -9999]);

/** A number that was measured, or `undefined`. */
export function measured(value: number | undefined): number | undefined {
  return value === undefined || !Number.isFinite(value) || MISSING.has(value) ? undefined : value;
}

/** Like `measured`, for magnitudes and redshifts, where 99 is no value either. */
export function measuredUnless99(value: number | undefined): number | undefined {
  return value === 99 || value === -99 ? undefined : measured(value);
}

const SEXAGESIMAL = /^([+-]?)\s*(\d{1,3})[: hd]+(\d{1,2})(?:[: m']+(\d{1,2}(?:\.\d*)?))?[s"]?$/;

/** Degrees of a coordinate card: a number in degrees, or sexagesimal text whose first field counts `degreesPerUnit`. */
function coordinate(
  header: Header,
  keyword: string,
  degreesPerUnit: number,
  [least, most]: [number, number],
): number | undefined {
  let degrees = header.number(keyword);
  const text = header.text(keyword);
  if (degrees === undefined && text !== undefined) {
    const match = SEXAGESIMAL.exec(text);
    if (!match) return undefined;
    const [, sign, units, minutes, seconds] = match;
    const size = Number(units) + Number(minutes) / 60 + Number(seconds ?? 0) / 3600;
    degrees = (sign === '-' ? -size : size) * degreesPerUnit;
  }
  return degrees !== undefined && degrees >= least && degrees <= most ? degrees : undefined;
}

/** Right ascension [deg]; text is in hours. */
export function rightAscension(header: Header): number | undefined {
  return coordinate(header, 'RA', 15, [0, 360]);
}

/** Declination [deg]. */
export function declination(header: Header): number | undefined {
  return coordinate(header, 'DEC', 1, [-90, 90]);
}

/** Metadata without the keys whose value is undefined. */
export function present(metadata: SpectrumMetadata): SpectrumMetadata {
  return Object.fromEntries(Object.entries(metadata).filter(([, value]) => value !== undefined));
}
