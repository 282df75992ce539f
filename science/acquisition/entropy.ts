import type { AcquisitionFunction, Matrix } from './acquisition-function.ts';

/** Shannon entropy of each row in nats, 0 … ln(classes). @param entropies one a row, written */
export function rowEntropies(probabilities: Matrix, classes: number, entropies: Float64Array): void {
  for (let row = 0, at = 0; row < entropies.length; row++) {
    let sum = 0;
    for (const end = at + classes; at < end; at++) {
      const probability = probabilities[at] ?? NaN;
      if (probability !== 0) sum -= probability * Math.log(probability);
    }
    entropies[row] = sum;
  }
}

/** The rows of the greatest entropy (Shannon 1948; Settles 2009, section 3.1). */
export const entropy: AcquisitionFunction = { scoreRows: rowEntropies };
