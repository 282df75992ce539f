import { NetworkError } from './error.ts';

/** How a network does on labelled spectra. */
export interface Evaluation {
  /** Number of spectra. */
  readonly n: number;
  readonly accuracy: number;
  /** Mean recall of the classes that occur: 1 / classes for a network that says the same to everything. */
  readonly balancedAccuracy: number;
  /** Counts: row the labelled class, column the predicted one. */
  readonly confusion: readonly (readonly number[])[];
  readonly perClass: readonly ClassEvaluation[];
}

export interface ClassEvaluation {
  /** Spectra labelled so, and predicted so. */
  readonly labelled: number;
  readonly predicted: number;
  /** Share of those predicted so that are labelled so; undefined where none is predicted so. */
  readonly precision?: number;
  /** Share of those labelled so that are predicted so; undefined where none is labelled so. */
  readonly recall?: number;
}

/** The most probable class of each row; of equal ones the first. @param probabilities rows × classes */
export function predictedClasses(probabilities: Float32Array, classes: number): Int32Array {
  return Int32Array.from({ length: probabilities.length / classes }, (_, row) => {
    let best = 0;
    for (let one = 1; one < classes; one++)
      if ((probabilities[row * classes + one] ?? NaN) > (probabilities[row * classes + best] ?? NaN))
        best = one;
    return best;
  });
}

/**
 * Counts: row the labelled class, column the predicted one.
 * @throws NetworkError `bad-data` where a label is none of the classes
 */
export function confusionMatrix(labels: Int32Array, predicted: Int32Array, classes: number): number[][] {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  predicted.forEach((one, row) => {
    const counts = confusion[labels[row] ?? -1];
    if (counts === undefined) throw new NetworkError('bad-data', `Label ${labels[row]} is no class`);
    counts[one] = (counts[one] ?? 0) + 1;
  });
  return confusion;
}

/**
 * Confusion matrix, precision and recall.
 * @param labels class of each row
 * @param probabilities rows × classes
 * @throws NetworkError `bad-data` where sizes do not fit, there is no row, or a label is none of the classes
 */
export function evaluate(labels: Int32Array, probabilities: Float32Array, classes: number): Evaluation {
  const n = labels.length;
  if (n === 0 || probabilities.length !== n * classes)
    throw new NetworkError('bad-data', `${probabilities.length} probabilities for ${n} spectra`);
  const confusion = confusionMatrix(labels, predictedClasses(probabilities, classes), classes);
  const perClass = confusion.map((counts, one): ClassEvaluation => {
    const right = counts[one] ?? 0;
    const labelled = sum(counts);
    const predicted = sum(confusion.map((row) => row[one] ?? 0));
    return {
      labelled,
      predicted,
      ...(predicted > 0 ? { precision: right / predicted } : {}),
      ...(labelled > 0 ? { recall: right / labelled } : {}),
    };
  });
  const recalls = perClass.flatMap(({ recall }) => (recall === undefined ? [] : [recall]));
  return {
    n,
    accuracy: sum(confusion.map((counts, one) => counts[one] ?? 0)) / n,
    balancedAccuracy: sum(recalls) / recalls.length,
    confusion,
    perClass,
  };
}

/** Above chance by less than this, a fit without a predecessor has learnt nothing. */
const NOTHING_LEARNT = 0.05;

/**
 * Whether a fit has collapsed, as a few of a hundred do: it says nearly the same to every spectrum. Judged on a fixed
 * stratified set, by the mean recall of its classes: against the model before, a fit has collapsed that has lost more
 * than half of what that one is above chance; a first fit, when it is hardly above chance at all.
 */
export function hasCollapsed(fit: Evaluation, predecessor?: Evaluation): boolean {
  const chance = 1 / fit.perClass.filter(({ labelled }) => labelled > 0).length;
  const learnt = fit.balancedAccuracy - chance;
  if (predecessor === undefined || predecessor.balancedAccuracy - chance < NOTHING_LEARNT)
    return learnt < NOTHING_LEARNT;
  return learnt < (predecessor.balancedAccuracy - chance) / 2;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
