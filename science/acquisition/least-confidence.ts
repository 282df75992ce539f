import type { AcquisitionFunction } from './acquisition-function.ts';

/** The rows whose most probable class is the least probable (Settles 2009, section 3.1): 1 − its probability. */
export const leastConfidence: AcquisitionFunction = {
  scoreRows(probabilities, classes, scores) {
    for (let row = 0, at = 0; row < scores.length; row++) {
      let first = probabilities[at] ?? NaN;
      for (const end = at++ + classes; at < end; at++) {
        const probability = probabilities[at] ?? NaN;
        // Not a plain comparison: a probability that is NaN has to show in the score.
        if (!(probability <= first)) first = probability;
      }
      scores[row] = 1 - first;
    }
  },
};
