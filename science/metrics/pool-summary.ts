import { predictedClasses } from '../cnn/evaluation.ts';
import { rowEntropies } from '../acquisition/entropy.ts';

/** What a network predicts over a pool. */
export interface PoolSummary {
  /** Number of spectra. */
  readonly n: number;
  /** How many are predicted as each class. */
  readonly predicted: readonly number[];
  /** Mean entropy of the predictions, in nats. */
  readonly meanEntropy: number;
  readonly entropyHistogram: {
    /** The bins are equally wide, from 0 to this entropy: ln(classes), the greatest there is. */
    readonly maximum: number;
    readonly counts: readonly number[];
  };
}

/** Sums up the predictions of a pool that is read in blocks. */
export class PoolSummarizer {
  readonly #predicted: number[];
  readonly #counts: number[];
  #n = 0;
  #entropy = 0;

  constructor(classes: number, bins = 50) {
    this.#predicted = new Array<number>(classes).fill(0);
    this.#counts = new Array<number>(bins).fill(0);
  }

  /** @param probabilities rows × classes */
  add(probabilities: Float32Array): void {
    const classes = this.#predicted.length;
    const predicted = predictedClasses(probabilities, classes);
    const entropies = new Float64Array(predicted.length);
    rowEntropies(probabilities, classes, entropies);
    const bins = this.#counts.length;
    for (let row = 0; row < predicted.length; row++) {
      const entropy = entropies[row] ?? NaN;
      const bin = Math.min(bins - 1, Math.floor((entropy / Math.log(classes)) * bins));
      this.#counts[bin] = (this.#counts[bin] ?? NaN) + 1;
      const one = predicted[row] ?? NaN;
      this.#predicted[one] = (this.#predicted[one] ?? NaN) + 1;
      this.#entropy += entropy;
    }
    this.#n += predicted.length;
  }

  get summary(): PoolSummary {
    return {
      n: this.#n,
      predicted: this.#predicted.slice(),
      meanEntropy: this.#n === 0 ? 0 : this.#entropy / this.#n,
      entropyHistogram: { maximum: Math.log(this.#predicted.length), counts: this.#counts.slice() },
    };
  }
}
