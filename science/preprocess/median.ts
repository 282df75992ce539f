import { at } from './elements.ts';

const BINS = 512;
const counts = new Int32Array(BINS);
/** Below this many values sorting is the faster way. */
const FEW = 24;

/**
 * Median of the first `count` values, the mean of the two middle ones where `count` is even; NaN of none. The same number
 * as after sorting (NaN last) in a fraction of the time. The order in `values` is not kept.
 */
export function medianInPlace(values: Float64Array, count: number): number {
  if (count === 0) return NaN;
  const upper = count >> 1;
  return middleOf(values, count, count % 2 ? upper : upper - 1, upper);
}

/** Mean of the values of the ranks `lower` and `upper` (equal, or one apart). */
function middleOf(values: Float64Array, count: number, lower: number, upper: number): number {
  if (count <= FEW) {
    insertionSort(values, count);
    return middleOfSorted(values, lower, upper);
  }
  // Counts the values into bins and goes on with those of the one or two bins that hold the two ranks.
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < count; i++) {
    const value = at(values, i);
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low === high) return low;
  const binsPerUnit = (BINS - 1) / (high - low);
  counts.fill(0);
  for (let i = 0; i < count; i++) {
    const bin = ((at(values, i) - low) * binsPerUnit) | 0;
    counts[bin] = at(counts, bin) + 1;
  }
  let first = 0;
  let below = 0;
  while (below + at(counts, first) <= lower) below += at(counts, first++);
  let last = first;
  let upTo = below + at(counts, first);
  while (upTo <= upper) upTo += at(counts, ++last);
  if (upTo - below === count) {
    // One bin holds all: some are not finite, or one is too far from all others.
    values.subarray(0, count).sort();
    return middleOfSorted(values, lower, upper);
  }
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const value = at(values, i);
    const bin = ((value - low) * binsPerUnit) | 0;
    if (bin >= first && bin <= last) values[kept++] = value;
  }
  return middleOf(values, kept, lower - below, upper - below);
}

function middleOfSorted(values: Float64Array, lower: number, upper: number): number {
  return lower === upper ? at(values, lower) : (at(values, lower) + at(values, upper)) / 2;
}

function insertionSort(values: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const value = at(values, i);
    if (Number.isNaN(value)) {
      values.subarray(0, count).sort();
      return;
    }
    let j = i - 1;
    while (j >= 0 && at(values, j) > value) {
      values[j + 1] = at(values, j);
      j--;
    }
    values[j + 1] = value;
  }
}
