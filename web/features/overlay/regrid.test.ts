import { expect, it } from 'vitest';
import { logGrid, medianOf, regrid } from './regrid.ts';

it('puts a spectrum on a grid, over its median, with NaN where it has nothing', () => {
  const into = new Float32Array(6);
  regrid(
    Float32Array.of(10, 20, 30, 40),
    Float32Array.of(2, 4, NaN, 4),
    Float64Array.of(5, 10, 15, 25, 40, 50),
    into,
  );
  expect(Array.from(into)).toEqual([NaN, 0.5, 0.75, NaN, 1, NaN]);
});

it('takes medians over what is finite', () => {
  expect(medianOf([3, NaN, 1, 2])).toBe(2);
  expect(medianOf([NaN])).toBeNaN();
});

it('makes grids of equal ratios', () => {
  const grid = logGrid(1000, 4000, 3);
  expect(Array.from(grid, Math.round)).toEqual([1000, 2000, 4000]);
});
