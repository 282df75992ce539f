import { describe, expect, it } from 'vitest';
import { PreprocessingConfig, type PreprocessingConfigInput } from '../../contracts/preprocessing.ts';
import type { Arm, RawSpectrum } from '../spectra/spectrum.ts';
import { airToVacuum, vacuumToAir } from './air.ts';
import { wavelengthGrid } from './grid.ts';
import { planPreprocessing, preprocessSpectrum } from './preprocess-spectrum.ts';
import { scaleRow } from './scaling.ts';

const arm = (start: number, step: number, flux: number[], bad: number[] = [], name = 'all'): Arm => ({
  name,
  reachAngstrom: [start, start + (flux.length - 1) * step],
  wavelengthAngstrom: Float64Array.from(flux, (_, i) => start + i * step),
  flux: Float64Array.from(flux),
  ivar: Float64Array.from(flux, (_, i) => (bad.includes(i) ? 0 : 4)),
  bad: Uint8Array.from(flux, (_, i) => (bad.includes(i) ? 1 : 0)),
});
const spectrum = (...arms: Arm[]): RawSpectrum => ({ layout: 'test', medium: 'vacuum', arms, metadata: {} });

function preprocess(raw: RawSpectrum, options: Partial<PreprocessingConfigInput> = {}) {
  const plan = planPreprocessing(
    PreprocessingConfig.parse({
      data_dir_path: '/',
      wave_start_point: 5000,
      wave_end_point: 5020,
      wave_point_count: 5,
      scaling: 'none',
      ...options,
    }),
  );
  const row = new Float32Array(plan.grid.length);
  const result = preprocessSpectrum(raw, plan, row);
  return { row: Array.from(row), ...result };
}
const ramp = Array.from({ length: 21 }, (_, i) => i);

describe('wavelengthGrid', () => {
  it('equals numpy.linspace, both ends exact', () => {
    expect(Array.from(wavelengthGrid(6519, 6732, 4))).toEqual([6519, 6590, 6661, 6732]);
    expect(wavelengthGrid(3700.1, 9000.7, 3700).at(-1)).toBe(9000.7);
  });
  it('has equal ratios in log spacing', () => {
    const [a = 0, b = 0, c = 0] = wavelengthGrid(1000, 4000, 3, 'log');
    expect(b / a).toBeCloseTo(c / b, 12);
  });
});

describe('air and vacuum', () => {
  it('puts Hα at 6562.80 Å in air and 6564.61 Å in vacuum', () => {
    expect(airToVacuum(6562.801)).toBeCloseTo(6564.614, 2);
    expect(vacuumToAir(airToVacuum(4861.325))).toBeCloseTo(4861.325, 9);
  });
});

describe('scaleRow', () => {
  it('scales to [-1, 1], [0, 1] and to mean 0 and deviation 1', () => {
    const scaled = (scaling: 'minmax' | 'minmax01' | 'zscore') => {
      const row = Float64Array.of(1, 2, 3);
      expect(scaleRow(row, scaling)).toBe(false);
      return Array.from(row);
    };
    expect(scaled('minmax')).toEqual([-1, 0, 1]);
    expect(scaled('minmax01')).toEqual([0, 0.5, 1]);
    expect(scaled('zscore')[2]).toBeCloseTo(Math.sqrt(1.5), 12);
  });
  it('makes a constant row 0 and says so', () => {
    const row = Float64Array.of(7, 7);
    expect(scaleRow(row, 'minmax')).toBe(true);
    expect(Array.from(row)).toEqual([0, 0]);
  });
  it('leaves NaN where it is', () => {
    const row = Float64Array.of(NaN, 0, 4);
    scaleRow(row, 'minmax');
    expect(Array.from(row)).toEqual([NaN, -1, 1]);
  });
});

describe('preprocessSpectrum', () => {
  it('interpolates linearly as numpy.interp does', () => {
    expect(preprocess(spectrum(arm(5000, 2, ramp))).row).toEqual([0, 2.5, 5, 7.5, 10]);
  });
  it('interpolates over short runs of bad pixels, and uses them with keep', () => {
    const flux = ramp.map((value, i) => (i === 5 ? 999 : value));
    const raw = spectrum(arm(5000, 2, flux, [5]));
    const masked = preprocess(raw, { min_coverage: 0.5 });
    expect(masked.row[2]).toBe(5);
    expect(masked).toMatchObject({ quality: { longestGap: 1, coverage: 0.8, unbridgedGap: false } });
    expect(preprocess(raw, { bad_pixels: 'keep' }).row[2]).toBe(999);
  });
  it('never bridges a gap longer than max_gap: a dead window is rejected, not a ramp', () => {
    const dead = spectrum(
      arm(
        5000,
        0.5,
        Array.from({ length: 41 }, (_, i) => i),
        Array.from({ length: 35 }, (_, i) => i + 3),
      ),
    );
    expect(preprocess(dead)).toMatchObject({
      rejected: expect.stringMatching(/^coverage 0\.400 .* min_coverage 0\.9$/),
    });
    const held = preprocess(dead, { min_coverage: 0 });
    expect(held.row).toEqual([0, 2, 2, 38, 40]); // the nearer good pixel, no straight line
    expect(held).toMatchObject({ quality: { unbridgedGap: true, longestGap: 35 } });
    expect(preprocess(dead, { min_coverage: 0, outside: 'nan' }).row).toEqual([0, NaN, NaN, NaN, 40]);
    expect(preprocess(dead, { min_coverage: 0, outside: 'reject' })).toMatchObject({
      rejected: expect.stringContaining('max_gap'),
    });
  });
  it('rejects a hole in a required range, also one that begins inside and ends outside of it', () => {
    const bad = [14, 15, 16, 17, 18, 19];
    const raw = spectrum(
      arm(
        5000,
        1,
        Array.from({ length: 21 }, (_, i) => i),
        bad,
      ),
    );
    const options = { min_coverage: 0.1, max_gap: 5 };
    expect(preprocess(raw, { ...options, required_ranges: [[5001, 5012]] })).toHaveProperty('quality');
    expect(preprocess(raw, { ...options, required_ranges: [[5010, 5015]] })).toMatchObject({
      rejected: 'a hole in the required range 5010-5015 Å',
    });
    expect(preprocess(raw, { ...options, required_ranges: [[5015, 5040]] })).toHaveProperty('rejected');
    expect(preprocess(raw, { ...options, max_gap: 6, required_ranges: [[5010, 5018]] })).toHaveProperty(
      'quality',
    );
  });
  it('holds the edge value beyond the data, or gives NaN, or rejects', () => {
    const raw = spectrum(
      arm(
        5005,
        1,
        Array.from({ length: 30 }, (_, i) => i + 1),
      ),
    );
    const options = { min_coverage: 0.5 };
    expect(preprocess(raw, options)).toMatchObject({
      row: [1, 1, 6, 11, 16],
      quality: { extrapolated: true, coverage: 0.8 },
    });
    expect(preprocess(raw, { ...options, outside: 'nan' }).row[0]).toBeNaN();
    expect(preprocess(raw, { ...options, outside: 'reject' })).toHaveProperty('rejected');
  });
  it('takes zero-padded ends as outside, not as data', () => {
    const raw = spectrum(arm(5000, 1, [...ramp.slice(0, 15), 0, 0, 0, 0, 0, 0], [15, 16, 17, 18, 19, 20]));
    expect(preprocess(raw, { min_coverage: 0.5 }).row).toEqual([0, 5, 10, 14, 14]);
  });
  it('joins arms where the grid spans both, the space between them uncovered', () => {
    const blue = arm(
      5000,
      0.5,
      Array.from({ length: 15 }, () => 1),
      [],
      'B',
    ); // to 5007
    const red = arm(
      5013,
      0.5,
      Array.from({ length: 15 }, () => 3),
      [],
      'R',
    ); // from 5013
    const both = preprocess(spectrum(blue, red), { min_coverage: 0.5 });
    expect(both.row).toEqual([1, 1, 1, 3, 3]);
    expect(both).toMatchObject({ quality: { coverage: 0.8, unbridgedGap: true } });
    const one = preprocess(spectrum(blue, red), { wave_start_point: 5014, wave_end_point: 5019 });
    expect(one).toMatchObject({ row: [3, 3, 3, 3, 3], quality: { coverage: 1, constant: true } });
  });
  it('converts air wavelengths, and flags a medium that nobody declared', () => {
    const raw: RawSpectrum = {
      ...spectrum(
        arm(
          4990,
          0.5,
          Array.from({ length: 100 }, (_, i) => i),
        ),
      ),
      medium: 'unknown',
    };
    const asIs = preprocess(raw);
    expect(asIs).toMatchObject({ quality: { mediumUnknown: true } });
    const air = preprocess(raw, { medium: 'air' });
    // A vacuum grid point of 5000 Å is 4998.6 Å in air: 1.39 Å = 2.79 pixels earlier in the file.
    expect((asIs.row[0] ?? NaN) - (air.row[0] ?? NaN)).toBeCloseTo(2.79, 1);
  });
  it('gives the median S/N of the window', () => {
    expect(preprocess(spectrum(arm(5000, 2, ramp)))).toMatchObject({ quality: { medianSnr: 10 } });
  });
  it('rejects a spectrum without one good pixel', () => {
    expect(preprocess(spectrum(arm(5000, 2, ramp, ramp)))).toEqual(
      expect.objectContaining({ rejected: 'every pixel is marked bad' }),
    );
  });
  it('zeroes a row that is not finite with keep, as the predecessor', () => {
    const raw = spectrum(
      arm(
        5000,
        2,
        ramp.map((value, i) => (i === 5 ? NaN : value)),
        [5],
      ),
    );
    expect(preprocess(raw, { bad_pixels: 'keep', scaling: 'minmax' })).toMatchObject({
      row: [0, 0, 0, 0, 0],
      quality: { constant: true },
    });
  });
});

describe('a grid that needs few pixels', () => {
  it('gives the same row and quality as when the others are not there', () => {
    const long = Array.from({ length: 400 }, (_, i) => Math.sin(i / 3) * 10 + i);
    for (const bad of [[], [199, 200, 201], [0, 1, 2], [180, 181, 182, 183, 184, 185, 186], [399, 398]]) {
      const whole = preprocess(spectrum(arm(4800, 1, long, bad)), { min_coverage: 0 });
      const shifted = bad.map((i) => i - 150).filter((i) => i >= 0);
      const part = preprocess(spectrum(arm(4950, 1, long.slice(150, 300), shifted)), { min_coverage: 0 });
      expect(part).toEqual(whole);
    }
  });
  it('sees a required range that lies outside of it', () => {
    const raw = spectrum(
      arm(
        4800,
        1,
        Array.from({ length: 400 }, (_, i) => i),
        Array.from({ length: 20 }, (_, i) => i + 50),
      ),
    );
    expect(preprocess(raw, { required_ranges: [[4845, 4880]] })).toHaveProperty('rejected');
    expect(preprocess(raw, { required_ranges: [[4900, 4950]] })).toHaveProperty('quality');
  });
});
