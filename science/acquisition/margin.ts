import type { AcquisitionFunction } from './acquisition-function.ts';

/** The rows whose two most probable classes are the nearest (Scheffer et al. 2001): 1 − the difference. */
export const margin: AcquisitionFunction = {
  scoreRows(probabilities, classes, scores) {
    for (let row = 0, at = 0; row < scores.length; row++) {
      let first = -Infinity;
      let second = -Infinity;
      for (const end = at + classes; at < end; at++) {
        const probability = probabilities[at] ?? NaN;
        if (probability > first) {
          second = first;
          first = probability;
        } else if (!(probability <= second)) second = probability;
      }
      scores[row] = 1 - (first - second);
    }
  },
};
