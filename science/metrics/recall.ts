import { proportionInterval, type Interval } from './proportion.ts';

/** Of the rows that a network predicts as one class: how many there are, and a sample drawn uniformly from them. */
export interface Stratum {
  readonly population: number;
  /** Class of each row of the sample. Rows without a label are left out. */
  readonly labels: Int32Array;
}

export interface ClassRecall extends Interval {
  /** Labelled rows of all strata. */
  readonly n: number;
  /** Undefined where no row of the sample is of the class, or a stratum has no sample. */
  readonly recall?: number;
}

/**
 * Recall of each class over the whole pool, from a sample stratified by predicted class: each row counts for
 * population / sample rows of its stratum.
 *
 * The interval puts together the Clopper–Pearson bounds of every stratum's share, each at its part of the error
 * (Bonferroni), so it covers at least as often as it says. Resampling would not: a stratum of millions whose sample
 * shows none of a rare class may hold thousands.
 * @param strata one a predicted class, in the order of the classes
 * @throws RangeError where a sample is larger than its stratum
 */
export function estimateRecall(strata: readonly Stratum[], confidence = 0.95): ClassRecall[] {
  const n = strata.reduce((sum, { labels }) => sum + labels.length, 0);
  const sampled = strata.every(({ population, labels }) => population === 0 || labels.length > 0);
  const confidenceOfEach = 1 - (1 - confidence) / strata.length;
  return strata.map((_, one) => {
    const counts = strata.map((stratum) => countOf(one, stratum, confidenceOfEach));
    const found = counts[one] ?? NOTHING;
    const missed = counts.filter((_, predicted) => predicted !== one).reduce(sumOf, NOTHING);
    const total = found.count + missed.count;
    return {
      n,
      ...(sampled && total > 0 ? { recall: found.count / total } : {}),
      lower: found.lower > 0 ? found.lower / (found.lower + missed.upper) : 0,
      upper: found.upper > 0 ? found.upper / (found.upper + missed.lower) : 0,
    };
  });
}

/** How many rows of a class there are, by the sample, at least and at most. */
interface Count extends Interval {
  readonly count: number;
}

const NOTHING: Count = { count: 0, lower: 0, upper: 0 };

function sumOf(a: Count, b: Count): Count {
  return { count: a.count + b.count, lower: a.lower + b.lower, upper: a.upper + b.upper };
}

function countOf(one: number, { population, labels }: Stratum, confidence: number): Count {
  if (labels.length > population)
    throw new RangeError(`${labels.length} labels in a stratum of ${population}`);
  const labelledSo = labels.filter((label) => label === one).length;
  // All of it is known: nothing is uncertain.
  if (labels.length === population) return { count: labelledSo, lower: labelledSo, upper: labelledSo };
  const { lower, upper } = proportionInterval(labelledSo, labels.length, confidence);
  return {
    count: labels.length === 0 ? 0 : (population * labelledSo) / labels.length,
    lower: population * lower,
    upper: population * upper,
  };
}
