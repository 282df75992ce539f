import type { AcquisitionFunction, Choice, Matrix } from './acquisition-function.ts';
import { random } from './random.ts';

/**
 * Core-set by greedy k-centre (Sener & Savarese 2018, arXiv:1708.00489): again and again the candidate that is the
 * farthest from everything labelled or chosen, by Euclidean distance of embeddings. Without a labelled spectrum the
 * first is drawn.
 *
 * It covers the pool, however sure the network is, so candidates are drawn uniformly from it.
 */
export const coreSet: AcquisitionFunction = {
  scoreRows: random.scoreRows,
  secondStep: {
    needs: 'embeddings',
    needsLabelled: true,
    choose({ scores }, { candidates, labelled, width }, n, generator) {
      const nearest = new Float64Array(scores.length).fill(Infinity);
      for (let start = 0; start < labelled.length; start += width)
        approach(nearest, candidates, labelled, start, width);
      const choices: Choice[] = [];
      while (choices.length < Math.min(n, scores.length)) {
        const first = choices.length === 0 && labelled.length === 0;
        const candidate = first ? generator.below(scores.length) : farthest(nearest);
        choices.push({ candidate, score: first ? 0 : Math.sqrt(nearest[candidate] ?? NaN) });
        approach(nearest, candidates, candidates, candidate * width, width);
        nearest[candidate] = -Infinity;
      }
      return choices;
    },
  },
};

function farthest(nearest: Float64Array): number {
  let best = 0;
  for (let row = 1; row < nearest.length; row++)
    if ((nearest[row] ?? NaN) > (nearest[best] ?? NaN)) best = row;
  return best;
}

/** How many dimensions are summed before looking whether the centre can still be the nearest: most cannot. */
const STRIDE = 32;

/** Lowers every row's squared distance to the nearest centre by that to one more. */
function approach(nearest: Float64Array, rows: Matrix, centres: Matrix, centre: number, width: number): void {
  for (let row = 0; row < nearest.length; row++) {
    const limit = nearest[row] ?? NaN;
    const start = row * width;
    let squared = 0;
    for (let from = 0; from < width && squared < limit; from += STRIDE) {
      const to = Math.min(width, from + STRIDE);
      for (let i = from; i < to; i++) {
        const difference = (rows[start + i] ?? NaN) - (centres[centre + i] ?? NaN);
        squared += difference * difference;
      }
    }
    if (squared < limit) nearest[row] = squared;
  }
}
