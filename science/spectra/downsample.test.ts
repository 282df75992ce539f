import { describe, expect, it } from 'vitest';
import { downsample } from './downsample.ts';

const curve = (flux: number[]) => ({
  wave: Float64Array.from(flux, (_, index) => 4000 + index),
  flux: Float64Array.from(flux),
});
/** A continuum with one narrow emission and one narrow absorption line. */
const lines = Array.from({ length: 3909 }, (_, i) =>
  i === 1234 ? 500 : i === 2500 ? -80 : Math.sin(i / 200),
);

describe('downsample', () => {
  it('leaves a curve that is short enough as it is', () => {
    const short = curve([1, 2, 3]);
    expect(downsample(short, 3)).toBe(short);
  });

  it.each([2, 3, 4, 5, 10, 100, 1000, 3908])(
    'gives at most %i points, in order, with both lines',
    (maxPoints) => {
      const { wave, flux } = downsample(curve(lines), maxPoints);
      expect(flux.length).toBeLessThanOrEqual(maxPoints);
      expect(flux.length).toBeGreaterThan(maxPoints / 2);
      expect(wave[flux.indexOf(500)]).toBe(4000 + 1234);
      expect(wave[flux.indexOf(-80)]).toBe(4000 + 2500);
      expect(wave).toEqual(wave.toSorted());
      expect(new Set(wave).size).toBe(wave.length);
    },
  );

  it('keeps both ends', () => {
    const { wave } = downsample(curve(lines), 50);
    expect([wave.at(0), wave.at(-1)]).toEqual([4000, 4000 + 3908]);
  });

  it.each([8, 100, 1000])('keeps a one-point gap in %i points', (maxPoints) => {
    const { wave, flux } = downsample(curve(lines.with(2000, Number.NaN)), maxPoints);
    expect(flux.length).toBeLessThanOrEqual(maxPoints);
    expect(wave[flux.findIndex(Number.isNaN)]).toBe(4000 + 2000);
    expect(flux).toContain(500);
  });

  it('makes gaps of a curve without a finite point', () => {
    const { flux } = downsample(curve(Array.from({ length: 100 }, () => Number.NaN)), 10);
    expect(flux.length).toBeGreaterThan(0);
    expect(flux.every(Number.isNaN)).toBe(true);
  });
});
