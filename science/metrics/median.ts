import type { Random } from '../cnn/random.ts';
import type { Interval } from './proportion.ts';

export interface MedianEstimate extends Interval {
  readonly n: number;
  readonly median: number;
}

/**
 * The median, and between which bounds it is by the percentile bootstrap (Efron 1979). Of few values the bounds hold the
 * true median somewhat less often than they say: of 20, at 90 %, 88 times in a hundred.
 * @throws RangeError without a value
 */
export function bootstrapMedian(
  values: readonly number[],
  {
    random,
    confidence = 0.95,
    resamples = 2000,
  }: { random: Random; confidence?: number; resamples?: number },
): MedianEstimate {
  const n = values.length;
  if (n === 0) throw new RangeError('No median of nothing');
  const resampled = Float64Array.from({ length: resamples }, () =>
    quantile(
      Float64Array.from({ length: n }, () => values[random.below(n)] ?? NaN),
      0.5,
    ),
  );
  return {
    n,
    median: quantile(Float64Array.from(values), 0.5),
    lower: quantile(resampled, (1 - confidence) / 2),
    upper: quantile(resampled, (1 + confidence) / 2),
  };
}

/** Between the two nearest values linearly, as numpy does. The values are sorted in place. */
function quantile(values: Float64Array, share: number): number {
  values.sort();
  const at = share * (values.length - 1);
  const below = values[Math.floor(at)] ?? NaN;
  const above = values[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}
