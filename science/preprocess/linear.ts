import type { Brackets } from './brackets.ts';
import { byteAt, floatAt, indexAt } from './elements.ts';
import type { Kernel } from './kernel.ts';
import { isBridged, type Pixels, startsArm } from './pixels.ts';

export interface GridOptions {
  /** Every pixel is used, and no gap is a gap. */
  keepBad: boolean;
  /** Longest run of skipped pixels that is bridged. */
  maxGap: number;
  /** What grid points get that have no data: the nearest used pixel's value, or NaN. */
  fill: 'edge' | 'nan';
}

/** What came of the grid's points. */
export interface Resampled {
  /** Points whose bracketing pixels are both good (or that lie on a good pixel), and that have data. */
  covered: number;
  /** Points lie beyond the data. */
  extrapolated: boolean;
  /** Points lie in gaps that are not bridged. */
  unbridgedGap: boolean;
}

/**
 * Linear interpolation between the used pixels on either side of each grid point, as `numpy.interp`.
 *
 * @param values where the fluxes go; as long as the grid
 * @param result is filled in
 */
export function interpolateLinearly(
  pixels: Pixels,
  grid: Float64Array,
  options: GridOptions,
  values: Float64Array,
  result: Resampled,
): void {
  const { wavelengthAngstrom: wave, flux, bad, skipped } = pixels;
  const { keepBad } = options;
  const last = pixels.end - 1;
  const points = grid.length;
  const hasBreaks = pixels.breaks.length > 0;
  const gap = { before: -1, after: -1, firstUsed: firstUsedPixel(pixels), lastUsed: lastUsedPixel(pixels) };
  let covered = 0;
  result.extrapolated = false;
  result.unbridgedGap = false;

  let i = 0;
  let x = floatAt(grid, 0);
  for (let left = pixels.first; left < last && i < points; left++) {
    const x1 = floatAt(wave, left + 1);
    if (x >= x1) continue;
    const x0 = floatAt(wave, left);
    if (x < x0) {
      // Before the first pixel, or before an arm that overlaps the one below it.
      do {
        values[i++] = valueInGap(pixels, x, left, options, gap, result);
        x = i < points ? floatAt(grid, i) : Infinity;
      } while (x < x0);
      if (x >= x1) continue;
    }
    const start = i;
    const isBreak = hasBreaks && startsArm(pixels, left + 1);
    if ((byteAt(skipped, left) | byteAt(skipped, left + 1)) === 0 && (!isBreak || keepBad)) {
      const isCovered = !keepBad || (byteAt(bad, left) === 0 && byteAt(bad, left + 1) === 0 && !isBreak);
      if (!isCovered && x === x0 && byteAt(bad, left) === 0) covered++;
      const y0 = floatAt(flux, left);
      const slope = (floatAt(flux, left + 1) - y0) / (x1 - x0);
      do {
        values[i++] = x === x0 ? y0 : y0 + slope * (x - x0);
        x = i < points ? floatAt(grid, i) : Infinity;
      } while (x < x1);
      if (isCovered) covered += i - start;
    } else {
      if (x === x0 && byteAt(bad, left) === 0) covered++;
      do {
        values[i++] = valueInGap(pixels, x, left, options, gap, result);
        x = i < points ? floatAt(grid, i) : Infinity;
      } while (x < x1);
    }
  }
  for (; i < points; i++) {
    x = floatAt(grid, i);
    if (x === floatAt(wave, last) && byteAt(bad, last) === 0) covered++;
    values[i] = valueInGap(pixels, x, last, options, gap, result);
  }
  result.covered = covered;
}

/**
 * The same over the good pixels of one arm whose wavelengths many spectra share: which pixels lie beside a grid point is
 * worked out once for all of them, which is most of the work. Gaps are bridged first, for a spectrum has many.
 */
export function interpolateShared(
  pixels: Pixels,
  grid: Float64Array,
  brackets: Brackets,
  options: GridOptions,
  kernel: Kernel,
  result: Resampled,
): void {
  const { wavelengthAngstrom: wave, first } = pixels;
  const { values } = kernel;
  const offset = wave.byteOffset / wave.BYTES_PER_ELEMENT;
  const last = pixels.end - 1;
  const gap = { before: -1, after: -1, firstUsed: firstUsedPixel(pixels), lastUsed: lastUsedPixel(pixels) };
  result.extrapolated = false;
  result.unbridgedGap = false;
  const badRuns = kernel.badRuns(first, pixels.end);
  bridgeGaps(pixels, badRuns, kernel.flux);
  const { left, firstPoint } = brackets;
  const inGap = (from: number, to: number): void => {
    for (let i = from; i < to; i++) {
      const nearest = Math.min(Math.max(indexAt(left, i) - offset, first), last);
      values[i] = valueInGap(pixels, floatAt(grid, i), nearest, options, gap, result);
    }
  };

  // Points below the first pixel, and from the last one on, have no pixels on both sides.
  const begin = indexAt(firstPoint, first + offset);
  const end = Math.max(begin, indexAt(firstPoint, last + offset));
  inGap(0, begin);
  let covered = end - begin;
  let done = begin;
  for (let run = 0; run < badRuns.length; run += 2) {
    const from = indexAt(badRuns, run);
    const to = indexAt(badRuns, run + 1);
    let start = from === first ? begin : indexAt(firstPoint, from - 1 + offset);
    // A point on the good pixel below the run has what it needs.
    if (from > first && start < end && floatAt(grid, start) === floatAt(wave, from - 1)) start++;
    const stop = to === last ? end : indexAt(firstPoint, to + 1 + offset);
    if (stop <= start) continue;
    covered -= stop - start;
    if (from > first && to < last && to - from < options.maxGap) continue;
    kernel.interpolate(brackets, offset, done, start);
    inGap(start, stop);
    done = stop;
  }
  kernel.interpolate(brackets, offset, done, end);
  inGap(end, grid.length);
  if (end < grid.length && floatAt(grid, end) === floatAt(wave, last) && byteAt(pixels.bad, last) === 0)
    covered++;
  result.covered = covered;
}

/**
 * Works out fluxes for the bad pixels between good ones, in place.
 * @param badRuns first and last pixel of each run of bad ones
 * @param flux the pixels' fluxes, which may be changed
 */
function bridgeGaps(
  { wavelengthAngstrom: wave, first, end }: Pixels,
  badRuns: Int32Array,
  flux: Float64Array,
): void {
  for (let run = 0; run < badRuns.length; run += 2) {
    const from = indexAt(badRuns, run);
    const to = indexAt(badRuns, run + 1);
    if (from === first || to === end - 1) {
      flux.fill(0, from, to + 1);
      continue;
    }
    const x0 = floatAt(wave, from - 1);
    const y0 = floatAt(flux, from - 1);
    const slope = (floatAt(flux, to + 1) - y0) / (floatAt(wave, to + 1) - x0);
    for (let k = from; k <= to; k++) flux[k] = y0 + slope * (floatAt(wave, k) - x0);
  }
}

/** The used pixels around the last grid point that lay in a gap, and the first and last of all. */
interface Gap {
  before: number;
  after: number;
  firstUsed: number;
  lastUsed: number;
}

/** The value at a grid point that does not lie between two used pixels side by side; `left` is the pixel below it. */
function valueInGap(
  pixels: Pixels,
  x: number,
  left: number,
  options: GridOptions,
  gap: Gap,
  result: Resampled,
): number {
  const { wavelengthAngstrom: wave, flux, skipped } = pixels;
  const { firstUsed, lastUsed } = gap;
  if (x < floatAt(wave, firstUsed) || x > floatAt(wave, lastUsed)) {
    result.extrapolated = true;
    return options.fill === 'nan' ? NaN : floatAt(flux, x < floatAt(wave, firstUsed) ? firstUsed : lastUsed);
  }
  if (gap.before < 0 || left >= gap.after) {
    gap.before = left;
    while (byteAt(skipped, gap.before) !== 0) gap.before--;
    gap.after = left + 1;
    while (gap.after < lastUsed && byteAt(skipped, gap.after) !== 0) gap.after++;
    if (gap.after > lastUsed) gap.after = gap.before;
  }
  const { before, after } = gap;
  const x0 = floatAt(wave, before);
  const y0 = floatAt(flux, before);
  if (x === x0 || before === after) return y0;
  const x1 = floatAt(wave, after);
  if (isBridged(pixels, before, after, options.maxGap))
    return y0 + ((floatAt(flux, after) - y0) / (x1 - x0)) * (x - x0);
  result.unbridgedGap = true;
  return options.fill === 'nan' ? NaN : floatAt(flux, x - x0 <= x1 - x ? before : after);
}

/** Index of the first used pixel; `end` where there is none. */
export function firstUsedPixel({ skipped, first, end }: Pixels): number {
  let i = first;
  while (i < end && byteAt(skipped, i) !== 0) i++;
  return i;
}

/** Index of the last used pixel; below `first` where there is none. */
export function lastUsedPixel({ skipped, first, end }: Pixels): number {
  let i = end - 1;
  while (i >= first && byteAt(skipped, i) !== 0) i--;
  return i;
}
