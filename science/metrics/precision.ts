import { confusionMatrix } from '../cnn/evaluation.ts';
import { proportionInterval, type Interval, type IntervalMethod } from './proportion.ts';

/** In place of a label, where a person answered "unsure" or "skip". */
export const UNDECIDED = -1;

/** What a labelled sample says about the rows that a network predicts as candidates, and about no others. */
export interface PrecisionEstimate {
  /** Rows of the sample with a label. */
  readonly n: number;
  /** Rows of the sample without one. They enter nothing else. */
  readonly undecided: number;
  readonly confidence: number;
  readonly method: IntervalMethod;
  /** In the order of the candidate classes asked for. */
  readonly perClass: readonly ClassPrecision[];
  /** Counts: row the labelled class, column the predicted one. Only columns of candidate classes can have any. */
  readonly confusion: readonly (readonly number[])[];
}

export interface ClassPrecision extends Interval {
  readonly class: number;
  /** Rows predicted so that have a label, and those of them that are labelled so. */
  readonly n: number;
  readonly right: number;
  readonly undecided: number;
  /** right / n; undefined where n is 0. */
  readonly precision?: number;
}

/**
 * Precision of each candidate class, from rows drawn uniformly from those predicted so. The interval takes the sample
 * as small against them; where it is not, it covers more often than it says.
 * @param predicted class of each row of the sample
 * @param labels class of each row, or {@link UNDECIDED}
 * @param options.classes number of classes
 * @throws RangeError where sizes do not fit or a row is predicted as no candidate; NetworkError `bad-data` where a
 *   label is none of the classes
 */
export function estimatePrecision(
  predicted: Int32Array,
  labels: Int32Array,
  options: {
    classes: number;
    candidateClasses: readonly number[];
    confidence?: number;
    method?: IntervalMethod;
  },
): PrecisionEstimate {
  const { classes, candidateClasses, confidence = 0.95, method = 'clopper-pearson' } = options;
  if (predicted.length !== labels.length)
    throw new RangeError(`${labels.length} labels for ${predicted.length} predictions`);
  const stranger = predicted.find((one) => !candidateClasses.includes(one));
  if (stranger !== undefined) throw new RangeError(`Class ${stranger} is no candidate class`);
  const decided = (_: number, row: number): boolean => labels[row] !== UNDECIDED;
  const confusion = confusionMatrix(labels.filter(decided), predicted.filter(decided), classes);
  const perClass = candidateClasses.map((one): ClassPrecision => {
    const n = confusion.reduce((sum, counts) => sum + (counts[one] ?? 0), 0);
    const right = confusion[one]?.[one] ?? 0;
    return {
      class: one,
      n,
      right,
      undecided: predicted.filter((other, row) => other === one && labels[row] === UNDECIDED).length,
      ...(n > 0 ? { precision: right / n } : {}),
      ...proportionInterval(right, n, confidence, method),
    };
  });
  const n = perClass.reduce((sum, one) => sum + one.n, 0);
  return { n, undecided: labels.length - n, confidence, method, perClass, confusion };
}
