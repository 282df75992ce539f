import { at, lowerBound } from './elements.ts';
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
  const { wavelengthAngstrom: wave, flux, bad, skipped, first } = pixels;
  const { keepBad } = options;
  const last = pixels.end - 1;
  const hasBreaks = pixels.breaks.length > 0;
  const firstUsed = firstUsedPixel(pixels);
  const lastUsed = lastUsedPixel(pixels);
  let covered = 0;
  let extrapolated = false;
  let unbridgedGap = false;
  // The used pixels around the last point that lay in a gap.
  let before = -1;
  let after = -1;

  let left = first; // the last pixel at or below the grid point
  for (let i = 0; i < grid.length; i++) {
    const x = at(grid, i);
    while (left < last && at(wave, left + 1) <= x) left++;
    const x0 = at(wave, left);
    if (left < last && x0 <= x && (at(skipped, left) | at(skipped, left + 1)) === 0) {
      const isBreak = hasBreaks && startsArm(pixels, left + 1);
      if (!isBreak || keepBad) {
        const y0 = at(flux, left);
        values[i] = x === x0 ? y0 : y0 + ((at(flux, left + 1) - y0) / (at(wave, left + 1) - x0)) * (x - x0);
        if (at(bad, left) === 0 && (x === x0 || (at(bad, left + 1) === 0 && !isBreak))) covered++;
        continue;
      }
    }
    if (x === x0 && at(bad, left) === 0) covered++;
    if (x < at(wave, firstUsed) || x > at(wave, lastUsed)) {
      extrapolated = true;
      values[i] = options.fill === 'nan' ? NaN : at(flux, x < at(wave, firstUsed) ? firstUsed : lastUsed);
      continue;
    }
    if (before < 0 || left >= after) {
      before = left;
      while (at(skipped, before) !== 0) before--;
      after = left + 1;
      while (after <= last && at(skipped, after) !== 0) after++;
      if (after > last) after = before;
    }
    const below = at(wave, before);
    const y0 = at(flux, before);
    if (x === below || before === after) {
      values[i] = y0;
    } else if (!isBridged(pixels, before, after, options.maxGap)) {
      unbridgedGap = true;
      const nearest = x - below <= at(wave, after) - x ? before : after;
      values[i] = options.fill === 'nan' ? NaN : at(flux, nearest);
    } else {
      values[i] = y0 + ((at(flux, after) - y0) / (at(wave, after) - below)) * (x - below);
    }
  }
  result.covered = covered;
  result.extrapolated = extrapolated;
  result.unbridgedGap = unbridgedGap;
}

/** Index of the first used pixel; `end` where there is none. */
export function firstUsedPixel({ skipped, first, end }: Pixels): number {
  let i = first;
  while (i < end && at(skipped, i) !== 0) i++;
  return i;
}

/** Index of the last used pixel; below `first` where there is none. */
export function lastUsedPixel({ skipped, first, end }: Pixels): number {
  let i = end - 1;
  while (i >= first && at(skipped, i) !== 0) i--;
  return i;
}

/** Index of the used pixel that is nearest to `x` [Å]; of two equally near ones, that of the shorter wavelength. */
export function nearestUsedPixel(pixels: Pixels, x: number): number {
  const { wavelengthAngstrom: wave, skipped, first, end } = pixels;
  let after = lowerBound(wave, x, first, end);
  let before = after - 1;
  while (after < end && at(skipped, after) !== 0) after++;
  while (before >= first && at(skipped, before) !== 0) before--;
  if (before < first) return after;
  if (after >= end) return before;
  return x - at(wave, before) <= at(wave, after) - x ? before : after;
}
