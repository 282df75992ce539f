import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PreprocessingConfig, type PreprocessingConfigInput } from '../../contracts/preprocessing.ts';
import { readSpectrum } from '../spectra/read-spectrum.ts';
import { planPreprocessing, preprocessSpectrum } from './preprocess-spectrum.ts';

// reference/make-options-reference.py computed the expected rows with spectres and numpy on the same files.
const Rows = z.record(z.string(), z.array(z.number().nullable()));
const reference = z
  .object({
    spectra: z.array(z.object({ path: z.string(), flux_conserving: Rows, smoothing: Rows })),
    grids: z.record(z.string(), z.object({ from: z.number(), to: z.number(), count: z.number() })),
    kernels: z.record(z.string(), z.record(z.string(), z.number())),
  })
  .parse(JSON.parse(readFileSync(new URL('./reference/options.json', import.meta.url), 'utf8')));
const TOLERANCE = 1e-6;

function preprocess(
  path: string,
  gridName: string,
  options: Partial<PreprocessingConfigInput>,
): Float32Array {
  const grid = reference.grids[gridName];
  if (!grid) throw new Error(`no grid ${gridName}`);
  const plan = planPreprocessing(
    PreprocessingConfig.parse({
      data_dir_path: '/',
      wave_start_point: grid.from,
      wave_end_point: grid.to,
      wave_point_count: grid.count,
      grid: gridName === 'log' ? 'log' : 'linear',
      scaling: 'none',
      outside: 'nan',
      min_coverage: 0,
      ...options,
    }),
  );
  const row = new Float32Array(grid.count);
  const raw = readSpectrum(readFileSync(new URL(`../../samples/spectra/${path}`, import.meta.url)));
  expect(preprocessSpectrum(raw, plan, row), path).toHaveProperty('quality');
  return row;
}

/** Largest difference as a share of the row's largest value; both have no value at the same points. */
function largestDifference(row: Float32Array, expected: readonly (number | null)[]): number {
  const size = Math.max(...expected.map((value) => Math.abs(value ?? 0)));
  expect(row.length).toBe(expected.length);
  return row.reduce((largest, value, i) => {
    const want = expected[i] ?? NaN;
    expect(Number.isNaN(value), `point ${i}`).toBe(Number.isNaN(want));
    return Number.isNaN(value) ? largest : Math.max(largest, Math.abs(value - want) / size);
  }, 0);
}

describe.each(reference.spectra)('$path', ({ path, flux_conserving, smoothing }) => {
  it.each(Object.entries(flux_conserving))(
    'flux_conserving equals spectres 2.2 on grid %s',
    (name, expected) => {
      const row = preprocess(path, name, { interpolation: 'flux_conserving', bad_pixels: 'keep' });
      expect(largestDifference(row, expected)).toBeLessThan(TOLERANCE);
      expect(row.filter(Number.isFinite).length).toBeGreaterThan(30);
    },
  );

  it.each(Object.entries(smoothing))('smoothing by %s equals the whole Gaussian sum', (name, expected) => {
    const row = preprocess(path, 'linear', reference.kernels[name] ?? {});
    expect(largestDifference(row, expected)).toBeLessThan(TOLERANCE);
    expect(row.filter(Number.isFinite).length).toBeGreaterThan(100);
  });
});
