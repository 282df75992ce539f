import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import { readSpectrum } from '../spectra/read-spectrum.ts';
import { neededRange, planPreprocessing, preprocessSpectrum } from './preprocess-spectrum.ts';

const samples = fileURLToPath(new URL('../../samples/spectra', import.meta.url));
const files = readdirSync(samples, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.fits.gz'))
  .map((name) => readFileSync(join(samples, name)));

it.each([
  ['the lines of Hα', { wave_start_point: 6519, wave_end_point: 6732, wave_point_count: 140 }],
  ['all of a spectrum', { wave_start_point: 4000, wave_end_point: 8900, wave_point_count: 3700 }],
  ['more than a spectrum', { wave_start_point: 3000, wave_end_point: 11_000, wave_point_count: 500 }],
  [
    'all, as it is',
    { wave_start_point: 3800, wave_end_point: 9000, wave_point_count: 777, bad_pixels: 'keep' },
  ],
  [
    'on its very pixels',
    {
      wave_start_point: 3981.071705534973,
      wave_end_point: 5011.872336272725,
      wave_point_count: 1001,
      grid: 'log',
    },
  ],
] as const)('takes the same from shared wavelengths as from those of a spectrum alone: %s', (_, grid) => {
  const config = PreprocessingConfig.parse({
    data_dir_path: '/',
    min_coverage: 0.1,
    scaling: 'none',
    ...grid,
  });
  const [sharing, alone] = [planPreprocessing(config), planPreprocessing(config)];
  const needed = (metadata: Parameters<typeof neededRange>[1]) => neededRange(sharing, metadata);
  let shared = 0;
  for (const bytes of files) {
    const [row, expected] = [
      new Float32Array(grid.wave_point_count),
      new Float32Array(grid.wave_point_count),
    ];
    const spectrum = readSpectrum(bytes, { neededRange: needed, reuseMemory: true });
    if (spectrum.arms[0]?.hasSharedWavelengths) shared++;
    const result = preprocessSpectrum(spectrum, sharing, row);
    expect(result).toEqual(preprocessSpectrum(readSpectrum(bytes), alone, expected));
    if ('rejected' in result) continue;
    const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const furthest = expected.reduce(
      (most, value, i) => Math.max(most, Math.abs((row[i] ?? NaN) - value)),
      0,
    );
    expect(furthest).toBeLessThanOrEqual(3e-7 * largest);
  }
  expect(shared).toBeGreaterThan(50);
});
