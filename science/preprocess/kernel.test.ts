import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { middleInPlace } from './median.ts';
import { scaleInKernel, scaleRow } from './scaling.ts';
import { KERNEL_SOURCE_SHA256 } from '../kernel/kernel-wasm.ts';
import { Kernel } from './kernel.ts';

/** Numbers from 0 to 1, the same each time (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

it('was compiled from the kernel.as that stands here (npm run build:kernel)', async () => {
  const source = await readFile(new URL('../kernel/kernel.as', import.meta.url));
  expect(createHash('sha256').update(source).digest('hex')).toBe(KERNEL_SOURCE_SHA256);
});

describe('gives what the JavaScript gives', () => {
  it.each([1, 2, 15, 16, 17, 33, 1000, 16_384])('runs of bad ones among %i pixels', (pixels) => {
    const next = random(pixels);
    const kernel = new Kernel(2, 1);
    for (const share of [0, 0.02, 0.5, 1]) {
      for (let i = 0; i < pixels; i++) kernel.bad[i] = next() < share ? 1 : 0;
      const from = pixels > 20 ? 3 : 0;
      const runs: number[] = [];
      for (let i = from; i < pixels; i++) {
        if (!kernel.bad[i]) continue;
        if (i > from && kernel.bad[i - 1]) runs[runs.length - 1] = i;
        else runs.push(i, i);
      }
      expect([...kernel.badRuns(from, pixels)]).toEqual(runs);
    }
  });

  it.each([1, 2, 15, 16, 17, 1000, 3473, 16_384])('quality of %i pixels', (pixels) => {
    const next = random(pixels);
    const kernel = new Kernel(2, 1);
    const good: number[] = [];
    let longest = 0;
    let run = 0;
    for (let i = 0; i < pixels; i++) {
      const [flux, ivar, bad] = [50 * (next() - 0.2) ** 3, next(), next() < 0.2 ? 1 : 0];
      kernel.flux[i] = flux;
      kernel.ivar[i] = ivar;
      kernel.bad[i] = bad;
      run = bad ? run + 1 : 0;
      longest = Math.max(longest, run);
      if (!bad) good.push(Math.abs(flux) * flux * ivar);
    }
    const { longestGap, squares, middle } = kernel.quality(0, pixels);
    expect(longestGap).toBe(longest);
    expect(middle ?? middleInPlace(squares, squares.length)).toEqual(
      middleInPlace(Float64Array.from(good), good.length),
    );
  });

  it.each([
    ['equal values', () => 7],
    ['two values', (i: number) => i % 2],
    ['an outlier', (i: number) => (i === 5 ? 1e200 : i % 100)],
    ['infinity', (i: number) => (i === 5 ? Infinity : i % 100)],
  ])('the middle of %s, or leaves it to the caller', (_, flux) => {
    const kernel = new Kernel(2, 1);
    kernel.ivar.fill(1);
    for (let i = 0; i < 999; i++) kernel.flux[i] = flux(i);
    const expected = Float64Array.from({ length: 999 }, (_value, i) => flux(i) ** 2).sort()[499];
    const { squares, middle } = kernel.quality(0, 999);
    expect((middle ?? middleInPlace(squares, squares.length))[0]).toBe(expected);
  });

  it.each([2, 3, 140, 3701])('scaling of %i values, those without a number left out', (points) => {
    const next = random(points);
    const kernel = new Kernel(points, 1);
    for (let i = 0; i < points; i++) kernel.values[i] = i % 7 === 3 ? NaN : next() * 1e3 - 200;
    for (const scaling of ['minmax', 'minmax01'] as const) {
      const [row, expected] = [new Float32Array(points), new Float32Array(points)];
      expect(scaleInKernel(kernel, scaling, row)).toBe(scaleRow(kernel.values, scaling, expected));
      expect(row).toEqual(expected);
    }
    kernel.values.fill(5);
    const row = new Float32Array(points).fill(1);
    expect(scaleInKernel(kernel, 'minmax', row)).toBe(true);
    expect(row).toEqual(new Float32Array(points));
  });
});
