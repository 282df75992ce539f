import { describe, expect, it } from 'vitest';
import { scaleRaw, windowOf } from './raw-overlay.ts';

describe('windowOf', () => {
  it('keeps the pixels of the grid range, ends included', () => {
    expect(windowOf({ x: [1, 2, 3, 4], y: [10, null, 30, 40] }, 2, 3)).toEqual({ x: [2, 3], y: [null, 30] });
  });
});

describe('scaleRaw', () => {
  const flux = [2, null, 4, 10];
  it('scales to [-1, 1] and [0, 1] by the extremes of the window', () => {
    expect(scaleRaw(flux, 'minmax')).toEqual([-1, null, -0.5, 1]);
    expect(scaleRaw(flux, 'minmax01')).toEqual([0, null, 0.25, 1]);
  });
  it('scales to mean 0 and deviation 1', () => {
    const scaled = scaleRaw([1, 3, null], 'zscore');
    expect(scaled).toEqual([-1, 1, null]);
  });
  it('leaves fluxes alone where the job did', () => expect(scaleRaw(flux, 'none')).toEqual(flux));
  it('makes 0 of a constant and survives a window without data', () => {
    expect(scaleRaw([5, 5], 'minmax')).toEqual([0, 0]);
    expect(scaleRaw([null], 'zscore')).toEqual([null]);
    expect(scaleRaw([], 'minmax')).toEqual([]);
  });
});
