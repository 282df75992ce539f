import { byteAt, floatAt, indexAt, lowerBound } from './elements.ts';
import { type GridOptions, type Resampled } from './linear.ts';
import { atLeast, type Pixels, startsArm } from './pixels.ts';

/** Memory for the bins, used again for every spectrum. */
export interface BinMemory {
  flux: Float64Array;
  edges: Float64Array;
}

/**
 * Edges of the bins around wavelengths [Å], one more than these, as `spectres` has them: midway between neighbours; the
 * first and last bin reach as far out as half the distance to their neighbour.
 */
export function binEdges(wavelengthAngstrom: Float64Array): Float64Array {
  const count = wavelengthAngstrom.length;
  const edges = new Float64Array(count + 1);
  for (let i = 1; i < count; i++)
    edges[i] = (floatAt(wavelengthAngstrom, i - 1) + floatAt(wavelengthAngstrom, i)) / 2;
  const first = floatAt(wavelengthAngstrom, 0);
  const last = floatAt(wavelengthAngstrom, count - 1);
  edges[0] = first - (floatAt(wavelengthAngstrom, 1) - first) / 2;
  edges[count] = last + (last - floatAt(wavelengthAngstrom, count - 2)) / 2;
  return edges;
}

/**
 * Flux-conserving resampling: each grid point gets the mean flux over its bin, every pixel weighted by the width of its
 * overlap with the bin. SpectRes, Carnall 2017, arXiv:1705.05165; equal to `spectres` 2.2.
 *
 * Gaps that are bridged are first filled by a straight line between their used neighbours. A bin that overlaps an
 * unbridged gap, the space between two arms, or reaches beyond the data has no data.
 *
 * @param pixels with segments found
 * @param edges of the grid's bins, one more than points
 * @param values where the fluxes go; as long as the grid
 * @param result is filled in
 */
export function conserveFlux(
  pixels: Pixels,
  grid: Float64Array,
  edges: Float64Array,
  options: GridOptions,
  memory: BinMemory,
  values: Float64Array,
  result: Resampled,
): void {
  const { wavelengthAngstrom: wave, bad, segmentFirst, segmentLast, segments } = pixels;
  const flux = bridgedFlux(pixels, memory);
  const pixelEdges = segmentEdges(pixels, memory);
  const lowest = floatAt(pixelEdges, indexAt(segmentFirst, 0));
  const highest = floatAt(pixelEdges, indexAt(segmentLast, segments - 1) + segments);
  let covered = 0;
  let extrapolated = false;
  let unbridgedGap = false;

  let left = pixels.first; // the last pixel at or below the grid point, for the coverage
  let segment = 0;
  let pixel = indexAt(segmentFirst, 0);
  for (let i = 0; i < grid.length; i++) {
    const low = floatAt(edges, i);
    const high = floatAt(edges, i + 1);
    while (
      segment < segments - 1 &&
      floatAt(pixelEdges, indexAt(segmentFirst, segment + 1) + segment + 1) <= low
    ) {
      segment++;
      pixel = indexAt(segmentFirst, segment);
    }
    // Edge e of segment s stands at e + s: a segment has one more edges than pixels.
    const last = indexAt(segmentLast, segment);
    if (
      low < floatAt(pixelEdges, indexAt(segmentFirst, segment) + segment) ||
      high > floatAt(pixelEdges, last + 1 + segment)
    ) {
      const x = floatAt(grid, i);
      if (low < lowest || high > highest) extrapolated = true;
      else unbridgedGap = true;
      values[i] = options.fill === 'nan' ? NaN : floatAt(flux, nearestUsedPixel(pixels, x, segment));
      continue;
    }
    while (floatAt(pixelEdges, pixel + 1 + segment) <= low) pixel++;
    let to = pixel;
    let upper = floatAt(pixelEdges, to + 1 + segment);
    if (upper >= high) {
      values[i] = floatAt(flux, pixel);
    } else {
      let sum = floatAt(flux, pixel) * (upper - low);
      while (upper < high) {
        const lower = upper;
        to++;
        upper = floatAt(pixelEdges, to + 1 + segment);
        sum += floatAt(flux, to) * ((upper < high ? upper : high) - lower);
      }
      values[i] = sum / (high - low);
      pixel = to;
    }
    covered += isCovered(i);
  }
  result.covered = covered;
  result.extrapolated = extrapolated;
  result.unbridgedGap = unbridgedGap;

  function isCovered(i: number): number {
    const x = floatAt(grid, i);
    while (left < pixels.end - 1 && floatAt(wave, left + 1) <= x) left++;
    if (byteAt(bad, left) !== 0) return 0;
    if (floatAt(wave, left) === x || left === pixels.end - 1) return 1;
    return byteAt(bad, left + 1) === 0 ? 1 : 0;
  }
}

/**
 * Index of the used pixel that is nearest to `x` [Å]; of two equally near ones, that of the shorter wavelength.
 * @param from a segment that begins at `x` or below, or the first
 */
function nearestUsedPixel(pixels: Pixels, x: number, from: number): number {
  const { wavelengthAngstrom: wave, skipped, segmentFirst, segmentLast, segments } = pixels;
  let segment = from;
  while (segment < segments - 1 && floatAt(wave, indexAt(segmentFirst, segment + 1)) <= x) segment++;
  const first = indexAt(segmentFirst, segment);
  const last = indexAt(segmentLast, segment);
  let before = -1;
  let after = -1;
  if (x < floatAt(wave, first)) {
    if (segment > 0) before = indexAt(segmentLast, segment - 1);
    after = first;
  } else if (x > floatAt(wave, last)) {
    before = last;
    if (segment < segments - 1) after = indexAt(segmentFirst, segment + 1);
  } else {
    after = lowerBound(wave, x, first, last);
    before = after === first ? first : after - 1;
    while (byteAt(skipped, after) !== 0) after++;
    while (byteAt(skipped, before) !== 0) before--;
  }
  if (before < 0) return after;
  if (after < 0) return before;
  return x - floatAt(wave, before) <= floatAt(wave, after) - x ? before : after;
}

/** The flux with bridged gaps filled: the file's own where there are none, else a copy. */
function bridgedFlux(pixels: Pixels, memory: BinMemory): Float64Array {
  const { wavelengthAngstrom: wave, flux, skipped, segmentFirst, segmentLast, segments } = pixels;
  let used = 0;
  for (let i = pixels.first; i < pixels.end; i++) used += 1 - byteAt(skipped, i);
  let pixelsInSegments = 0;
  for (let s = 0; s < segments; s++)
    pixelsInSegments += indexAt(segmentLast, s) - indexAt(segmentFirst, s) + 1;
  if (used === pixelsInSegments) return flux;

  memory.flux = atLeast(memory.flux, pixels.end);
  const bridged = memory.flux;
  for (let s = 0; s < segments; s++) {
    let before = indexAt(segmentFirst, s);
    for (let i = before; i <= indexAt(segmentLast, s); i++) {
      if (byteAt(skipped, i) !== 0) continue;
      bridged[i] = floatAt(flux, i);
      if (i > before + 1) {
        const y0 = floatAt(flux, before);
        const slope = (floatAt(flux, i) - y0) / (floatAt(wave, i) - floatAt(wave, before));
        for (let j = before + 1; j < i; j++)
          bridged[j] = y0 + slope * (floatAt(wave, j) - floatAt(wave, before));
      }
      before = i;
    }
  }
  return bridged;
}

/** Edges of the pixels of every segment: those of segment s begin at its first pixel's index plus s. */
function segmentEdges(pixels: Pixels, memory: BinMemory): Float64Array {
  const { wavelengthAngstrom: wave, segmentFirst, segmentLast, segments } = pixels;
  memory.edges = atLeast(memory.edges, pixels.end + segments + 1);
  const edges = memory.edges;
  for (let s = 0; s < segments; s++) {
    const first = indexAt(segmentFirst, s);
    const last = indexAt(segmentLast, s);
    for (let i = first + 1; i <= last; i++) edges[i + s] = (floatAt(wave, i - 1) + floatAt(wave, i)) / 2;
    const hasBelow = first > pixels.first && !startsArm(pixels, first);
    const hasAbove = last + 1 < pixels.end && !startsArm(pixels, last + 1);
    // At the end of an arm, half the distance to the neighbour on the other side.
    const below = hasBelow ? first - 1 : hasAbove || last > first ? first + 1 : first;
    const above = hasAbove ? last + 1 : hasBelow || last > first ? last - 1 : last;
    edges[first + s] = floatAt(wave, first) - Math.abs(floatAt(wave, below) - floatAt(wave, first)) / 2;
    edges[last + 1 + s] = floatAt(wave, last) + Math.abs(floatAt(wave, above) - floatAt(wave, last)) / 2;
  }
  return edges;
}
