import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { confusionMatrix } from '../cnn/evaluation.ts';
import { betaProbability, betaQuantile } from './beta.ts';
import { f1Scores } from './f1.ts';
import { cohenKappa } from './kappa.ts';
import { normalQuantile } from './normal.ts';
import { proportionInterval, proportionLowerBound } from './proportion.ts';

// reference/make-reference.py computed the expected numbers with scipy and scikit-learn.
const numbers = z.array(z.number());
const bounds = z.tuple([z.number(), z.number()]);
const reference = z
  .object({
    betas: z.array(z.tuple([z.number(), z.number(), z.number(), z.number()])),
    normals: z.array(bounds),
    intervals: z.array(
      z.object({
        successes: z.number(),
        n: z.number(),
        confidence: z.number(),
        'clopper-pearson': bounds,
        wilson: bounds,
        lowerBound: z.number(),
      }),
    ),
    agreement: z.object({ first: numbers, second: numbers, kappa: z.number(), f1: numbers }),
  })
  .parse(JSON.parse(readFileSync(new URL('reference/reference.json', import.meta.url), 'utf8')));

it('has the quantiles of the beta distribution', () => {
  for (const [probability, a, b, expected] of reference.betas) {
    const quantile = betaQuantile(probability, a, b);
    expect(Math.abs(quantile / expected - 1), `${probability} of ${a}, ${b}`).toBeLessThan(1e-9);
    expect(betaProbability(quantile, a, b)).toBeCloseTo(probability, 9);
  }
  expect(() => betaQuantile(0.5, 0, 1)).toThrow(RangeError);
  expect(() => betaQuantile(2, 1, 1)).toThrow(RangeError);
});

it('has the quantiles of the normal distribution', () => {
  for (const [probability, expected] of reference.normals)
    expect(Math.abs(normalQuantile(probability) - expected)).toBeLessThan(
      1e-13 * (1 + Math.abs(expected)) * 100,
    );
  expect(() => normalQuantile(0)).toThrow(RangeError);
});

it('has the intervals of Clopper and Pearson, and of Wilson', () => {
  for (const { successes, n, confidence, lowerBound, ...expected } of reference.intervals) {
    for (const method of ['clopper-pearson', 'wilson'] as const) {
      const { lower, upper } = proportionInterval(successes, n, confidence, method);
      expect(lower).toBeCloseTo(expected[method][0], 10);
      expect(upper).toBeCloseTo(expected[method][1], 10);
    }
    expect(proportionLowerBound(successes, n, confidence)).toBeCloseTo(lowerBound, 10);
  }
  // Ten of ten right say little.
  expect(proportionInterval(10, 10, 0.95).lower).toBeCloseTo(0.69, 2);
  expect(proportionInterval(0, 0, 0.95)).toEqual({ lower: 0, upper: 1 });
  expect(() => proportionInterval(3, 2, 0.95)).toThrow('3 of 2 is no share');
  expect(() => proportionLowerBound(1, 2, 1)).toThrow('1 is no confidence');
});

it('has the kappa and the F1 of scikit-learn', () => {
  const first = Int32Array.from(reference.agreement.first);
  const second = Int32Array.from(reference.agreement.second);
  expect(cohenKappa(first, second, 4)).toBeCloseTo(reference.agreement.kappa, 12);
  const f1 = f1Scores(confusionMatrix(first, second, 5));
  reference.agreement.f1.forEach((expected, one) => expect(f1[one]).toBeCloseTo(expected, 12));
  expect(f1[4]).toBeUndefined();
});

it('has a kappa where chance explains everything', () => {
  const constant = new Int32Array(5);
  expect(cohenKappa(constant, constant, 2)).toBe(1);
  expect(cohenKappa(constant, Int32Array.of(0, 0, 0, 0, 1), 2)).toBe(0);
  expect(() => cohenKappa(new Int32Array(), new Int32Array(), 2)).toThrow(RangeError);
});
