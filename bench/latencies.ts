/** Milliseconds that requests of one kind took, and how many gave no good answer. */
export interface Latencies {
  requests: number;
  errors: number;
  p50: number;
  p99: number;
  max: number;
}

/** The value that the share `p` of `values` does not exceed (nearest rank); NaN without values. */
export function percentile(values: readonly number[], p: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] ?? NaN;
}

/** Sums up what `milliseconds` of good answers and a number of bad ones come to. */
export function latenciesOf(milliseconds: readonly number[], errors: number): Latencies {
  const round = (value: number): number => Math.round(value * 10) / 10;
  return {
    requests: milliseconds.length + errors,
    errors,
    p50: round(percentile(milliseconds, 0.5)),
    p99: round(percentile(milliseconds, 0.99)),
    max: round(percentile(milliseconds, 1)),
  };
}
