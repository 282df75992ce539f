import { floatAt } from './elements.ts';

/** Up to this many values insertion sort is the faster way. */
const FEW = 24;
const SAMPLES = 64;
/** The middle is looked for between the samples this far before and after it: 3 σ of where it lies among them. */
const SAMPLES_AROUND = 12;
const sample = new Float64Array(SAMPLES);
let spare = new Float64Array(4096);

/**
 * Median of the first `count` values, the mean of the two middle ones where `count` is even; NaN of none. The same number
 * as after sorting (NaN last) in a fraction of the time. What is in `values` afterwards is undefined.
 */
export function medianInPlace(values: Float64Array, count: number): number {
  if (count === 0) return NaN;
  if (spare.length < count) spare = new Float64Array(2 * count);
  const upper = count >> 1;
  return middleOf(values, spare, count, count % 2 ? upper : upper - 1, upper);
}

/** Mean of the values of the ranks `lower` and `upper` (equal, or one apart); `other` is as long, for what is kept. */
function middleOf(
  values: Float64Array,
  other: Float64Array,
  count: number,
  lower: number,
  upper: number,
): number {
  if (count <= FEW) {
    insertionSort(values, count);
    return middleOfSorted(values, lower, upper);
  }
  for (let i = 0; i < SAMPLES; i++) sample[i] = floatAt(values, Math.floor((i * count) / SAMPLES));
  insertionSort(sample, SAMPLES);
  const middle = Math.floor((lower * SAMPLES) / count);
  const low = floatAt(sample, Math.max(0, middle - SAMPLES_AROUND));
  const high = floatAt(sample, Math.min(SAMPLES - 1, middle + SAMPLES_AROUND));
  let below = 0;
  let kept = 0;
  let finite = 0; // NaN once a value is infinite or NaN
  for (let i = 0; i < count; i++) {
    const value = floatAt(values, i);
    finite += value - value;
    // No branches: which side a value lies on cannot be foreseen, and guessing wrong costs more than all the rest.
    other[kept] = value;
    kept += +(value >= low) & +(value <= high);
    below += +(value < low);
  }
  if (finite !== 0 || lower < below || upper >= below + kept || kept === count) {
    values.subarray(0, count).sort();
    return middleOfSorted(values, lower, upper);
  }
  return middleOf(other, values, kept, lower - below, upper - below);
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
