import type { Random } from '../cnn/random.ts';
import { symmetricEigenvectors } from './symmetric-eigenvectors.ts';

/** More directions than asked for, and passes over the data, in which random ones turn into the right ones. */
const EXTRA_DIRECTIONS = 10;
const PASSES = 5;

/**
 * Coordinates of rows along the directions of their largest variance, the largest first, by a randomised singular value
 * decomposition (Halko, Martinsson & Tropp 2011, arXiv:0909.4061), whose time grows with rows · width · components.
 * @param values rows × width, finite
 * @param components at most the width
 * @returns rows × components
 */
export function principalComponents(
  values: Float32Array,
  width: number,
  components: number,
  random: Random,
): Float32Array {
  const centred = centre(values, width);
  const directions = Math.min(components + EXTRA_DIRECTIONS, width);
  let basis: Float64Array = Float64Array.from({ length: directions * width }, () => random.uniform() - 0.5);
  orthonormalise(basis, width);
  let along: Float64Array = coordinates(centred, basis, width);
  for (let pass = 1; pass < PASSES; pass++) {
    basis = combinations(along, centred, width);
    orthonormalise(basis, width);
    along = coordinates(centred, basis, width);
  }
  // Within these directions the covariance is small; its eigenvectors are the components.
  const vectors = symmetricEigenvectors(combinations(along, along, directions), directions);
  return Float32Array.from(coordinates(along, vectors.subarray(0, components * directions), directions));
}

function centre(values: Float32Array, width: number): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0, column = 0; i < values.length; i++, column = (column + 1) % width)
    mean[column] = (mean[column] ?? NaN) + (values[i] ?? NaN);
  const rows = values.length / width;
  return Float64Array.from(values, (value, i) => value - (mean[i % width] ?? NaN) / rows);
}

/** Products of every row with every direction. @returns rows × directions */
function coordinates(values: Float64Array, directions: Float64Array, width: number): Float64Array {
  const rows = values.length / width;
  const count = directions.length / width;
  const products = new Float64Array(rows * count);
  for (let row = 0, at = 0; row < rows; row++)
    for (let i = 0; i < count; i++, at++) {
      let sum = 0;
      for (let a = row * width, b = i * width, end = b + width; b < end; a++, b++)
        sum += (values[a] ?? NaN) * (directions[b] ?? NaN);
      products[at] = sum;
    }
  return products;
}

/** Sums of the rows with each column of weights. @param weights rows × count @returns count × width */
function combinations(weights: Float64Array, values: Float64Array, width: number): Float64Array {
  const rows = values.length / width;
  const count = weights.length / rows;
  const sums = new Float64Array(count * width);
  for (let row = 0, at = 0; row < rows; row++)
    for (let i = 0; i < count; i++, at++) {
      const weight = weights[at] ?? NaN;
      for (let a = row * width, b = i * width, end = b + width; b < end; a++, b++)
        sums[b] = (sums[b] ?? NaN) + weight * (values[a] ?? NaN);
    }
  return sums;
}

/** Makes vectors orthonormal (Gram & Schmidt, twice, for what rounding leaves); those that depend on others become 0. */
function orthonormalise(vectors: Float64Array, width: number): void {
  const count = vectors.length / width;
  for (let i = 0; i < count; i++) {
    const vector = vectors.subarray(i * width, (i + 1) * width);
    const before = Math.sqrt(product(vector, vector));
    for (let repeat = 0; repeat < 2; repeat++)
      for (let j = 0; j < i; j++) {
        const other = vectors.subarray(j * width, (j + 1) * width);
        const share = product(vector, other);
        for (let at = 0; at < width; at++) vector[at] = (vector[at] ?? NaN) - share * (other[at] ?? NaN);
      }
    const length = Math.sqrt(product(vector, vector));
    const isDependent = length <= before * 1e-12;
    for (let at = 0; at < width; at++) vector[at] = isDependent ? 0 : (vector[at] ?? NaN) / length;
  }
}

function product(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i] ?? NaN) * (other[i] ?? NaN);
  return sum;
}
