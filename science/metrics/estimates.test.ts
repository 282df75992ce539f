import { describe, expect, it } from 'vitest';
import { Random } from '../cnn/random.ts';
import { bootstrapMedian } from './median.ts';
import { PoolSummarizer } from './pool-summary.ts';
import { estimatePrecision, UNDECIDED } from './precision.ts';
import { estimateRecall } from './recall.ts';

describe('precision', () => {
  const options = { classes: 3, candidateClasses: [2, 1] };

  it('counts what is labelled, and says what is not', () => {
    const predicted = Int32Array.of(1, 1, 1, 1, 2, 2);
    const labels = Int32Array.of(1, 1, 0, UNDECIDED, 2, UNDECIDED);
    const estimate = estimatePrecision(predicted, labels, options);
    expect(estimate).toMatchObject({
      n: 4,
      undecided: 2,
      confidence: 0.95,
      method: 'clopper-pearson',
      perClass: [
        { class: 2, n: 1, right: 1, undecided: 1, precision: 1, upper: 1 },
        { class: 1, n: 3, right: 2, undecided: 1, precision: 2 / 3 },
      ],
      confusion: [
        [0, 1, 0],
        [0, 2, 0],
        [0, 0, 1],
      ],
    });
    expect(estimate.perClass[0]?.lower).toBeCloseTo(0.025, 12);
  });

  it('says nothing of a class that is not predicted', () => {
    const { n, perClass } = estimatePrecision(new Int32Array(), new Int32Array(), options);
    expect(n).toBe(0);
    expect(perClass[0]).toEqual({ class: 2, n: 0, right: 0, undecided: 0, lower: 0, upper: 1 });
  });

  it('refuses what is no such sample', () => {
    expect(() => estimatePrecision(Int32Array.of(0), Int32Array.of(0), options)).toThrow(
      'no candidate class',
    );
    expect(() => estimatePrecision(Int32Array.of(1), Int32Array.of(3), options)).toThrow('no class');
    expect(() => estimatePrecision(Int32Array.of(1), new Int32Array(), options)).toThrow(RangeError);
  });
});

describe('recall', () => {
  it('weights every stratum by its size', () => {
    const [common, rare] = estimateRecall([
      { population: 1000, labels: Int32Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 1) },
      { population: 100, labels: Int32Array.of(1, 1, 1, 0) },
    ]);
    expect(rare?.recall).toBeCloseTo(75 / (75 + 100), 12);
    expect(common?.recall).toBeCloseTo(900 / (900 + 25), 12);
    expect(rare?.n).toBe(14);
    expect(rare?.lower).toBeLessThan(0.2);
  });

  it('is certain of what is labelled whole, and of nothing that is not sampled', () => {
    const whole = [
      { population: 3, labels: Int32Array.of(0, 0, 1) },
      { population: 1, labels: Int32Array.of(1) },
    ];
    expect(estimateRecall(whole)[1]).toEqual({ n: 4, recall: 0.5, lower: 0.5, upper: 0.5 });
    const [, unsampled] = estimateRecall([
      { population: 1000, labels: new Int32Array() },
      { population: 1, labels: Int32Array.of(1) },
    ]);
    expect(unsampled).toEqual({ n: 1, lower: 1 / 1001, upper: 1 });
    expect(() => estimateRecall([{ population: 0, labels: Int32Array.of(0) }])).toThrow(RangeError);
  });

  it('covers the true recall at least as often as it says', () => {
    const random = new Random(6);
    // Rows of the class among those predicted as another, and as it: recall is 90 / 190.
    const strata = [
      { population: 5000, ofClass: 100, sample: 100 },
      { population: 120, ofClass: 90, sample: 50 },
    ];
    let covered = 0;
    const repeats = 400;
    for (let i = 0; i < repeats; i++) {
      const [, estimate] = estimateRecall(
        strata.map(({ population, ofClass, sample }) => {
          const rows = new Set<number>();
          while (rows.size < sample) rows.add(random.below(population));
          return { population, labels: Int32Array.from(rows, (row) => (row < ofClass ? 1 : 0)) };
        }),
      );
      const { lower = NaN, upper = NaN } = estimate ?? {};
      if (lower <= 90 / 190 && 90 / 190 <= upper) covered++;
    }
    expect(covered / repeats).toBeGreaterThanOrEqual(0.95);
  });
});

describe('bootstrapped median', () => {
  it('has the bounds that endless resampling has', () => {
    // Of 9 values the resampled median is at most the k-th with the probability that 5 or more of 9 draws are among the
    // first k: 3.0 % and 14.5 % for the 2nd and 3rd, 85.5 % and 97.0 % for the 6th and 7th.
    const values = [25, 1, 4, 81, 9, 49, 36, 16, 64];
    const estimate = bootstrapMedian(values, { random: new Random(9), confidence: 0.9 });
    expect(estimate).toEqual({ n: 9, median: 25, lower: 9, upper: 49 });
  });

  it('is the same for equal seeds', () => {
    const estimate = () => bootstrapMedian([3, 1, 2, 10], { random: new Random(1) });
    expect(estimate()).toEqual(estimate());
    expect(estimate()).toMatchObject({ n: 4, median: 2.5 });
    expect(bootstrapMedian([7], { random: new Random(1) })).toEqual({ n: 1, median: 7, lower: 7, upper: 7 });
    expect(() => bootstrapMedian([], { random: new Random(1) })).toThrow(RangeError);
  });
});

it('sums up predictions, however they are cut into blocks', () => {
  const probabilities = Float32Array.of(1, 0, 0.5, 0.5, 0.25, 0.75, 0, 1);
  const summaryOf = (size: number) => {
    const summarizer = new PoolSummarizer(2, 4);
    for (let at = 0; at < probabilities.length; at += size)
      summarizer.add(probabilities.subarray(at, at + size));
    return summarizer.summary;
  };
  const entropy = -0.25 * Math.log(0.25) - 0.75 * Math.log(0.75);
  expect(summaryOf(8)).toEqual({
    n: 4,
    predicted: [2, 2],
    meanEntropy: (Math.log(2) + entropy) / 4,
    entropyHistogram: { maximum: Math.log(2), counts: [2, 0, 0, 2] },
  });
  expect(summaryOf(2)).toEqual(summaryOf(8));
});
