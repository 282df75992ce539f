import { floatAt, indexAt } from './elements.ts';

/** Up to this many values insertion sort is the faster way. */
const FEW = 32;
const SAMPLES = 16;
const BINS = 512;
const counts = new Int32Array(BINS);
const sample = new Float64Array(SAMPLES);

/**
 * Median of the first `count` values, the mean of the two middle ones where `count` is even; NaN of none. The same number
 * as after sorting (NaN last) in a fraction of the time. The order in `values` is not kept.
 *
 * The values are counted into bins over the range of a few samples, what lies beyond in the outermost ones, and those
 * of the bin or two with the middle are sorted.
 */
export function medianInPlace(values: Float64Array, count: number): number {
  if (count === 0) return NaN;
  const upper = count >> 1;
  const lower = count % 2 ? upper : upper - 1;
  if (count <= FEW) {
    insertionSort(values, count);
    return middleOfSorted(values, lower, upper);
  }
  for (let i = 0; i < SAMPLES; i++) sample[i] = floatAt(values, Math.floor((i * count) / SAMPLES));
  insertionSort(sample, SAMPLES);
  const low = floatAt(sample, 0);
  const binsPerUnit = (BINS - 1) / (floatAt(sample, SAMPLES - 1) - low);
  counts.fill(0);
  let finite = 0; // NaN once a value is infinite or NaN
  for (let i = 0; i < count; i++) {
    const value = floatAt(values, i);
    finite += value - value;
    const bin = binOf(value, low, binsPerUnit);
    counts[bin] = indexAt(counts, bin) + 1;
  }
  let first = 0;
  let below = 0;
  while (below + indexAt(counts, first) <= lower) below += indexAt(counts, first++);
  let last = first;
  let upTo = below + indexAt(counts, first);
  while (upTo <= upper) upTo += indexAt(counts, ++last);
  if (finite !== 0 || upTo - below === count) {
    values.subarray(0, count).sort();
    return middleOfSorted(values, lower, upper);
  }
  const span = last - first;
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const value = floatAt(values, i);
    const bin = binOf(value, low, binsPerUnit);
    // One comparison, nearly always false: two would each be a toss-up, which processors pay dearly for.
    if ((bin - first) >>> 0 <= span) values[kept++] = value;
  }
  if (kept <= FEW) insertionSort(values, kept);
  else values.subarray(0, kept).sort();
  return middleOfSorted(values, lower - below, upper - below);
}

/** Number of a value's bin, 0 up to BINS − 1. */
function binOf(value: number, low: number, binsPerUnit: number): number {
  const bins = (value - low) * binsPerUnit;
  return bins > 0 ? (bins < BINS ? bins | 0 : BINS - 1) : 0;
}

function middleOfSorted(values: Float64Array, lower: number, upper: number): number {
  return lower === upper ? floatAt(values, lower) : (floatAt(values, lower) + floatAt(values, upper)) / 2;
}

function insertionSort(values: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const value = floatAt(values, i);
    if (Number.isNaN(value)) {
      values.subarray(0, count).sort();
      return;
    }
    let j = i - 1;
    while (j >= 0 && floatAt(values, j) > value) {
      values[j + 1] = floatAt(values, j);
      j--;
    }
    values[j + 1] = value;
  }
}
