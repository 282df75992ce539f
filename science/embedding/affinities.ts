import { nearestNeighbours } from '../sampling/nearest-neighbours.ts';

const SEARCH_STEPS = 100;
const ENTROPY_TOLERANCE = 1e-5;

/** A symmetric matrix with few values that are not 0: row i has columns[starts[i]] … columns[starts[i + 1] − 1]. */
export interface SparseMatrix {
  readonly starts: Int32Array;
  readonly columns: Int32Array;
  readonly values: Float64Array;
}

/**
 * How near rows are to each other, by t-SNE (van der Maaten & Hinton 2008): for each row a Gaussian whose width gives its
 * neighbours the perplexity, over the 3 · perplexity nearest; made symmetric, with sum 1.
 * @param values rows × width
 */
export function affinities(values: Float32Array, width: number, perplexity: number): SparseMatrix {
  const rows = values.length / width;
  const count = Math.min(rows - 1, Math.floor(3 * perplexity + 1));
  const nearest = nearestNeighbours(values, width, count);
  const conditional = new Float64Array(rows * count);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * count, (row + 1) * count];
    withPerplexity(nearest.squaredDistances.subarray(from, to), perplexity, conditional.subarray(from, to));
  }
  return symmetric(nearest.rows, conditional, rows, count);
}

/** @param squaredDistances the smallest first @param probabilities written; their sum is 1 */
function withPerplexity(
  squaredDistances: Float64Array,
  perplexity: number,
  probabilities: Float64Array,
): void {
  const wanted = Math.log(perplexity);
  const nearest = squaredDistances[0] ?? NaN;
  const mean = squaredDistances.reduce((sum, value) => sum + value - nearest, 0) / squaredDistances.length;
  // In units of the distances themselves: spectra may be fluxes of 1e-17. All equally near, any width will do.
  let precision = mean > 0 ? 1 / mean : 1;
  let [low, high] = [0, Infinity];
  for (let step = 0; step < SEARCH_STEPS; step++) {
    let sum = 0;
    let weighted = 0;
    for (let i = 0; i < squaredDistances.length; i++) {
      const distance = (squaredDistances[i] ?? NaN) - nearest;
      const probability = Math.exp(-distance * precision);
      probabilities[i] = probability;
      sum += probability;
      weighted += distance * probability;
    }
    for (let i = 0; i < probabilities.length; i++) probabilities[i] = (probabilities[i] ?? NaN) / sum;
    const excess = Math.log(sum) + (precision * weighted) / sum - wanted;
    if (Math.abs(excess) < ENTROPY_TOLERANCE) return;
    if (excess > 0) low = precision;
    else high = precision;
    precision = high === Infinity ? precision * 2 : (low + high) / 2;
  }
}

/** (p + pᵀ) / (2 rows). */
function symmetric(
  neighbours: Int32Array,
  conditional: Float64Array,
  rows: number,
  count: number,
): SparseMatrix {
  const ofRow = Array.from({ length: rows }, () => new Map<number, number>());
  const add = (row: number, column: number, value: number): void => {
    const values = ofRow[row];
    values?.set(column, (values.get(column) ?? 0) + value / (2 * rows));
  };
  neighbours.forEach((column, i) => {
    const row = Math.floor(i / count);
    const value = conditional[i] ?? NaN;
    add(row, column, value);
    add(column, row, value);
  });
  const starts = new Int32Array(rows + 1);
  ofRow.forEach((values, row) => (starts[row + 1] = (starts[row] ?? 0) + values.size));
  const columns = new Int32Array(starts[rows] ?? 0);
  const values = new Float64Array(columns.length);
  let at = 0;
  for (const row of ofRow)
    for (const [column, value] of row) {
      columns[at] = column;
      values[at++] = value;
    }
  return { starts, columns, values };
}
