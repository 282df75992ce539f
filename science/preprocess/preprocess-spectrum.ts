import type { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import type { Arm, RawSpectrum } from '../spectra/spectrum.ts';
import { airToVacuum } from './air.ts';
import { wavelengthGrid } from './grid.ts';
import { scaleRow } from './scaling.ts';

/** A configuration made ready: its grid and its defaults, computed once for all spectra. */
export interface PreprocessingPlan {
  config: PreprocessingConfig;
  /** [Å, vacuum], rising. */
  grid: Float64Array;
  minCoverage: number;
  /** Grid and required ranges lie between these [Å]; a spectrum's other pixels are not looked at. */
  neededFromAngstrom: number;
  neededToAngstrom: number;
}

/** What happened to one spectrum on its way onto the grid. */
export interface Quality {
  /** Share of grid points whose bracketing pixels are both good. */
  coverage: number;
  /** Longest run of bad pixels inside the grid's range [pixels]. */
  longestGap: number;
  /** Median of flux·√ivar of the good pixels inside the grid's range; NaN without ivar. */
  medianSnr: number;
  /** The row is constant, and scaled to 0. */
  constant: boolean;
  /** Grid points lie beyond the data. */
  extrapolated: boolean;
  /** Grid points lie in gaps longer than `max_gap`; they hold what `outside` says. */
  unbridgedGap: boolean;
  /** The file does not say whether its wavelengths are in air or vacuum. */
  mediumUnknown: boolean;
}

export type PreprocessedSpectrum = { quality: Quality } | { rejected: string };

/** A narrow window is judged more strictly: in 200 Å half the points missing may be all of the line. */
const NARROW_GRID_ANGSTROM = 500;

export function planPreprocessing(config: PreprocessingConfig): PreprocessingPlan {
  const { wave_start_point: start, wave_end_point: end } = config;
  return {
    config,
    grid: wavelengthGrid(start, end, config.wave_point_count, config.grid),
    minCoverage: config.min_coverage ?? (end - start < NARROW_GRID_ANGSTROM ? 0.9 : 0.5),
    neededFromAngstrom: Math.min(start, ...config.required_ranges.map(([from]) => from)),
    neededToAngstrom: Math.max(end, ...config.required_ranges.map(([, to]) => to)),
  };
}

/** One stretch of pixels on vacuum wavelengths, several arms joined; `breaks` are first pixels of a new arm. */
interface Pixels {
  wavelengthAngstrom: Float64Array;
  flux: Float64Array;
  ivar: Float64Array | undefined;
  bad: Uint8Array;
  breaks: Set<number>;
}

/**
 * Resamples one spectrum to the grid and scales it: linear interpolation as `numpy.interp` does it, over the good
 * pixels (`bad_pixels: interpolate`) or over all of them (`keep`).
 *
 * Grid points beyond the data, or in a gap longer than `max_gap`, get what `outside` says: the nearest good pixel's
 * value (`edge`), NaN, or the spectrum is rejected. A gap is never bridged by a straight line, which would look like data.
 *
 * @param row where the P values go (float32, length P)
 */
export function preprocessSpectrum(
  spectrum: RawSpectrum,
  plan: PreprocessingPlan,
  row: Float32Array,
): PreprocessedSpectrum {
  const { config, grid } = plan;
  const keep = config.bad_pixels === 'keep';
  const medium = config.medium === 'auto' ? spectrum.medium : config.medium;
  const whole = joinArms(
    spectrum.arms.map((arm) => (medium === 'air' ? toVacuum(arm) : arm)),
    config.wave_start_point,
    config.wave_end_point,
  );
  if (whole.flux.length < 2) return { rejected: `the spectrum has ${whole.flux.length} pixels` };
  const pixels = crop(whole, plan.neededFromAngstrom, plan.neededToAngstrom);
  const { wavelengthAngstrom: wave, flux } = pixels;

  const used = keep ? undefined : goodPixels(pixels);
  if (used?.length === 0) return { rejected: 'every pixel is marked bad' };
  const covered = coveredGridPoints(pixels, grid);
  const values = new Float64Array(grid.length);
  const first = used ? at(used, 0) : 0;
  const last = used ? at(used, used.length - 1) : wave.length - 1;
  const count = used ? used.length : wave.length;
  let extrapolated = false;
  let unbridgedGap = false;

  let left = 0; // index into `used` (or into the pixels): the last one at or below the grid point
  for (let i = 0; i < grid.length; i++) {
    const x = at(grid, i);
    if (x < at(wave, first) || x > at(wave, last)) {
      extrapolated = true;
      const edge = x < at(wave, first) ? first : last;
      values[i] = config.outside === 'nan' ? NaN : at(flux, edge);
      continue;
    }
    while (left + 1 < count && at(wave, used ? at(used, left + 1) : left + 1) <= x) left++;
    const a = used ? at(used, left) : left;
    const b = left + 1 < count ? (used ? at(used, left + 1) : left + 1) : a;
    const x0 = at(wave, a);
    const y0 = at(flux, a);
    if (x === x0 || a === b) {
      values[i] = y0;
    } else if (!keep && !isBridged(pixels, a, b, config.max_gap)) {
      unbridgedGap = true;
      const nearest = x - x0 <= at(wave, b) - x ? a : b;
      values[i] = config.outside === 'nan' ? NaN : at(flux, nearest);
    } else {
      values[i] = y0 + ((at(flux, b) - y0) / (at(wave, b) - x0)) * (x - x0);
    }
  }

  const coverage = covered.reduce((sum, one) => sum + one, 0) / grid.length;
  if (config.outside === 'reject' && (extrapolated || unbridgedGap))
    return {
      rejected: extrapolated
        ? `the grid reaches beyond the good pixels (${at(wave, first).toFixed(1)}-${at(wave, last).toFixed(1)} Å)`
        : `a gap longer than max_gap (${config.max_gap} pixels) lies in the grid`,
    };
  if (used) {
    if (coverage < plan.minCoverage)
      return {
        rejected: `coverage ${coverage.toFixed(3)} of the grid is below min_coverage ${plan.minCoverage}`,
      };
    for (const [from, to] of config.required_ranges)
      if (hasHole(pixels, used, from, to, config.max_gap))
        return { rejected: `a hole in the required range ${from}-${to} Å` };
  }

  // `keep` is the predecessor's arithmetic: one value that is not finite makes its row 0 (numpy's min is NaN then).
  if (keep && config.outside !== 'nan' && config.scaling !== 'none' && !values.every(Number.isFinite))
    values.fill(0);
  const constant = scaleRow(values, config.scaling);
  row.set(values);
  return {
    quality: {
      coverage,
      longestGap: longestGap(pixels, config.wave_start_point, config.wave_end_point),
      medianSnr: medianSnr(pixels, config.wave_start_point, config.wave_end_point),
      constant,
      extrapolated,
      unbridgedGap,
      mediumUnknown: medium === 'unknown',
    },
  };
}

/** Element `i` of an array known to be that long; noUncheckedIndexedAccess cannot know it. */
function at(array: Float64Array | Int32Array | Uint8Array, i: number): number {
  return array[i] as number;
}

function toVacuum(arm: Arm): Arm {
  return { ...arm, wavelengthAngstrom: arm.wavelengthAngstrom.map(airToVacuum) };
}

/** The one arm that covers the grid; else all arms that touch it, joined in order of wavelength. */
function joinArms(arms: Arm[], start: number, end: number): Pixels {
  const reach = (arm: Arm): [number, number] => [
    arm.wavelengthAngstrom[0] ?? Infinity,
    arm.wavelengthAngstrom[arm.wavelengthAngstrom.length - 1] ?? -Infinity,
  ];
  const whole = arms.find((arm) => reach(arm)[0] <= start && reach(arm)[1] >= end);
  const touching = arms.filter((arm) => reach(arm)[0] <= end && reach(arm)[1] >= start);
  const [one, ...others] = whole ? [whole] : touching.length > 0 ? touching : arms.slice(0, 1);
  if (!one)
    return {
      wavelengthAngstrom: new Float64Array(),
      flux: new Float64Array(),
      ivar: undefined,
      bad: new Uint8Array(),
      breaks: new Set(),
    };
  if (others.length === 0) return { ...one, ivar: one.ivar, breaks: new Set() };

  const joined = [one, ...others];
  const breaks = new Set<number>();
  let length = 0;
  for (const arm of joined) {
    if (length > 0) breaks.add(length);
    length += arm.flux.length;
  }
  const concatenate = (pick: (arm: Arm) => ArrayLike<number>) => {
    const all = new Float64Array(length);
    let offset = 0;
    for (const arm of joined) {
      all.set(pick(arm), offset);
      offset += arm.flux.length;
    }
    return all;
  };
  return {
    wavelengthAngstrom: concatenate((arm) => arm.wavelengthAngstrom),
    flux: concatenate((arm) => arm.flux),
    ivar: joined.every((arm) => arm.ivar) ? concatenate((arm) => arm.ivar ?? []) : undefined,
    bad: Uint8Array.from(concatenate((arm) => arm.bad)),
    breaks,
  };
}

/**
 * The pixels from the good one at or before `from` to the good one after `to` [Å], as views: a narrow grid needs a
 * small part of a spectrum, and every later step goes over its pixels.
 */
function crop(pixels: Pixels, from: number, to: number): Pixels {
  const { wavelengthAngstrom: wave, flux, ivar, bad } = pixels;
  let first = Math.max(0, lowerBound(wave, from) - 1);
  while (first > 0 && at(bad, first) !== 0) first--;
  let last = lowerBound(wave, to);
  while (last < wave.length - 1 && (at(wave, last) <= to || at(bad, last) !== 0)) last++;
  const end = Math.min(last, wave.length - 1) + 1;
  return {
    wavelengthAngstrom: wave.subarray(first, end),
    flux: flux.subarray(first, end),
    ivar: ivar?.subarray(first, end),
    bad: bad.subarray(first, end),
    breaks: new Set([...pixels.breaks].map((index) => index - first)),
  };
}

/** Index of the first element that is not below `value`, in rising order. */
function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(sorted, middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function goodPixels({ bad }: Pixels): Int32Array {
  const good = new Int32Array(bad.length);
  let count = 0;
  for (let i = 0; i < bad.length; i++) if (bad[i] === 0) good[count++] = i;
  return good.subarray(0, count);
}

/** 1 for every grid point whose bracketing pixels are both good and in one arm (or that lies on a good pixel). */
function coveredGridPoints(pixels: Pixels, grid: Float64Array): Uint8Array {
  const { wavelengthAngstrom: wave, bad } = pixels;
  const covered = new Uint8Array(grid.length);
  const last = wave.length - 1;
  let left = 0;
  for (let i = 0; i < grid.length; i++) {
    const x = at(grid, i);
    if (x < at(wave, 0) || x > at(wave, last)) continue;
    while (left < last && at(wave, left + 1) <= x) left++;
    if (at(bad, left) !== 0) continue;
    const onPixel = at(wave, left) === x;
    covered[i] = onPixel || (left < last && at(bad, left + 1) === 0 && !pixels.breaks.has(left + 1)) ? 1 : 0;
  }
  return covered;
}

/** Whether [from, to] Å reaches beyond the good pixels or touches a stretch between them that is not bridged. */
function hasHole(pixels: Pixels, used: Int32Array, from: number, to: number, maxGap: number): boolean {
  const { wavelengthAngstrom: wave } = pixels;
  if (from < at(wave, at(used, 0)) || to > at(wave, at(used, used.length - 1))) return true;
  for (let i = 1; i < used.length; i++) {
    const a = at(used, i - 1);
    const b = at(used, i);
    if (at(wave, a) < to && at(wave, b) > from && !isBridged(pixels, a, b, maxGap)) return true;
  }
  return false;
}

/** Whether a line may be drawn from good pixel `a` to the next good one, `b`. */
function isBridged({ breaks }: Pixels, a: number, b: number, maxGap: number): boolean {
  if (b - a - 1 > maxGap) return false;
  for (const first of breaks) if (a < first && first <= b) return false;
  return true;
}

function longestGap({ wavelengthAngstrom: wave, bad }: Pixels, start: number, end: number): number {
  let longest = 0;
  let run = 0;
  for (let i = 0; i < wave.length; i++) {
    const x = at(wave, i);
    run = x >= start && x <= end && at(bad, i) !== 0 ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  return longest;
}

function medianSnr(
  { wavelengthAngstrom: wave, flux, ivar, bad }: Pixels,
  start: number,
  end: number,
): number {
  if (!ivar) return NaN;
  const ratios = new Float64Array(wave.length);
  let count = 0;
  for (let i = 0; i < wave.length; i++) {
    const x = at(wave, i);
    if (x >= start && x <= end && at(bad, i) === 0) ratios[count++] = at(flux, i) * Math.sqrt(at(ivar, i));
  }
  if (count === 0) return NaN;
  const sorted = ratios.subarray(0, count).sort();
  const middle = count >> 1;
  return count % 2 ? at(sorted, middle) : (at(sorted, middle - 1) + at(sorted, middle)) / 2;
}
