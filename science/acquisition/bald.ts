import { highest, type AcquisitionFunction } from './acquisition-function.ts';
import { rowEntropies } from './entropy.ts';
import { AcquisitionError } from './error.ts';

/**
 * BALD by Monte-Carlo dropout (Houlsby et al. 2011, arXiv:1112.5745; Gal et al. 2017, arXiv:1703.02910): how much the
 * draws disagree, as the entropy of their mean less the mean of their entropies.
 *
 * That is at most the entropy of the mean, so candidates are the rows of the greatest entropy: a row about which the
 * network is sure cannot score, and a pool of millions need not be scored a draw at a time.
 */
export const bald: AcquisitionFunction = {
  scoreRows: rowEntropies,
  secondStep: {
    needs: 'dropout',
    choose({ scores, classes }, dropout, n) {
      return highest(mutualInformation(dropout.probabilities, dropout.draws, scores.length, classes), n);
    },
  },
};

/**
 * Mutual information between a row's label and the network's weights, in nats.
 * @param probabilities draws × rows × classes
 * @throws AcquisitionError `bad-data` where they are not as many
 */
export function mutualInformation(
  probabilities: Float32Array | Float64Array,
  draws: number,
  rows: number,
  classes: number,
): Float64Array {
  const size = rows * classes;
  if (draws < 1 || probabilities.length !== draws * size)
    throw new AcquisitionError(
      'bad-data',
      `${probabilities.length} probabilities of ${classes} classes for ${draws} draws of ${rows} spectra`,
    );
  const mean = new Float64Array(size);
  const meanEntropy = new Float64Array(rows);
  const entropies = new Float64Array(rows);
  for (let draw = 0; draw < draws; draw++) {
    const drawn = probabilities.subarray(draw * size, (draw + 1) * size);
    rowEntropies(drawn, classes, entropies);
    entropies.forEach((value, row) => (meanEntropy[row] = (meanEntropy[row] ?? 0) + value / draws));
    drawn.forEach((value, i) => (mean[i] = (mean[i] ?? 0) + value / draws));
  }
  rowEntropies(mean, classes, entropies);
  return entropies.map((value, row) => value - (meanEntropy[row] ?? NaN));
}
