import { describe, expect, it } from 'vitest';
import { rawOverGrid, toRestFrame } from './raw-overlay.ts';

describe('rawOverGrid', () => {
  const raw = { x: [1, 2, 3, 4, 5], y: [9, 0, 10, 20, 9] };
  it('keeps the pixels within the grid, ends included, gaps too', () => {
    expect(rawOverGrid({ x: [1, 2, 3, 4], y: [7, 1, null, 3] }, [2, 4], 'none')).toEqual({
      x: [2, 3, 4],
      y: [1, null, 3],
    });
  });
  it('scales by the extremes at the grid points', () => {
    expect(rawOverGrid(raw, [2, 3, 4], 'minmax').y).toEqual([-1, 0, 1]);
    expect(rawOverGrid(raw, [2, 4], 'minmax01').y).toEqual([0, 0.5, 1]);
  });
  it('lets a pixel between grid points reach beyond, as it does in the file', () => {
    expect(rawOverGrid({ x: [0, 1, 2], y: [0, 100, 10] }, [0, 2], 'minmax').y).toEqual([-1, 19, 1]);
  });
  it('interpolates where a grid point lies between pixels', () => {
    expect(rawOverGrid({ x: [0, 2, 4], y: [0, 4, 0] }, [1, 2, 3], 'minmax')).toEqual({ x: [2], y: [1] });
  });
  it('scales to mean 0 and deviation 1 at the grid points', () => {
    expect(rawOverGrid({ x: [0, 1], y: [1, 3] }, [0, 1], 'zscore').y).toEqual([-1, 1]);
  });
  it('divides by the median at the grid points where the row is divided by its continuum', () => {
    expect(rawOverGrid(raw, [2, 3, 4], 'continuum').y).toEqual([0, 1, 2]);
  });
  it('makes 0 of a constant and leaves alone what does not reach the grid', () => {
    expect(rawOverGrid({ x: [0, 1], y: [5, 5] }, [0, 1], 'minmax').y).toEqual([0, 0]);
    expect(rawOverGrid({ x: [0, 1], y: [5, 6] }, [10, 11], 'minmax')).toEqual({ x: [], y: [] });
    expect(rawOverGrid({ x: [], y: [] }, [10, 11], 'minmax')).toEqual({ x: [], y: [] });
  });
});

describe('toRestFrame', () => {
  it('divides wavelengths by 1 + z and leaves the flux', () => {
    expect(toRestFrame({ x: [6000, 9000], y: [1, null] }, 0.5)).toEqual({ x: [4000, 6000], y: [1, null] });
  });
});
