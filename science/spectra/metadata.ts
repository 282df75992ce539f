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
  const text = degrees === undefined ? header.text(keyword) : undefined;
  if (text !== undefined) {
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

/** Metadata without the keys whose value is undefined. Key by key: a loop over the keys takes ten times as long. */
export function present(metadata: SpectrumMetadata): SpectrumMetadata {
  const found: SpectrumMetadata = {};
  if (metadata.targetname !== undefined) found.targetname = metadata.targetname;
  if (metadata.observed_at !== undefined) found.observed_at = metadata.observed_at;
  if (metadata.type !== undefined) found.type = metadata.type;
  if (metadata.subtype !== undefined) found.subtype = metadata.subtype;
  if (metadata.ra !== undefined) found.ra = metadata.ra;
  if (metadata.dec !== undefined) found.dec = metadata.dec;
  if (metadata.magtype !== undefined) found.magtype = metadata.magtype;
  if (metadata.mag_1 !== undefined) found.mag_1 = metadata.mag_1;
  if (metadata.mag_2 !== undefined) found.mag_2 = metadata.mag_2;
  if (metadata.mag_3 !== undefined) found.mag_3 = metadata.mag_3;
  if (metadata.mag_4 !== undefined) found.mag_4 = metadata.mag_4;
  if (metadata.mag_5 !== undefined) found.mag_5 = metadata.mag_5;
  if (metadata.mag_6 !== undefined) found.mag_6 = metadata.mag_6;
  if (metadata.mag_7 !== undefined) found.mag_7 = metadata.mag_7;
  if (metadata.sn_u !== undefined) found.sn_u = metadata.sn_u;
  if (metadata.sn_g !== undefined) found.sn_g = metadata.sn_g;
  if (metadata.sn_r !== undefined) found.sn_r = metadata.sn_r;
  if (metadata.sn_i !== undefined) found.sn_i = metadata.sn_i;
  if (metadata.sn_z !== undefined) found.sn_z = metadata.sn_z;
  if (metadata.z !== undefined) found.z = metadata.z;
  if (metadata.z_err !== undefined) found.z_err = metadata.z_err;
  if (metadata.obsid !== undefined) found.obsid = metadata.obsid;
  if (metadata.header_filename !== undefined) found.header_filename = metadata.header_filename;
  return found;
}
