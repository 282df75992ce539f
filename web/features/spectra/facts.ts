import type { SpectrumMetadata } from '../../../contracts/spectrum.ts';
import { formatBytes, formatFixed } from '../../format.ts';
import type { texts } from '../../texts.ts';

type FactKey = keyof typeof texts.spectrum.fields;

const listed = (values: readonly (number | undefined)[], digits: number) =>
  values.some((value) => value !== undefined)
    ? values.map((value) => formatFixed(value, digits)).join(', ')
    : undefined;

/** What is known of a spectrum, in reading order; what a release does not carry is left out. */
export function factsOf(
  one: SpectrumMetadata & {
    medium?: string | undefined;
    layout?: string | undefined;
    size?: number | undefined;
    path?: string | undefined;
  },
): { key: FactKey; value: string }[] {
  const number = (value: number | undefined, digits: number) =>
    value === undefined ? undefined : formatFixed(value, digits);
  const magnitudes = listed([one.mag_1, one.mag_2, one.mag_3, one.mag_4, one.mag_5, one.mag_6, one.mag_7], 2);
  const rows: [FactKey, string | undefined][] = [
    ['targetname', one.targetname],
    ['type', one.type],
    ['subtype', one.subtype],
    ['z', number(one.z, 6)],
    ['z_err', number(one.z_err, 6)],
    ['ra', number(one.ra, 6)],
    ['dec', number(one.dec, 6)],
    ['sn', listed([one.sn_u, one.sn_g, one.sn_r, one.sn_i, one.sn_z], 1)],
    ['magnitudes', magnitudes && (one.magtype ? `${magnitudes} (${one.magtype})` : magnitudes)],
    ['observed_at', one.observed_at],
    ['obsid', one.obsid],
    ['medium', one.medium],
    ['layout', one.layout],
    ['size', one.size === undefined ? undefined : formatBytes(one.size)],
    ['header_filename', one.header_filename],
    ['path', one.path],
  ];
  return rows.flatMap(([key, value]) => (value ? [{ key, value }] : []));
}
