import type { AcquisitionFunction, Candidates, Choice, Matrix } from './acquisition-function.ts';
import type { Random } from '../cnn/random.ts';
import { rowEntropies } from './entropy.ts';

/**
 * BADGE (Ash et al. 2020, arXiv:1906.03671): k-means++ on gradient embeddings, the gradients of the loss by the last
 * layer's weights as they would be were the prediction right: (probabilities − one-hot prediction) ⊗ embedding. The
 * first is the longest; each next is drawn with the squared distance to the nearest chosen one as its weight. As in
 * scikit-activeml, the origin counts as chosen from the start.
 *
 * A row about which the network is sure has a gradient near the origin and is hardly ever drawn, so candidates are the
 * rows of the greatest entropy.
 */
export const badge: AcquisitionFunction = {
  scoreRows: rowEntropies,
  secondStep: {
    needs: 'embeddings',
    needsLabelled: false,
    choose(candidates, { candidates: embeddings, width }, n, random) {
      const rows = candidates.scores.length;
      const factors = gradientFactors(candidates);
      const squaredLength = (row: number): number =>
        product(factors, row, row, candidates.classes) * product(embeddings, row, row, width);
      const lengths = Float64Array.from({ length: rows }, (_, row) => squaredLength(row));
      const nearest = lengths.slice();
      const chosen = new Set<number>();
      const choices: Choice[] = [];
      while (choices.length < Math.min(n, rows)) {
        const candidate = choices.length === 0 ? longest(nearest) : drawn(nearest, chosen, random);
        choices.push({ candidate, score: nearest[candidate] ?? NaN });
        chosen.add(candidate);
        for (let row = 0; row < rows; row++) {
          // |a⊗b − c⊗d|² from products of the short vectors; the long ones, classes × width, are never made.
          const squared =
            (lengths[row] ?? NaN) +
            (lengths[candidate] ?? NaN) -
            2 *
              product(factors, row, candidate, candidates.classes) *
              product(embeddings, row, candidate, width);
          nearest[row] = Math.max(0, Math.min(nearest[row] ?? NaN, squared));
        }
        nearest[candidate] = 0;
      }
      return choices;
    },
  },
};

/** Probabilities less the one-hot prediction, candidates × classes. */
function gradientFactors({ probabilities, classes, scores }: Candidates): Float64Array {
  const factors = probabilities.slice();
  for (let row = 0; row < scores.length; row++) {
    let best = row * classes;
    for (let at = best + 1; at < (row + 1) * classes; at++)
      if ((probabilities[at] ?? NaN) > (probabilities[best] ?? NaN)) best = at;
    factors[best] = (factors[best] ?? NaN) - 1;
  }
  return factors;
}

function product(matrix: Matrix, row: number, other: number, width: number): number {
  let sum = 0;
  for (let i = 0, a = row * width, b = other * width; i < width; i++, a++, b++)
    sum += (matrix[a] ?? NaN) * (matrix[b] ?? NaN);
  return sum;
}

function longest(lengths: Float64Array): number {
  let best = 0;
  for (let row = 1; row < lengths.length; row++)
    if ((lengths[row] ?? NaN) > (lengths[best] ?? NaN)) best = row;
  return best;
}

/** A row not chosen yet, with a probability that goes as its weight; where all weights are 0, any, equally likely. */
function drawn(weights: Float64Array, chosen: ReadonlySet<number>, random: Random): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const weightOf = (row: number): number => (chosen.has(row) ? 0 : total === 0 ? 1 : (weights[row] ?? NaN));
  let left = random.uniform() * (total === 0 ? weights.length - chosen.size : total);
  let last = 0;
  for (let row = 0; row < weights.length; row++) {
    const weight = weightOf(row);
    if (weight === 0) continue;
    last = row;
    left -= weight;
    if (left < 0) break;
  }
  return last;
}
