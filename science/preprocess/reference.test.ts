import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import { readSpectrum } from '../spectra/read-spectrum.ts';
import { planPreprocessing, preprocessSpectrum } from './preprocess-spectrum.ts';

// reference/make-reference.py computed the expected rows with astropy and numpy on the same files.
const reference = new URL('./reference/', import.meta.url);
const paths = z.array(z.string()).parse(JSON.parse(readFileSync(new URL('paths.json', reference), 'utf8')));
const POINTS = 140;
const TOLERANCE = 1e-5;

function expectedRows(name: string): Float32Array[] {
  const bytes = readFileSync(new URL(name, reference));
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return paths.map((_, i) => all.subarray(i * POINTS, (i + 1) * POINTS));
}
function preprocess(path: string, badPixels: 'keep' | 'interpolate') {
  const plan = planPreprocessing(
    PreprocessingConfig.parse({
      data_dir_path: '/',
      wave_start_point: 6519,
      wave_end_point: 6732,
      wave_point_count: POINTS,
      bad_pixels: badPixels,
      min_coverage: 0,
    }),
  );
  const row = new Float32Array(POINTS);
  const raw = readSpectrum(readFileSync(new URL(`../../samples/spectra/${path}`, import.meta.url)));
  return { row, result: preprocessSpectrum(raw, plan, row) };
}
const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? NaN))), 0);

describe('on every sample spectrum', () => {
  it('equals numpy.interp with every pixel kept', () => {
    const expected = expectedRows('keep.f32');
    expect(expected.length).toBeGreaterThanOrEqual(60);
    const differences = paths.map((path, i) =>
      largestDifference(preprocess(path, 'keep').row, expected[i] ?? new Float32Array()),
    );
    expect(Math.max(...differences)).toBeLessThan(TOLERANCE);
  });

  it('equals numpy.interp over the good pixels, where no gap is too long to be bridged', () => {
    const expected = expectedRows('mask.f32');
    let compared = 0;
    for (const [i, path] of paths.entries()) {
      const want = expected[i] ?? new Float32Array();
      if (Number.isNaN(want[0])) continue;
      const { row, result } = preprocess(path, 'interpolate');
      expect(result, path).toHaveProperty('quality');
      expect(largestDifference(row, want), path).toBeLessThan(TOLERANCE);
      expect(
        row.some((value) => value !== row[0]),
        `${path} is constant`,
      ).toBe(true);
      compared++;
    }
    expect(compared).toBeGreaterThan(50);
  });
});
