import type { AcquisitionFunction } from './acquisition-function.ts';

/** Rows at random, all equally likely: what every other function is measured against. */
export const random: AcquisitionFunction = {
  scoreRows(_probabilities, _classes, scores, generator) {
    for (let row = 0; row < scores.length; row++) scores[row] = generator.uniform();
  },
};
