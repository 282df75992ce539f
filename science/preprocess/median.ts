import { floatAt, indexAt } from './elements.ts';

/** Up to this many values insertion sort is the faster way. */
const FEW = 32;
const SAMPLES = 16;
const BINS = 512;
/** Two of them: neighbours are often of one bin, and its count would wait for itself. */
const evenCounts = new Int32Array(BINS);
const oddCounts = new Int32Array(BINS);
/** The bin of each value. */
let bins = new Int32Array(4096);
const sample = new Float64Array(SAMPLES);

/**
 * Median of the first `count` values, the mean of the two middle ones where `count` is even; NaN of none. The same number
 * as after sorting (NaN last) in a fraction of the time. The order in `values` is not kept.
 */
export function medianInPlace(values: Float64Array, count: number): number {
  const [lower, upper] = middleInPlace(values, count);
  return lower === upper ? lower : (lower + upper) / 2;
}

/**
 * The two middle ones of the first `count` values in rising order, one twice where `count` is odd; NaN of none.
 *
 * The values are counted into bins over the range of a few samples, what lies beyond in the outermost ones, and those
 * of the bin or two with the middle are sorted.
 */
export function middleInPlace(values: Float64Array, count: number): [lower: number, upper: number] {
  if (count === 0) return [NaN, NaN];
  const upper = count >> 1;
  const lower = count % 2 ? upper : upper - 1;
  if (count <= FEW) {
    insertionSort(values, count);
    return [floatAt(values, lower), floatAt(values, upper)];
  }
  for (let i = 0; i < SAMPLES; i++) sample[i] = floatAt(values, Math.floor((i * count) / SAMPLES));
  insertionSort(sample, SAMPLES);
  const low = floatAt(sample, 0);
  const binsPerUnit = (BINS - 1) / (floatAt(sample, SAMPLES - 1) - low);
  if (bins.length < count) bins = new Int32Array(2 * count);
  evenCounts.fill(0);
  oddCounts.fill(0);
  let finite = 0; // NaN once a value is infinite or NaN
  for (let i = 0; i < count - 1; i += 2) {
    const even = floatAt(values, i);
    const odd = floatAt(values, i + 1);
    finite += even - even + (odd - odd);
    const evenBin = binOf(even, low, binsPerUnit);
    const oddBin = binOf(odd, low, binsPerUnit);
    bins[i] = evenBin;
    bins[i + 1] = oddBin;
    evenCounts[evenBin] = indexAt(evenCounts, evenBin) + 1;
    oddCounts[oddBin] = indexAt(oddCounts, oddBin) + 1;
  }
  if (count % 2) {
    const value = floatAt(values, count - 1);
    finite += value - value;
    const bin = binOf(value, low, binsPerUnit);
    bins[count - 1] = bin;
    evenCounts[bin] = indexAt(evenCounts, bin) + 1;
  }
  let first = 0;
  let below = 0;
  let here = countOf(first);
  for (; below + here <= lower; here = countOf(++first)) below += here;
  let last = first;
  let upTo = below + here;
  while (upTo <= upper) upTo += countOf(++last);
  if (finite !== 0 || upTo - below === count) {
    values.subarray(0, count).sort();
    return [floatAt(values, lower), floatAt(values, upper)];
  }
  const span = last - first;
  let kept = 0;
  // One comparison, nearly always false: two would each be a toss-up, which processors pay dearly for.
  for (let i = 0; i < count; i++)
    if ((indexAt(bins, i) - first) >>> 0 <= span) values[kept++] = floatAt(values, i);
  if (kept <= FEW) insertionSort(values, kept);
  else values.subarray(0, kept).sort();
  return [floatAt(values, lower - below), floatAt(values, upper - below)];
}

/** Number of a value's bin, 0 up to BINS − 1; 0 of NaN. */
function binOf(value: number, low: number, binsPerUnit: number): number {
  const bin = (value - low) * binsPerUnit;
  const above = bin > 0 ? bin : 0;
  return (above < BINS ? above : BINS - 1) | 0;
}

function countOf(bin: number): number {
  return indexAt(evenCounts, bin) + indexAt(oddCounts, bin);
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
