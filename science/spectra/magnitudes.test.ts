import { expect, it } from 'vitest';
import { PHOTOMETRIC_BANDS } from '../../contracts/cuts.ts';
import { magnitudeOf } from './magnitudes.ts';

/** MAGTYPE as it occurs in LAMOST's releases, and the bands that it has. */
it.each([
  ['ugrizjh', [1, 2, 3, 4, 5]],
  ['ugriz', [1, 2, 3, 4, 5]],
  ['ugrizFuvUv', [1, 2, 3, 4, 5]],
  ['gri', [NaN, 1, 2, 3, NaN]],
  ['grizy', [NaN, 1, 2, 3, 4]],
  ['gribvjh', [NaN, 1, 2, 3, NaN]],
  ['ugrijhk', [1, 2, 3, 4, NaN]],
  ['g', [NaN, 1, NaN, NaN, NaN]],
  ['gbprp', [NaN, NaN, NaN, NaN, NaN]],
  ['V', [NaN, NaN, NaN, NaN, NaN]],
  ['Kp', [NaN, NaN, NaN, NaN, NaN]],
  ['fibermagr', [NaN, NaN, NaN, NaN, NaN]],
  [undefined, [NaN, NaN, NaN, NaN, NaN]],
])('finds the bands of MAGTYPE %s', (magtype, expected) => {
  const metadata = { magtype, mag_1: 1, mag_2: 2, mag_3: 3, mag_4: 4, mag_5: 5, mag_6: 6, mag_7: 7 };
  expect(PHOTOMETRIC_BANDS.map((band) => magnitudeOf(metadata, band) ?? NaN)).toEqual(expected);
});

it('has no magnitude where the file has none', () => {
  expect(magnitudeOf({ magtype: 'gri', mag_1: 17 }, 'r')).toBe(undefined);
});
