import type { Curve } from '../../components/curve.ts';

/** Standard deviations of the smoothing that can be chosen [pixels]; 0 is none. */
export const SMOOTHINGS = [0, 1, 2, 4, 8] as const;

/** The next stronger or weaker smoothing; the same at the ends. */
export function nextSmoothing(sigma: number, step: 1 | -1): number {
  const at = SMOOTHINGS.findIndex((one) => one === sigma);
  return SMOOTHINGS[Math.min(Math.max(at + step, 0), SMOOTHINGS.length - 1)] ?? 0;
}

/** A curve under a Gaussian of `sigma` pixels, cut at 3 sigma. Gaps stay gaps; beside one the weights of what is there count. */
export function smooth({ x, y }: Curve, sigma: number): Curve {
  if (sigma <= 0) return { x, y };
  const reach = Math.ceil(3 * sigma);
  const weights = Array.from({ length: reach + 1 }, (_, away) => Math.exp(-0.5 * (away / sigma) ** 2));
  const smoothed = y.map((here, at) => {
    if (here === null) return null;
    let sum = 0;
    let weightSum = 0;
    for (let other = Math.max(0, at - reach); other <= Math.min(y.length - 1, at + reach); other += 1) {
      const value = y[other];
      const weight = weights[Math.abs(other - at)] ?? 0;
      if (typeof value !== 'number') continue;
      sum += weight * value;
      weightSum += weight;
    }
    return sum / weightSum;
  });
  return { x, y: smoothed };
}
