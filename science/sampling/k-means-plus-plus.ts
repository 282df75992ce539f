import type { Random } from '../cnn/random.ts';

/**
 * Rows far from each other, by the seeding of k-means++ (Arthur & Vassilvitskii 2007): the first uniformly, each next
 * with the squared Euclidean distance to the nearest chosen one as its weight; uniformly where all are copies of chosen
 * ones.
 * @param values rows × width
 * @returns n different rows in the order in which they were drawn; all where there are no more
 */
export function kMeansPlusPlus(values: Float32Array, width: number, n: number, random: Random): Int32Array {
  const rows = values.length / width;
  const weights = new Float64Array(rows).fill(1);
  const isChosen = new Uint8Array(rows);
  const chosen = new Int32Array(Math.min(n, rows));
  for (let i = 0; i < chosen.length; i++) {
    const row = drawn(weights, isChosen, random);
    chosen[i] = row;
    isChosen[row] = 1;
    if (i === 0) weights.fill(Infinity);
    approach(weights, values, width, row);
  }
  return chosen;
}

/** How many dimensions are summed before looking whether the row can still be the nearest. */
const STRIDE = 16;

/** Lowers every row's squared distance to the nearest chosen row by that to one more. */
function approach(squaredDistances: Float64Array, values: Float32Array, width: number, centre: number): void {
  for (let row = 0; row < squaredDistances.length; row++) {
    const limit = squaredDistances[row] ?? NaN;
    let squared = 0;
    for (let from = 0; from < width && squared < limit; from += STRIDE) {
      const to = Math.min(width, from + STRIDE);
      for (let i = from; i < to; i++) {
        const difference = (values[row * width + i] ?? NaN) - (values[centre * width + i] ?? NaN);
        squared += difference * difference;
      }
    }
    if (squared < limit) squaredDistances[row] = squared;
  }
}

function drawn(weights: Float64Array, isChosen: Uint8Array, random: Random): number {
  let total = 0;
  for (let row = 0; row < weights.length; row++) total += isChosen[row] === 1 ? 0 : (weights[row] ?? NaN);
  const allAlike = total === 0;
  if (allAlike) for (const chosen of isChosen) total += 1 - chosen;
  let left = random.uniform() * total;
  let last = 0;
  for (let row = 0; row < weights.length; row++) {
    const weight = isChosen[row] === 1 ? 0 : allAlike ? 1 : (weights[row] ?? NaN);
    if (weight === 0) continue;
    last = row;
    left -= weight;
    if (left < 0) break;
  }
  // Rounding may leave a little of the total: then it is the last that could be drawn.
  return last;
}
