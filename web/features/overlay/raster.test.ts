import { describe, expect, it } from 'vitest';
import { fluxRangeOf, linesNear, pointBefore, Raster, type Spectra } from './raster.ts';

/** Rows over wavelengths 0, 1, 2 … */
function spectraOf(...rows: number[][]): Spectra {
  return {
    fluxes: Float32Array.from(rows.flat()),
    wave: Float64Array.from({ length: rows[0]?.length ?? 0 }, (_, index) => index),
  };
}
/** Counts as rows of the picture, the top one first. */
function picture(raster: Raster): number[][] {
  const { counts } = raster.counts();
  return Array.from({ length: raster.height }, (_, row) =>
    Array.from(counts.subarray(row * raster.width, (row + 1) * raster.width)),
  );
}
const whole = { xMin: 0, xMax: 4, yMin: 0, yMax: 4 };

describe('Raster', () => {
  it('draws a rising line, column beside column', () => {
    const raster = new Raster(spectraOf([0, 1, 2, 3, 4]), whole, 4, 4);
    raster.add(0, 1);
    expect(picture(raster)).toEqual([
      [0, 0, 0, 1],
      [0, 0, 1, 1],
      [0, 1, 1, 0],
      [1, 1, 0, 0],
    ]);
  });

  it('counts the lines over a pixel, whether they are added at once or one after the other', () => {
    const spectra = spectraOf([1.5, 1.5, 1.5], [1.5, 1.5, 1.5], [1.5, 3.5, 1.5]);
    const view = { xMin: 0, xMax: 2, yMin: 0, yMax: 4 };
    const once = new Raster(spectra, view, 2, 4);
    once.add(0, 3);
    const twice = new Raster(spectra, view, 2, 4);
    twice.add(0, 1);
    twice.add(1, 3);
    expect(picture(once)).toEqual([
      [1, 1],
      [1, 1],
      [3, 3],
      [0, 0],
    ]);
    expect(twice.counts()).toEqual(once.counts());
    expect(once.counts().most).toBe(3);
  });

  it('loses no narrow line, however many points a column has', () => {
    const flat = Array.from({ length: 1001 }, (_, index) => (index === 517 ? 3.9 : 0.5));
    const raster = new Raster(spectraOf(flat), { xMin: 0, xMax: 1000, yMin: 0, yMax: 4 }, 10, 4);
    raster.add(0, 1);
    expect(picture(raster).map((row) => row[5])).toEqual([1, 1, 1, 1]);
    expect(picture(raster)[0]).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  });

  it('draws straight lines between points that lie pixels apart', () => {
    const raster = new Raster(spectraOf([0, 4]), { xMin: 0, xMax: 1, yMin: 0, yMax: 4 }, 8, 4);
    raster.add(0, 1);
    // Half a row of pixels a column; a value on the border of two rows is in the lower one.
    expect(picture(raster)).toEqual([
      [0, 0, 0, 0, 0, 0, 1, 1],
      [0, 0, 0, 0, 1, 1, 1, 0],
      [0, 0, 1, 1, 1, 0, 0, 0],
      [1, 1, 1, 0, 0, 0, 0, 0],
    ]);
  });

  it('leaves gaps, what lies outside, and hidden rows undrawn', () => {
    const spectra = spectraOf([1.5, NaN, 1.5, 1.5, 1.5], [9, 9, 9, 9, 9], [3, 3, 3, 3, 3]);
    const raster = new Raster(spectra, { xMin: -1, xMax: 5, yMin: 0, yMax: 4 }, 6, 4);
    raster.add(0, 3, Uint8Array.of(0, 0, 1));
    // One column a step of wavelength: nothing before 0, nothing after 4, and at 1 only what its neighbours reach.
    expect(picture(raster)[3]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(picture(raster)[2]).toEqual([0, 1, 1, 1, 1, 0]);
    expect(picture(raster)[0]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('agrees with drawing each line by itself, on grids of any spacing', () => {
    const points = 300;
    const wave = Float64Array.from({ length: points }, (_, index) => 3700 * 1.003 ** index);
    const fluxes = Float32Array.from(
      { length: 20 * points },
      (_, index) => Math.sin(index * 1.7) + Math.cos(index / 90),
    );
    const view = { xMin: 4000, xMax: 8000, yMin: -1.5, yMax: 1.5 };
    const together = new Raster({ fluxes, wave }, view, 200, 60);
    together.add(0, 20);
    const sum = new Uint32Array(200 * 60);
    for (let row = 0; row < 20; row += 1) {
      const alone = new Raster(
        { fluxes: fluxes.subarray(row * points, (row + 1) * points), wave },
        view,
        200,
        60,
      );
      alone.add(0, 1);
      alone.counts().counts.forEach((count, index) => (sum[index] = (sum[index] ?? 0) + count));
    }
    expect(together.counts().counts).toEqual(sum);
    for (let column = 0; column < 200; column += 1) {
      let drawn = 0;
      for (let pixel = column; pixel < sum.length; pixel += 200) drawn = Math.max(drawn, sum[pixel] ?? 0);
      expect(drawn).toBeGreaterThan(0);
    }
  });
});

it('finds the point before a wavelength', () => {
  const wave = Float64Array.of(10, 20, 40);
  expect([5, 10, 19, 20, 39, 40, 99].map((x) => pointBefore(wave, x))).toEqual([0, 0, 0, 1, 1, 1, 1]);
});

describe('linesNear', () => {
  const spectra = spectraOf([1, 1, 1, 1, 1], [3, 3, 3, 3, 3], [0, 4, 0, 4, 0]);
  const near = (x: number, y: number, options: { reach?: number; hidden?: Uint8Array } = {}) =>
    linesNear(
      spectra,
      whole,
      { width: 400, height: 400 },
      { x, y },
      { rows: 3, reach: 10, most: 5, ...options },
    ).map(({ row }) => row);
  it('tells whose line is at a place, the nearest first', () => {
    expect(near(5, 300)).toEqual([0]);
    expect(near(5, 105)).toEqual([1]);
    expect(near(5, 200)).toEqual([]);
    expect(near(50, 200, { reach: 150 })).toEqual([2, 0, 1]);
  });
  it('finds a steep line beside it', () => {
    expect(near(51, 200)).toEqual([2]);
  });
  it('passes over hidden lines, and asks nothing beyond the grid', () => {
    expect(near(5, 300, { hidden: Uint8Array.of(1, 0, 0) })).toEqual([]);
    expect(
      linesNear(
        spectra,
        { ...whole, xMax: 40 },
        { width: 400, height: 400 },
        { x: 300, y: 300 },
        {
          rows: 3,
          reach: 400,
          most: 5,
        },
      ),
    ).toEqual([]);
  });
});

describe('fluxRangeOf', () => {
  it('shows everything where nothing lies far out', () => {
    const values = Float32Array.from({ length: 1001 }, (_, index) => index / 500 - 1);
    expect(fluxRangeOf(values, values.length)).toEqual({
      min: expect.closeTo(-1.06),
      max: expect.closeTo(1.06),
    });
  });
  it('is not flattened by a cosmic ray', () => {
    const values = Float32Array.from({ length: 10_000 }, (_, index) => (index === 7 ? 1e6 : Math.sin(index)));
    expect(fluxRangeOf(values, values.length).max).toBeLessThan(2);
  });
  it('has an answer for nothing and for one value', () => {
    expect(fluxRangeOf(Float32Array.of(NaN), 1)).toEqual({ min: -1, max: 1 });
    expect(fluxRangeOf(Float32Array.of(3, 3), 2)).toEqual({ min: 2.5, max: 3.5 });
  });
});
