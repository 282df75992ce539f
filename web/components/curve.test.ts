import { describe, expect, it } from 'vitest';
import { curveOf, extentOf, nextPoint, panRange, zoomRange } from './curve.ts';

describe('curveOf', () => {
  it('makes gaps of what is not finite and leaves out pixels without a wavelength', () => {
    expect(curveOf([1, Number.NaN, 3, 4], new Float32Array([1, 2, Number.NaN, Infinity]))).toEqual({
      x: [1, 3, 4],
      y: [1, null, null],
    });
    expect(curveOf([1, null], [null, 2])).toEqual({ x: [1], y: [null] });
  });
  it('sorts arms that are stored out of order', () => {
    expect(curveOf([6300, 6301, 4950], [1, 2, 3])).toEqual({ x: [4950, 6300, 6301], y: [3, 1, 2] });
  });
});

describe('extentOf', () => {
  it('spans all curves', () => {
    expect(
      extentOf([
        { x: [2, 3], y: [0, 0] },
        { x: [1], y: [0] },
      ]),
    ).toEqual({ min: 1, max: 3 });
    expect(extentOf([{ x: [], y: [] }])).toBeUndefined();
    expect(extentOf([{ x: [5], y: [0] }])).toEqual({ min: 4.5, max: 5.5 });
  });
});

describe('zoom and pan', () => {
  const bounds = { min: 0, max: 100 };
  it('keeps the wavelength under the pointer where it is', () => {
    expect(zoomRange({ min: 0, max: 100 }, 0.5, 25, bounds)).toEqual({ min: 12.5, max: 62.5 });
  });
  it('stays within the data', () => {
    expect(zoomRange({ min: 40, max: 60 }, 10, 50, bounds)).toEqual(bounds);
    expect(zoomRange({ min: 0, max: 20 }, 2, 20, bounds)).toEqual({ min: 0, max: 40 });
    expect(panRange({ min: 70, max: 90 }, 1, bounds)).toEqual({ min: 80, max: 100 });
    expect(panRange({ min: 10, max: 20 }, -0.5, bounds)).toEqual({ min: 5, max: 15 });
  });
  it('does not zoom in without end', () => {
    const range = zoomRange({ min: 50, max: 50.01 }, 0.1, 50, bounds);
    expect(range.max - range.min).toBeCloseTo(0.01, 9);
  });
});

describe('nextPoint', () => {
  it('steps over gaps', () => {
    const curve = { x: [1, 2, 3, 4], y: [1, null, null, 4] };
    expect(nextPoint(curve, 1, 1)).toBe(3);
    expect(nextPoint(curve, 2, -1)).toBe(0);
    expect(nextPoint({ x: [1], y: [null] }, 0, 1)).toBeUndefined();
  });
});
