import { describe, expect, it } from 'vitest';
import { badShades, errorBand, pixelsCsv, pixelsOf } from './pixels.ts';

const blue = { wave: [1, 2, 3], flux: [10, NaN, 30], ivar: [4, 0, 0.25], bad: [0, 1, 0] };
const red = { wave: [7, 8], flux: [70, 80], ivar: undefined, bad: [1, 1] };

describe('pixelsOf', () => {
  it('joins arms in order of wavelength, with a gap between them', () => {
    expect(pixelsOf([red, blue])).toEqual({
      curve: { x: [1, 2, 3, 5, 7, 8], y: [10, null, 30, null, 70, 80] },
      sigma: [0.5, null, 2, null, null, null],
      isBad: [false, true, false, false, true, true],
    });
  });
  it('sorts the pixels of arms that overlap', () => {
    const { curve, isBad } = pixelsOf([blue, { ...red, wave: [2.5, 9] }]);
    expect(curve.x).toEqual([1, 2, 2.5, 2.75, 3, 9]);
    expect(curve.y).toEqual([10, null, 70, null, 30, 80]);
    expect(isBad).toEqual([false, true, true, false, false, true]);
  });
});

it('draws errors where they are known', () => {
  const { curve, sigma } = pixelsOf([blue]);
  expect(errorBand(curve, sigma)).toEqual({ x: [1, 2, 3], low: [9.5, null, 28], high: [10.5, null, 32] });
  expect(errorBand({ x: [1], y: [2] }, [null])).toBeUndefined();
});

it('shades runs of bad pixels to half-way to their neighbours', () => {
  expect(badShades(pixelsOf([blue, red]))).toEqual([
    { from: 1.5, to: 2.5, kind: 'bad' },
    { from: 6, to: 8, kind: 'bad' },
  ]);
});

it('writes what is drawn as CSV', () => {
  const pixels = pixelsOf([blue]);
  expect(pixelsCsv(pixels, { x: [1, 2, 3], y: [11, null, 29] }).split('\r\n')).toEqual([
    'wavelength_angstrom,flux,flux_error,bad,flux_smoothed',
    '1,10,0.5,0,11',
    '2,,,1,',
    '3,30,2,0,29',
    '',
  ]);
});
