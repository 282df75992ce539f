import { byteAt, floatAt, indexAt } from './elements.ts';
import { medianInPlace } from './median.ts';

/** One degree of the polynomial for this much of the grid in ln λ: 9 %, some 600 Å at Hα. */
const RANGE_PER_DEGREE = 0.09;
const HIGHEST_DEGREE = 12;
const MOST_BINS = 128;
const LEAST_BINS = 10;
/** Bins further below (absorption) or above (emission) the fit than this many σ of their scatter are left out. */
const LOWER_SIGMAS = 2;
const UPPER_SIGMAS = 3;
/** What they still weigh in the fit, so that it cannot run away at an end of the grid where all bins are left out. */
const CLIPPED_WEIGHT = 0.003;
const ROUNDS = 10;
const SIGMA_PER_MEDIAN_DEVIATION = 1.4826;

/** What the fit needs of a grid, and its memory. */
export interface ContinuumPlan {
  terms: number;
  /** First grid point of each bin, and the grid's length. */
  binFirst: Int32Array;
  /** Legendre polynomials of degree 0 up to `terms` − 1 at the middle of each bin, and at each grid point. */
  atBins: Float64Array;
  atPoints: Float64Array;
  medians: Float64Array;
  deviations: Float64Array;
  kept: Uint8Array;
  matrix: Float64Array;
  coefficients: Float64Array;
  sorted: Float64Array;
}

/** Prepares the continuum of spectra on `grid` [Å], which has at least 20 points. */
export function planContinuum(grid: Float64Array): ContinuumPlan {
  const points = grid.length;
  const bins = Math.min(MOST_BINS, Math.max(LEAST_BINS, points >> 2));
  const degree = Math.min(
    HIGHEST_DEGREE,
    Math.floor(bins / 3),
    Math.max(1, Math.round(Math.log(floatAt(grid, points - 1) / floatAt(grid, 0)) / RANGE_PER_DEGREE)),
  );
  const terms = degree + 1;
  const binFirst = Int32Array.from({ length: bins + 1 }, (_, bin) => Math.round((bin * points) / bins));
  const atBins = new Float64Array(bins * terms);
  const atPoints = new Float64Array(points * terms);
  const position = (index: number) => (2 * index) / (points - 1) - 1;
  for (let bin = 0; bin < bins; bin++)
    legendre(
      position((indexAt(binFirst, bin) + indexAt(binFirst, bin + 1) - 1) / 2),
      atBins,
      bin * terms,
      terms,
    );
  for (let i = 0; i < points; i++) legendre(position(i), atPoints, i * terms, terms);
  return {
    terms,
    binFirst,
    atBins,
    atPoints,
    medians: new Float64Array(bins),
    deviations: new Float64Array(bins),
    kept: new Uint8Array(bins),
    matrix: new Float64Array(terms * terms),
    coefficients: new Float64Array(terms),
    sorted: new Float64Array(points),
  };
}

/** P0(x) … of as many degrees as `terms`, by Bonnet's recursion. */
function legendre(x: number, into: Float64Array, offset: number, terms: number): void {
  into[offset] = 1;
  if (terms > 1) into[offset + 1] = x;
  for (let k = 2; k < terms; k++)
    into[offset + k] =
      ((2 * k - 1) * x * floatAt(into, offset + k - 1) - (k - 1) * floatAt(into, offset + k - 2)) / k;
}

/**
 * Divides values on the grid by their continuum, in place, so that it becomes 1.
 *
 * The continuum is a Legendre polynomial (one degree for every 9 % of wavelength, 1 to 12) through the medians of up to
 * 128 bins of grid points, fitted by least squares; bins more than 2 σ below or 3 σ above it weigh 0.003 in the
 * next fit, up to ten times. Values that are not finite take no part and stay.
 *
 * @returns index of the first grid point where the continuum is not above 0 (nothing is divided then); -1 where all is well;
 *   0 too where too few points are finite
 */
export function divideByContinuum(values: Float64Array, plan: ContinuumPlan): number {
  const { terms, binFirst, atPoints, medians, kept, coefficients, sorted } = plan;
  const bins = medians.length;
  let usable = 0;
  for (let bin = 0; bin < bins; bin++) {
    let count = 0;
    for (let i = indexAt(binFirst, bin); i < indexAt(binFirst, bin + 1); i++) {
      const value = floatAt(values, i);
      if (value - value === 0) sorted[count++] = value;
    }
    medians[bin] = medianInPlace(sorted, count);
    kept[bin] = count > 0 ? 1 : 0;
    usable += count > 0 ? 1 : 0;
  }
  if (usable < 2 * terms) return 0;
  for (let round = 0; round < ROUNDS; round++) {
    if (!fit(plan)) return 0;
    if (!clip(plan)) break;
  }
  // Twice: where it cannot be divided by, the values stay as they are.
  for (let i = 0; i < values.length; i++) {
    const value = floatAt(values, i);
    if (value - value === 0 && !(valueAt(i) > 0)) return i;
  }
  for (let i = 0; i < values.length; i++) values[i] = floatAt(values, i) / valueAt(i);
  return -1;

  function valueAt(i: number): number {
    let sum = 0;
    for (let k = 0, j = i * terms; k < terms; k++, j++)
      sum += floatAt(coefficients, k) * floatAt(atPoints, j);
    return sum;
  }
}

/** Weighted least squares over the bins, by Cholesky's factorisation of the normal equations. @returns false where they are singular */
function fit({ terms, atBins, medians, kept, matrix, coefficients }: ContinuumPlan): boolean {
  matrix.fill(0);
  coefficients.fill(0);
  for (let bin = 0; bin < medians.length; bin++) {
    const value = floatAt(medians, bin);
    if (value !== value) continue; // no grid point of this bin has data
    const weight = byteAt(kept, bin) === 0 ? CLIPPED_WEIGHT : 1;
    for (let r = 0, offset = bin * terms; r < terms; r++) {
      const one = weight * floatAt(atBins, offset + r);
      coefficients[r] = floatAt(coefficients, r) + one * value;
      for (let c = 0; c <= r; c++)
        matrix[r * terms + c] = floatAt(matrix, r * terms + c) + one * floatAt(atBins, offset + c);
    }
  }
  for (let r = 0; r < terms; r++) {
    for (let c = 0; c <= r; c++) {
      let sum = floatAt(matrix, r * terms + c);
      for (let k = 0; k < c; k++) sum -= floatAt(matrix, r * terms + k) * floatAt(matrix, c * terms + k);
      if (c < r) matrix[r * terms + c] = sum / floatAt(matrix, c * terms + c);
      else if (sum > 1e-12) matrix[r * terms + r] = Math.sqrt(sum);
      else return false;
    }
  }
  for (let r = 0; r < terms; r++) {
    let sum = floatAt(coefficients, r);
    for (let k = 0; k < r; k++) sum -= floatAt(matrix, r * terms + k) * floatAt(coefficients, k);
    coefficients[r] = sum / floatAt(matrix, r * terms + r);
  }
  for (let r = terms - 1; r >= 0; r--) {
    let sum = floatAt(coefficients, r);
    for (let k = r + 1; k < terms; k++) sum -= floatAt(matrix, k * terms + r) * floatAt(coefficients, k);
    coefficients[r] = sum / floatAt(matrix, r * terms + r);
  }
  return true;
}

/** Leaves out the bins that lie too far from the fit. @returns whether that changed anything, and may be fitted again */
function clip({ terms, atBins, medians, deviations, kept, coefficients, sorted }: ContinuumPlan): boolean {
  let count = 0;
  for (let bin = 0; bin < medians.length; bin++) {
    let deviation = floatAt(medians, bin);
    for (let k = 0; k < terms; k++) deviation -= floatAt(coefficients, k) * floatAt(atBins, bin * terms + k);
    deviations[bin] = deviation;
    if (byteAt(kept, bin) !== 0) sorted[count++] = Math.abs(deviation);
  }
  const sigma = SIGMA_PER_MEDIAN_DEVIATION * medianInPlace(sorted, count);
  let remaining = 0;
  let changed = false;
  for (let bin = 0; bin < medians.length; bin++) {
    const deviation = floatAt(deviations, bin);
    const keep = deviation >= -LOWER_SIGMAS * sigma && deviation <= UPPER_SIGMAS * sigma;
    if (keep) remaining++;
    if (keep !== (byteAt(kept, bin) !== 0) && deviation === deviation) changed = true;
  }
  if (!changed || remaining < 2 * terms) return false;
  for (let bin = 0; bin < medians.length; bin++) {
    const deviation = floatAt(deviations, bin);
    kept[bin] = deviation >= -LOWER_SIGMAS * sigma && deviation <= UPPER_SIGMAS * sigma ? 1 : 0;
  }
  return true;
}
