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
      const labels = labelled.length / width;
      for (let from = 0; from < labels; from += TILE)
        approach(nearest, candidates, labelled, { from, to: Math.min(labels, from + TILE), width });
      const choices: Choice[] = [];
      while (choices.length < Math.min(n, scores.length)) {
        const first = choices.length === 0 && labelled.length === 0;
        const candidate = first ? generator.below(scores.length) : farthest(nearest);
        choices.push({ candidate, score: first ? 0 : Math.sqrt(nearest[candidate] ?? NaN) });
        approach(nearest, candidates, candidates, { from: candidate, to: candidate + 1, width });
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
/** How many centres are tried before the next row is: so many stay in the processor's cache. */
const TILE = 64;

/** Lowers every row's squared distance to the nearest centre by those to more centres, `from` … `to` − 1. */
function approach(
  nearest: Float64Array,
  rows: Matrix,
  centres: Matrix,
  { from, to, width }: { from: number; to: number; width: number },
): void {
  for (let row = 0; row < nearest.length; row++) {
    let smallest = nearest[row] ?? NaN;
    for (let centre = from; centre < to; centre++) {
      let squared = 0;
      for (let at = 0; at < width && squared < smallest; at += STRIDE) {
        const length = Math.min(STRIDE, width - at);
        squared += partialDistance(rows, row * width + at, centres, centre * width + at, length);
      }
      if (squared < smallest) smallest = squared;
    }
    nearest[row] = smallest;
  }
}

/** Squared distance in some dimensions, in four sums that need not wait for one another. */
function partialDistance(a: Matrix, aStart: number, b: Matrix, bStart: number, length: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    const d0 = (a[aStart + i] ?? NaN) - (b[bStart + i] ?? NaN);
    const d1 = (a[aStart + i + 1] ?? NaN) - (b[bStart + i + 1] ?? NaN);
    const d2 = (a[aStart + i + 2] ?? NaN) - (b[bStart + i + 2] ?? NaN);
    const d3 = (a[aStart + i + 3] ?? NaN) - (b[bStart + i + 3] ?? NaN);
    s0 += d0 * d0;
    s1 += d1 * d1;
    s2 += d2 * d2;
    s3 += d3 * d3;
  }
  for (; i < length; i++) s0 += ((a[aStart + i] ?? NaN) - (b[bStart + i] ?? NaN)) ** 2;
  return s0 + s1 + (s2 + s3);
}
