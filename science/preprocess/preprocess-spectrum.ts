import type { RawSpectrum } from '../spectra/spectrum.ts';
import { divideByContinuum } from './continuum.ts';
import { despike } from './despike.ts';
import { byteAt, floatAt, lowerBound } from './elements.ts';
import { conserveFlux } from './flux-conserving.ts';
import type { Kernel } from './kernel.ts';
import { firstUsedPixel, interpolateLinearly, interpolateShared, lastUsedPixel } from './linear.ts';
import { middleInPlace } from './median.ts';
import { atLeast, crop, findSegments, isBridged, type Pixels, selectPixels } from './pixels.ts';
import { marginAngstrom, type PreprocessingPlan, usableRedshift } from './plan.ts';
import { scaleInKernel, scaleRow } from './scaling.ts';
import { type Kernel as SmoothingKernel, smooth } from './smoothing.ts';

export { neededRange, planPreprocessing, type PreprocessingPlan } from './plan.ts';

/** What happened to one spectrum on its way onto the grid. */
export interface Quality {
  /** Share of grid points whose bracketing pixels are both good. */
  coverage: number;
  /** Longest run of bad pixels inside the grid's range [pixels]. */
  longestGap: number;
  /** Median of flux·√ivar of the good pixels inside the grid's range, as the file has them; NaN without ivar. */
  medianSnr: number;
  /** The row is constant, and scaled to 0. */
  constant: boolean;
  /** Grid points lie beyond the data. */
  extrapolated: boolean;
  /** Grid points lie in gaps longer than `max_gap`; they hold what `outside` says. */
  unbridgedGap: boolean;
  /** The file does not say whether its wavelengths are in air or vacuum. */
  mediumUnknown: boolean;
  /** Pixels inside the grid's range that `despike` replaced. */
  despikedPixels: number;
}

export type PreprocessedSpectrum = { quality: Quality } | { rejected: string };

/**
 * Puts one spectrum on the plan's grid. In this order: to vacuum, to the rest frame, despiked, smoothed, resampled
 * (over the good pixels, or with `bad_pixels: keep` over all of them as they are), scaled.
 *
 * Grid points beyond the data, or in a gap longer than `max_gap`, get what `outside` says: the nearest good pixel's
 * value (`edge`), NaN, or the spectrum is rejected. A gap is never bridged by a straight line, which would look like data.
 *
 * @param spectrum whole, or what of it `neededRange` asks for; it is not changed
 * @param row where the P values go (float32, length P)
 */
export function preprocessSpectrum(
  spectrum: RawSpectrum,
  plan: PreprocessingPlan,
  row: Float32Array,
): PreprocessedSpectrum {
  const { config, grid, memory, neededFromAngstrom: from, neededToAngstrom: to } = plan;
  const { pixels, resampled } = memory;
  const { wave_start_point: start, wave_end_point: end } = config;
  const keepBad = config.bad_pixels === 'keep';
  const medium = config.medium === 'auto' ? spectrum.medium : config.medium;
  let stretch = 1;
  if (config.rest_frame) {
    const redshift = usableRedshift(spectrum.metadata);
    if (redshift === undefined)
      return { rejected: 'no usable redshift Z in the file, which rest_frame needs' };
    stretch = 1 + redshift;
  }
  selectPixels(pixels, memory.arms, {
    arms: spectrum.arms,
    medium,
    stretch,
    startAngstrom: start,
    endAngstrom: end,
    keepBad,
  });
  if (pixels.end < 2) return { rejected: `the spectrum has ${pixels.end} pixels` };
  crop(pixels, from - marginAngstrom(plan, from, stretch), to + marginAngstrom(plan, to, stretch));
  if (firstUsedPixel(pixels) === pixels.end) return { rejected: 'every pixel is marked bad' };

  const inKernel = isForKernel(plan, pixels);
  const values = inKernel ? plan.loops.values : memory.values;
  if (inKernel) takeIntoKernel(plan.loops, pixels);
  const { longestGap, medianSnr } = pixelQuality(plan, inKernel);
  let despikedPixels = 0;
  if (config.despike) {
    memory.despiked = atLeast(memory.despiked, pixels.end);
    memory.sorted = atLeast(memory.sorted, pixels.end);
    despikedPixels = despike(pixels, start, end, memory.despiked, memory.sorted);
    pixels.flux = memory.despiked;
  }
  if (plan.kernel) smoothNeeded(plan, plan.kernel, stretch);
  else if (config.despike) crop(pixels, from, to);

  const options = {
    keepBad,
    maxGap: config.max_gap,
    fill: config.outside === 'nan' ? 'nan' : 'edge',
  } as const;
  if (plan.binEdges) {
    findSegments(pixels, config.max_gap);
    conserveFlux(pixels, grid, plan.binEdges, options, memory, values, resampled);
  } else if (inKernel) {
    const brackets = plan.brackets.of(pixels.wavelengthAngstrom);
    interpolateShared(pixels, grid, brackets, options, plan.loops, resampled);
  } else {
    interpolateLinearly(pixels, grid, options, values, resampled);
  }

  const { extrapolated, unbridgedGap } = resampled;
  const coverage = resampled.covered / grid.length;
  if (config.outside === 'reject' && extrapolated) return { rejected: beyondTheData(pixels, grid) };
  if (config.outside === 'reject' && unbridgedGap)
    return { rejected: `a gap longer than max_gap (${config.max_gap} pixels) lies in the grid` };
  if (!keepBad) {
    if (coverage < plan.minCoverage)
      return {
        rejected: `coverage ${coverage.toFixed(3)} of the grid is below min_coverage ${plan.minCoverage}`,
      };
    for (const [rangeFrom, rangeTo] of config.required_ranges)
      if (hasHole(pixels, rangeFrom, rangeTo, config.max_gap))
        return { rejected: `a hole in the required range ${rangeFrom}-${rangeTo} Å` };
  }

  // `keep` is the predecessor's arithmetic: one value that is not finite makes its row 0 (numpy's min is NaN then).
  if (keepBad && config.outside !== 'nan' && config.scaling !== 'none' && !areFinite(values)) values.fill(0);
  const scaling = config.scaling === 'continuum' ? 'none' : config.scaling;
  let constant =
    inKernel && (scaling === 'minmax' || scaling === 'minmax01')
      ? scaleInKernel(plan.loops, scaling, row)
      : scaleRow(values, scaling, row);
  if (plan.continuum) {
    const failedAt = constant ? -1 : divideByContinuum(values, plan.continuum);
    if (failedAt >= 0 && !keepBad)
      return {
        rejected: `no continuum above 0 could be fitted (at ${floatAt(grid, failedAt).toFixed(1)} Å)`,
      };
    constant ||= failedAt >= 0;
    if (constant) values.fill(0);
    row.set(values);
  }
  return {
    quality: {
      coverage,
      longestGap,
      medianSnr,
      constant,
      extrapolated,
      unbridgedGap,
      mediumUnknown: medium === 'unknown',
      despikedPixels,
    },
  };
}

/** Smooths what the grid needs of the pixels and narrows them to that. */
function smoothNeeded(plan: PreprocessingPlan, kernel: SmoothingKernel, stretch: number): void {
  const { config, memory } = plan;
  const { pixels } = memory;
  findSegments(pixels, config.max_gap);
  crop(pixels, plan.neededFromAngstrom, plan.neededToAngstrom);
  memory.smoothed = atLeast(memory.smoothed, pixels.end);
  // σ in Å is given as observed.
  const inFrame = stretch === 1 ? kernel : { ...kernel, constantAngstrom: kernel.constantAngstrom / stretch };
  smooth(pixels, inFrame, pixels.first, pixels.end, memory.smoothed);
  pixels.flux = memory.smoothed;
}

/** Why grid points have no data, said of the end where more of the grid lies beyond. */
function beyondTheData(pixels: Pixels, grid: Float64Array): string {
  const { wavelengthAngstrom: wave } = pixels;
  const first = floatAt(wave, firstUsedPixel(pixels));
  const last = floatAt(wave, lastUsedPixel(pixels));
  const where =
    first - floatAt(grid, 0) > floatAt(grid, grid.length - 1) - last
      ? `begin at ${first.toFixed(1)}`
      : `end at ${last.toFixed(1)}`;
  return `the grid reaches beyond the good pixels, which ${where} Å`;
}

/** Whether [from, to] Å reaches beyond the used pixels or touches a stretch between them that is not bridged. */
function hasHole(pixels: Pixels, from: number, to: number, maxGap: number): boolean {
  const { wavelengthAngstrom: wave, skipped } = pixels;
  let before = firstUsedPixel(pixels);
  if (from < floatAt(wave, before) || to > floatAt(wave, lastUsedPixel(pixels))) return true;
  for (let i = before + 1; i < pixels.end && floatAt(wave, before) < to; i++) {
    if (byteAt(skipped, i) !== 0) continue;
    if (floatAt(wave, i) > from && !isBridged(pixels, before, i, maxGap)) return true;
    before = i;
  }
  return false;
}

/** Whether the loops of kernel.as do it: the usual case, of a survey's spectra and the default options. */
function isForKernel({ config, binEdges, kernel, loops }: PreprocessingPlan, pixels: Pixels): boolean {
  return (
    pixels.haveSharedWavelengths &&
    pixels.ivar !== undefined &&
    pixels.end <= loops.flux.length &&
    config.bad_pixels !== 'keep' &&
    !config.despike &&
    !kernel &&
    !binEdges
  );
}

function takeIntoKernel(loops: Kernel, { flux, ivar, bad, first, end }: Pixels): void {
  loops.flux.set(flux.subarray(first, end), first);
  loops.bad.set(bad.subarray(first, end), first);
  if (ivar) loops.ivar.set(ivar.subarray(first, end), first);
}

/** Longest run of bad pixels, and median of flux·√ivar of the good ones (NaN without ivar), on the grid's range [Å]. */
function pixelQuality(plan: PreprocessingPlan, inKernel: boolean): { longestGap: number; medianSnr: number } {
  const { memory, config } = plan;
  const { wavelengthAngstrom: wave, flux, ivar, bad, first, end } = memory.pixels;
  const from = lowerBound(wave, config.wave_start_point, first, end);
  let to = lowerBound(wave, config.wave_end_point, from, end);
  while (to < end && floatAt(wave, to) === config.wave_end_point) to++;
  if (!ivar) return { longestGap: longestRun(bad, from, to), medianSnr: NaN };
  if (inKernel) {
    const { longestGap, squares, middle } = plan.loops.quality(from, to);
    return { longestGap, medianSnr: meanRoot(middle ?? middleInPlace(squares, squares.length)) };
  }
  memory.sorted = atLeast(memory.sorted, end);
  const squares = memory.sorted;
  let count = 0;
  // No branches: where the bad pixels are cannot be foreseen, and guessing wrong costs more than the work.
  for (let i = from; i < to; i++) {
    // Of the same order as flux·√ivar, without a root for each; a bad pixel's is written over.
    const value = floatAt(flux, i);
    squares[count] = Math.abs(value) * value * floatAt(ivar, i);
    count += byteAt(bad, i) ^ 1;
  }
  return { longestGap: longestRun(bad, from, to), medianSnr: meanRoot(middleInPlace(squares, count)) };
}

function meanRoot([lower, upper]: [number, number]): number {
  return (signedRoot(lower) + signedRoot(upper)) / 2;
}

function longestRun(bad: Uint8Array, from: number, to: number): number {
  let longest = 0;
  let run = 0;
  for (let i = from; i < to; i++) {
    run = (run + 1) & -byteAt(bad, i);
    if (run > longest) longest = run;
  }
  return longest;
}

function signedRoot(value: number): number {
  return value < 0 ? -Math.sqrt(-value) : Math.sqrt(value);
}

function areFinite(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(floatAt(values, i))) return false;
  return true;
}
