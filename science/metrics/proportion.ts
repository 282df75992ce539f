import { betaQuantile } from './beta.ts';
import { normalQuantile } from './normal.ts';

/** Clopper–Pearson covers at least as often as it says; Wilson is narrower and does so on the average. */
export type IntervalMethod = 'clopper-pearson' | 'wilson';

/** Bounds of a share, 0 … 1. */
export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * Between which bounds a share is, of which a sample is known.
 * @param successes whole number, 0 … n
 * @param n size of the sample; of none the bounds are 0 and 1
 * @param confidence how often such bounds hold the share, 0 … 1
 * @throws RangeError outside these
 */
export function proportionInterval(
  successes: number,
  n: number,
  confidence: number,
  method: IntervalMethod = 'clopper-pearson',
): Interval {
  check(successes, n, confidence);
  if (n === 0) return { lower: 0, upper: 1 };
  return method === 'wilson' ? wilson(successes, n, confidence) : clopperPearson(successes, n, confidence);
}

/** The bound that a share exceeds with the given confidence (one-sided Clopper–Pearson). */
export function proportionLowerBound(successes: number, n: number, confidence: number): number {
  check(successes, n, confidence);
  return successes === 0 ? 0 : betaQuantile(1 - confidence, successes, n - successes + 1);
}

/** Clopper & Pearson 1934: the shares that a one-sided binomial test at half of the error does not exclude. */
function clopperPearson(successes: number, n: number, confidence: number): Interval {
  const error = (1 - confidence) / 2;
  return {
    lower: successes === 0 ? 0 : betaQuantile(error, successes, n - successes + 1),
    upper: successes === n ? 1 : betaQuantile(1 - error, successes + 1, n - successes),
  };
}

/** Wilson 1927: the shares that the normal approximation of the binomial test does not exclude. */
function wilson(successes: number, n: number, confidence: number): Interval {
  const z = normalQuantile((1 + confidence) / 2);
  const share = successes / n;
  const centre = (share + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return {
    lower: successes === 0 ? 0 : centre - half,
    upper: successes === n ? 1 : centre + half,
  };
}

function check(successes: number, n: number, confidence: number): void {
  if (!(Number.isInteger(successes) && Number.isInteger(n) && 0 <= successes && successes <= n))
    throw new RangeError(`${successes} of ${n} is no share`);
  if (!(confidence > 0 && confidence < 1)) throw new RangeError(`${confidence} is no confidence`);
}
