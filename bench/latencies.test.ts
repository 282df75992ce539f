import { expect, it } from 'vitest';
import { latenciesOf, percentile } from './latencies.ts';

it('takes percentiles by nearest rank', () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)]).toEqual([50, 99, 100]);
  expect(percentile([7], 0.5)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

it('counts errors as requests, without their times', () => {
  expect(latenciesOf([1, 3], 2)).toEqual({ requests: 4, errors: 2, p50: 1, p99: 3, max: 3 });
});
