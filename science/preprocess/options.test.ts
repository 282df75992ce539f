import { describe, expect, it } from 'vitest';
import { PreprocessingConfig, type PreprocessingConfigInput } from '../../contracts/preprocessing.ts';
import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import type { Arm, Medium, RawSpectrum } from '../spectra/spectrum.ts';
import { vacuumToAir } from './air.ts';
import { medianInPlace } from './median.ts';
import { neededRange, planPreprocessing, preprocessSpectrum } from './preprocess-spectrum.ts';

const HALPHA_ANGSTROM = 6564.614;

/** Random numbers of a normal distribution that are the same in every run (mulberry32, Box and Muller). */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

interface Made {
  from: number;
  /** Step [Å], or of log10 wavelength where `log`. */
  step: number;
  count: number;
  log?: boolean;
  flux: (angstrom: number, pixel: number) => number;
  bad?: readonly number[];
  sigma?: number;
  name?: string;
}
function makeArm({ from, step, count, log, flux, bad = [], sigma, name = 'all' }: Made): Arm {
  const wavelengthAngstrom = Float64Array.from({ length: count }, (_, i) =>
    log ? from * 10 ** (i * step) : from + i * step,
  );
  const badPixels = new Uint8Array(count);
  for (const pixel of bad) badPixels[pixel] = 1;
  return {
    name,
    wavelengthAngstrom,
    flux: wavelengthAngstrom.map(flux),
    ...(sigma === undefined
      ? {}
      : { ivar: Float64Array.from(badPixels, (isBad) => (isBad ? 0 : sigma ** -2)) }),
    bad: badPixels,
    reachAngstrom: [wavelengthAngstrom[0] ?? NaN, wavelengthAngstrom[count - 1] ?? NaN],
  };
}
const spectrum = (
  arms: Arm[],
  { medium = 'vacuum', metadata = {} }: { medium?: Medium; metadata?: SpectrumMetadata } = {},
): RawSpectrum => ({ layout: 'test', medium, arms, metadata });

const planOf = (options: Partial<PreprocessingConfigInput>) =>
  planPreprocessing(
    PreprocessingConfig.parse({
      data_dir_path: '/',
      wave_start_point: 5000,
      wave_end_point: 5040,
      wave_point_count: 5,
      scaling: 'none',
      min_coverage: 0,
      ...options,
    }),
  );
function preprocess(raw: RawSpectrum, options: Partial<PreprocessingConfigInput>) {
  const plan = planOf(options);
  const row = new Float32Array(plan.grid.length);
  const result = preprocessSpectrum(raw, plan, row);
  return { row: Array.from(row), grid: plan.grid, ...result };
}
function qualityOf(result: ReturnType<typeof preprocess>) {
  if (!('quality' in result)) throw new Error(result.rejected);
  return result.quality;
}
/** Wavelength of the highest point [Å]. */
function peakOf({ row, grid }: ReturnType<typeof preprocess>): number {
  return grid[row.indexOf(Math.max(...row))] ?? NaN;
}

describe('flux_conserving', () => {
  const flux_conserving = { interpolation: 'flux_conserving' } as const;
  const ramp = (more: Partial<Made> = {}) =>
    makeArm({ from: 4980, step: 1, count: 81, flux: (_, i) => i, sigma: 1, ...more });

  it('averages over the bin of each grid point', () => {
    const spike = makeArm({ from: 4980, step: 1, count: 81, flux: (x) => (x === 5011 ? 100 : 0) });
    expect(preprocess(spectrum([spike]), flux_conserving).row).toEqual([0, 10, 0, 0, 0]);
    // A line between pixels does not see it.
    expect(preprocess(spectrum([spike]), {}).row).toEqual([0, 0, 0, 0, 0]);
  });
  it('bridges short gaps by a straight line, and gives bins that touch a longer one what `outside` says', () => {
    const short = spectrum([ramp({ bad: [40, 41, 42], flux: (_, i) => (i >= 40 && i <= 42 ? 999 : i) })]);
    expect(preprocess(short, flux_conserving).row).toEqual([20, 30, 40, 50, 60]);
    // 5013 … 5018: the bin of 5010 ends at 5015.
    const long = spectrum([ramp({ bad: [33, 34, 35, 36, 37, 38] })]);
    const held = preprocess(long, flux_conserving);
    expect(held.row).toEqual([20, 30, 40, 50, 60]); // the nearest good pixel: that at the bin's middle
    expect(qualityOf(held)).toMatchObject({ unbridgedGap: true, extrapolated: false, coverage: 0.6 });
    expect(preprocess(long, { ...flux_conserving, outside: 'nan' }).row).toEqual([20, NaN, NaN, 50, 60]);
    expect(preprocess(long, { ...flux_conserving, outside: 'reject' })).toMatchObject({
      rejected: expect.stringContaining('max_gap'),
    });
    expect(preprocess(long, { ...flux_conserving, max_gap: 6, outside: 'nan' }).row).toEqual([
      20, 30, 40, 50, 60,
    ]);
  });
  it('takes a bin that reaches beyond the data as outside', () => {
    const raw = spectrum([ramp({ from: 4998, count: 60 })]);
    const result = preprocess(raw, { ...flux_conserving, outside: 'nan' });
    expect(result.row).toEqual([NaN, 12, 22, 32, 42]);
    expect(qualityOf(result)).toMatchObject({ extrapolated: true, unbridgedGap: false, coverage: 0.8 });
    expect(preprocess(raw, flux_conserving).row[0]).toBe(2);
    expect(preprocess(raw, { ...flux_conserving, outside: 'reject' })).toMatchObject({
      rejected: 'the grid reaches beyond the good pixels, which begin at 4998.0 Å',
    });
  });
  it('does not average over the space between two arms', () => {
    const raw = spectrum([
      makeArm({ from: 4980, step: 1, count: 28, flux: () => 1, name: 'B' }), // to 5007
      makeArm({ from: 5018, step: 1, count: 40, flux: () => 3, name: 'R' }),
    ]);
    expect(preprocess(raw, { ...flux_conserving, outside: 'nan' }).row).toEqual([1, NaN, NaN, 3, 3]);
    expect(preprocess(raw, flux_conserving).row).toEqual([1, 1, 3, 3, 3]);
  });
});

describe('smoothing', () => {
  const line = (x: number) => 1 + 10 * Math.exp(-0.5 * ((x - 5020) / 2) ** 2);
  it('widens a Gaussian as the sum of squares says, and keeps its flux', () => {
    const raw = spectrum([makeArm({ from: 4900, step: 0.5, count: 481, flux: line })]);
    const { row } = preprocess(raw, { smoothing_sigma: 3, wave_point_count: 41 });
    const sigma = Math.hypot(2, 3);
    for (const [i, value] of row.entries())
      expect(value).toBeCloseTo(1 + ((10 * 2) / sigma) * Math.exp(-0.5 * ((i - 20) / sigma) ** 2), 4);
  });
  it('takes nothing from bad pixels, nor from beyond an unbridged gap or another arm', () => {
    const step = (bad: number[], wrong: number) =>
      spectrum([
        makeArm({
          from: 4980,
          step: 1,
          count: 81,
          flux: (x, i) => (bad.includes(i) ? wrong : x < 5010 ? 0 : 100),
          bad,
          sigma: 1,
        }),
      ]);
    const gap = [25, 26, 27, 28, 29, 30]; // 5005 … 5010
    const { row } = preprocess(step(gap, 1e6), { smoothing_sigma: 4, outside: 'nan' });
    expect(row).toEqual([0, NaN, 100, 100, 100]);
    expect(preprocess(step([27], 1e6), { smoothing_sigma: 4 }).row[1]).toBeLessThan(100);
    const arms = spectrum([
      makeArm({ from: 4980, step: 1, count: 30, flux: () => 0, name: 'B' }),
      makeArm({ from: 5010, step: 1, count: 51, flux: () => 100, name: 'R' }),
    ]);
    expect(preprocess(arms, { smoothing_sigma: 4 }).row).toEqual([0, 100, 100, 100, 100]);
  });
  it('measures σ in Å as observed, also in the rest frame', () => {
    const arm = makeArm({ from: 9800, step: 0.5, count: 900, flux: (x) => line(x / 2) });
    const rest = preprocess(spectrum([arm], { metadata: { z: 1 } }), {
      rest_frame: true,
      smoothing_sigma: 6,
      wave_point_count: 41,
    });
    // At z = 1 a σ of 6 Å is one of 3 Å in the rest frame.
    expect(rest.row[20]).toBeCloseTo(1 + 20 / Math.hypot(2, 3), 3);
  });
});

describe('despike', () => {
  const halpha = {
    wave_start_point: 6519,
    wave_end_point: 6732,
    wave_point_count: 140,
    despike: true,
  } as const;
  const noisy = (signal: (x: number, i: number) => number, withIvar: boolean, seed = 1): Made => {
    const random = normals(seed);
    return {
      from: 6300,
      step: 7.2e-5,
      log: true,
      count: 900,
      flux: (x, i) => 100 + 2 * random() + signal(x, i),
      ...(withIvar ? { sigma: 2 } : {}),
    };
  };
  const hit = 280; // about 6600 Å
  describe.each([
    ['ivar', true],
    ['the scatter', false],
  ])('with the noise from %s', (_, withIvar) => {
    it('takes a single-pixel hit out, and says so', () => {
      const raw = spectrum([makeArm(noisy((__, i) => (i === hit ? 80 : 0), withIvar))]);
      const result = preprocess(raw, halpha);
      expect(qualityOf(result).despikedPixels).toBe(1);
      expect(Math.max(...result.row)).toBeLessThan(110);
      const kept = preprocess(raw, { ...halpha, despike: false, wave_point_count: 700 });
      expect(Math.max(...kept.row)).toBeGreaterThan(140);
      expect(qualityOf(kept).despikedPixels).toBe(0);
    });
    it.each([1.9, 2.4, 3, 5])('leaves lines with an FWHM of %f pixels as they are', (fwhmPixels) => {
      for (let phase = 0; phase < 1; phase += 0.1)
        for (const height of [-90, 30, 300, 30_000]) {
          const profile = (__: number, i: number) =>
            height * Math.exp(-4 * Math.LN2 * ((i - hit - phase) / fwhmPixels) ** 2);
          const raw = spectrum([makeArm(noisy(profile, withIvar, 7 + phase * 10))]);
          expect(qualityOf(preprocess(raw, halpha)).despikedPixels).toBe(0);
        }
    });
    it('finds nothing in noise', () => {
      for (let seed = 0; seed < 20; seed++)
        expect(
          qualityOf(preprocess(spectrum([makeArm(noisy(() => 0, withIvar, seed))]), halpha)).despikedPixels,
        ).toBe(0);
    });
  });
  it('does not touch a pixel beside a bad one or at the end of an arm', () => {
    const made = noisy((__, i) => (i === hit ? 80 : 0), true);
    const raw = spectrum([makeArm({ ...made, bad: [hit + 2] })]);
    expect(qualityOf(preprocess(raw, halpha)).despikedPixels).toBe(0);
  });
});

describe('scaling: continuum', () => {
  const wide = { wave_start_point: 4000, wave_end_point: 8900, wave_point_count: 3700 };
  const slope = (x: number) => 50 + 400 * Math.exp(-(((x - 5500) / 2500) ** 2));
  const lines = (x: number) =>
    [4341.7, 4862.7, HALPHA_ANGSTROM].reduce(
      (flux, centre) => flux * (1 - 0.5 * Math.exp(-0.5 * ((x - centre) / 12) ** 2)),
      1,
    );
  const arm = (flux: (x: number) => number) =>
    makeArm({ from: 3900, step: 1e-4, log: true, count: 3700, flux });

  it('makes the continuum 1 and leaves the lines as deep as they are', () => {
    const random = normals(3);
    const result = preprocess(spectrum([arm((x) => slope(x) * (lines(x) + 0.02 * random()))]), {
      ...wide,
      scaling: 'continuum',
    });
    expect(qualityOf(result).constant).toBe(false);
    const beside = result.row.filter((__, i) => lines(result.grid[i] ?? 0) > 0.999);
    expect(medianInPlace(Float64Array.from(beside), beside.length)).toBeCloseTo(1, 2);
    const atLine = result.row[result.grid.findIndex((x) => x > HALPHA_ANGSTROM)] ?? NaN;
    expect(atLine).toBeGreaterThan(0.42);
    expect(atLine).toBeLessThan(0.58);
  });
  it('is not drawn by a strong emission line in a narrow window', () => {
    const emission = (x: number) => 100 * (1 + 5 * Math.exp(-0.5 * ((x - HALPHA_ANGSTROM) / 5) ** 2));
    const result = preprocess(spectrum([arm(emission)]), {
      wave_start_point: 6519,
      wave_end_point: 6732,
      wave_point_count: 140,
      scaling: 'continuum',
    });
    for (const end of [0, 139]) expect(Math.abs((result.row[end] ?? NaN) - 1)).toBeLessThan(0.02);
    expect(Math.max(...result.row)).toBeGreaterThan(5.5);
  });
  it('rejects what has no continuum above 0; with keep the row is 0 and flagged', () => {
    const raw = spectrum([arm((x) => 6000 - x)]);
    const options = { ...wide, scaling: 'continuum' } as const;
    expect(preprocess(raw, options)).toMatchObject({
      rejected: expect.stringMatching(/^no continuum above 0 could be fitted \(at 60\d\d\.\d Å\)$/),
    });
    const kept = preprocess(raw, { ...options, bad_pixels: 'keep' });
    expect(qualityOf(kept).constant).toBe(true);
    expect(new Set(kept.row)).toEqual(new Set([0]));
  });
  it('leaves points without data NaN', () => {
    const short = makeArm({ from: 4500, step: 1e-4, log: true, count: 2000, flux: slope });
    const { row } = preprocess(spectrum([short]), { ...wide, scaling: 'continuum', outside: 'nan' });
    expect(row[0]).toBeNaN();
    expect(row[1500]).toBeCloseTo(1, 2);
  });
});

describe('rest_frame', () => {
  const redshift = 0.07;
  const line = (x: number) => 10 + 50 * Math.exp(-0.5 * ((x - HALPHA_ANGSTROM * (1 + redshift)) / 3) ** 2);
  const arm = makeArm({ from: 6000, step: 1e-4, log: true, count: 1500, flux: line });
  const options = {
    wave_start_point: HALPHA_ANGSTROM - 100,
    wave_end_point: HALPHA_ANGSTROM + 100,
    wave_point_count: 201,
    rest_frame: true,
  };
  const metadata = { z: redshift };

  it.each<[string, Partial<PreprocessingConfigInput>, number]>([
    ['alone', {}, 0.5],
    ['with flux_conserving', { interpolation: 'flux_conserving' }, 0.5],
    ['on a logarithmic grid', { grid: 'log' }, 1],
    ['with smoothing', { resolution_from: 1800, resolution_to: 900 }, 0.5],
    [
      'with all of it',
      { grid: 'log', interpolation: 'flux_conserving', smoothing_sigma: 2, despike: true },
      1,
    ],
  ])('puts a line at its rest wavelength, %s', (_, more, within) => {
    const result = preprocess(spectrum([arm], { metadata }), { ...options, ...more });
    expect(Math.abs(peakOf(result) - HALPHA_ANGSTROM)).toBeLessThan(within);
    expect(qualityOf(result)).toMatchObject({ coverage: 1, extrapolated: false });
  });
  it('comes after the conversion from air', () => {
    const inAir = { ...arm, wavelengthAngstrom: arm.wavelengthAngstrom.map(vacuumToAir) };
    const reachAngstrom = [vacuumToAir(arm.reachAngstrom[0]), vacuumToAir(arm.reachAngstrom[1])] as const;
    const vacuum = preprocess(spectrum([arm], { metadata }), options);
    const air = preprocess(spectrum([{ ...inAir, reachAngstrom }], { medium: 'air', metadata }), options);
    for (const [i, value] of air.row.entries()) expect(value).toBeCloseTo(vacuum.row[i] ?? NaN, 4);
    // Taken for vacuum, it lands 1.8 Å off.
    const wrong = preprocess(
      spectrum([{ ...inAir, reachAngstrom }], { medium: 'vacuum', metadata }),
      options,
    );
    expect(peakOf(wrong)).toBeCloseTo(HALPHA_ANGSTROM - 2, 0);
  });
  it.each([undefined, NaN, -1, -1000])('rejects a file with the redshift %s', (z) => {
    expect(preprocess(spectrum([arm], { metadata: { z } }), options)).toMatchObject({
      rejected: expect.stringContaining('redshift'),
    });
  });
  it('takes required ranges as rest wavelengths', () => {
    const hole = Array.from({ length: 40 }, (_, i) => i + 620);
    const raw = spectrum(
      [makeArm({ from: 6000, step: 1e-4, log: true, count: 1500, flux: line, bad: hole })],
      {
        metadata,
      },
    );
    const middle = 6000 * 10 ** 0.064;
    const range = (at: number): [number, number][] => [[at - 5, at + 5]];
    const rest = { ...options, required_ranges: range(middle / (1 + redshift)) };
    expect(preprocess(raw, rest)).toHaveProperty('rejected');
    expect(preprocess(raw, { ...options, required_ranges: range(middle) })).toHaveProperty('quality');
  });
});

describe('neededRange', () => {
  const random = normals(11);
  const bad = [300, 301, 500, 501, 502, 503, 504, 505, 506, 650, 990];
  const whole = makeArm({
    from: 6000,
    step: 1e-4,
    log: true,
    count: 1200,
    flux: (x, i) => 100 + 0.01 * x + 3 * random() + (i % 97 === 0 ? 200 : 0),
    bad,
    sigma: 3,
  });
  /** What a reader may leave of it: the range, and the next two good pixels beyond either end. */
  const stretchOf = (arm: Arm, [from, to]: readonly [number, number]): Arm => {
    const last = arm.flux.length - 1;
    let first = arm.wavelengthAngstrom.findIndex((x) => x >= from);
    for (let good = 0; first > 0 && good < 2;) good += arm.bad[--first] === 0 ? 1 : 0;
    let end = arm.wavelengthAngstrom.findLastIndex((x) => x <= to);
    for (let good = 0; end < last && good < 2;) good += arm.bad[++end] === 0 ? 1 : 0;
    return {
      ...arm,
      wavelengthAngstrom: arm.wavelengthAngstrom.slice(first, end + 1),
      flux: arm.flux.slice(first, end + 1),
      ivar: arm.ivar?.slice(first, end + 1),
      bad: arm.bad.slice(first, end + 1),
    };
  };
  it.each<Partial<PreprocessingConfigInput>>([
    {},
    { interpolation: 'flux_conserving' },
    { smoothing_sigma: 4 },
    { resolution_from: 1800, resolution_to: 300, interpolation: 'flux_conserving' },
    { despike: true },
    { despike: true, smoothing_sigma: 4, rest_frame: true, interpolation: 'flux_conserving', grid: 'log' },
    { rest_frame: true, required_ranges: [[6400, 6450]] },
    { bad_pixels: 'keep', smoothing_sigma: 4 },
  ])('is enough for the same row and quality: %j', (options) => {
    const config = { wave_start_point: 6300, wave_end_point: 6500, wave_point_count: 120, ...options };
    const metadata = { z: 0.02 };
    const plan = planOf(config);
    const range = neededRange(plan, metadata);
    const part = stretchOf(whole, range);
    expect(part.flux.length).toBeLessThan(whole.flux.length * 0.8);
    const expected = preprocess(spectrum([whole], { metadata }), config);
    expect(expected).toHaveProperty('quality');
    expect(preprocess(spectrum([part], { metadata }), config)).toEqual(expected);
  });
  it('is the grid alone where nothing else is asked for, shifted to where it is observed', () => {
    const grid = { wave_start_point: 6300, wave_end_point: 6500, wave_point_count: 101 };
    expect(neededRange(planOf(grid), {})).toEqual([6300, 6500]);
    expect(neededRange(planOf({ ...grid, interpolation: 'flux_conserving' }), {})).toEqual([6299, 6501]);
    expect(neededRange(planOf({ ...grid, required_ranges: [[6200, 6250]] }), {})).toEqual([6200, 6500]);
    expect(neededRange(planOf({ ...grid, rest_frame: true }), { z: 0.5 })).toEqual([9450, 9750]);
  });
});

describe('a plan', () => {
  it('gives a spectrum the same row whatever came before it', () => {
    const plan = planOf({
      bad_pixels: 'interpolate',
      interpolation: 'flux_conserving',
      smoothing_sigma: 2,
      despike: true,
      scaling: 'minmax',
    });
    const random = normals(5);
    const made: Made = { from: 4900, step: 1, count: 240, flux: () => 100 + random(), sigma: 1 };
    const one = spectrum([makeArm(made)]);
    const arms = spectrum([
      makeArm({ ...made, count: 125, bad: [118, 119, 120], name: 'B' }),
      makeArm({ ...made, from: 5026, count: 100, bad: [3, 4, 5, 6, 7, 8, 9], name: 'R' }),
    ]);
    const rowOf = (raw: RawSpectrum) => {
      const row = new Float32Array(5);
      const result = preprocessSpectrum(raw, plan, row);
      return { row: Array.from(row), result };
    };
    const [first, second] = [rowOf(one), rowOf(arms)];
    expect([rowOf(arms), rowOf(one), rowOf(one)]).toEqual([second, first, first]);
  });
});

describe('medianInPlace', () => {
  const bySorting = (values: Float64Array) => {
    const sorted = values.toSorted();
    const middle = sorted.length >> 1;
    return sorted.length % 2
      ? (sorted[middle] ?? NaN)
      : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
  };
  it('is exactly the median by sorting', () => {
    const random = normals(9);
    const kinds: ((i: number) => number)[] = [
      random,
      () => Math.round(random() * 2) + 0, // + 0: no -0
      (i) => (i === 3 ? 1e12 : random()),
      (i) => (i % 2 ? 1e-300 : 1e300) * random(),
      () => 7,
      (i) => (i % 5 === 0 ? NaN : random()),
      (i) => (i % 7 === 0 ? Infinity : random()),
      (i) => (i % 3 === 0 ? -Infinity : i),
    ];
    for (const kind of kinds)
      for (const count of [1, 2, 3, 23, 24, 25, 26, 100, 1001, 3904]) {
        const values = Float64Array.from({ length: count }, (_, i) => kind(i));
        expect(medianInPlace(values.slice(), count)).toBe(bySorting(values));
      }
    expect(medianInPlace(new Float64Array(3), 0)).toBeNaN();
  });
});
