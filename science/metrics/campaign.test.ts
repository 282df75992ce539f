import { beforeAll, describe, expect, it } from 'vitest';
import { selectRows } from '../acquisition/select-rows.ts';
import { predictedClasses } from '../cnn/evaluation.ts';
import { Random } from '../cnn/random.ts';
import { performanceSample } from '../sampling/performance-sample.ts';
import { normalQuantile } from './normal.ts';
import { estimatePrecision } from './precision.ts';

// 200 iterations of campaigns whose truth is known: Gaussian classes in a plane, a Gaussian classifier that learns from
// every label given, the precision of each iteration's model over all unlabelled predictions as the truth.
const CAMPAIGNS = 40;
const ITERATIONS = 5;
const POOL_ROWS = 6000;
const CLASSES = 3;
const CANDIDATE_CLASSES = [1, 2];
const CENTRES = [
  [0, 0],
  [2.2, 0.5],
  [-0.5, 2.4],
] as const;
const SAMPLE_ROWS = 40;
const ORACLE_ROWS = 100;

interface Estimated {
  /** Precision of a class over all unlabelled rows predicted so, and over those that the oracle would have left. */
  truth: number;
  truthOfRest: number;
  n: number;
  right: number;
}

function drawPool(random: Random): { labels: Int32Array; features: Float64Array } {
  const labels = Int32Array.from({ length: POOL_ROWS }, () => {
    const u = random.uniform();
    return u < 0.87 ? 0 : u < 0.97 ? 1 : 2;
  });
  const features = Float64Array.from({ length: 2 * POOL_ROWS }, (_, i) => {
    const centre = CENTRES[labels[i >> 1] ?? 0]?.[i & 1] ?? NaN;
    return centre + normalQuantile(1e-9 + (1 - 2e-9) * random.uniform());
  });
  return { labels, features };
}

/** Probabilities by the labelled rows' means and shares; every class has unit covariance. */
function predict(features: Float64Array, labels: Int32Array, labelled: ReadonlySet<number>): Float32Array {
  const models = Array.from({ length: CLASSES }, (_, one) => {
    const rows = [...labelled].filter((row) => labels[row] === one);
    const mean = (axis: number): number =>
      rows.reduce((sum, row) => sum + (features[2 * row + axis] ?? NaN), 0) / Math.max(1, rows.length);
    return { x: mean(0), y: mean(1), share: (rows.length + 1) / (labelled.size + CLASSES) };
  });
  const probabilities = new Float32Array(CLASSES * labels.length);
  for (let row = 0; row < labels.length; row++) {
    let total = 0;
    models.forEach(({ x, y, share }, one) => {
      const squared = ((features[2 * row] ?? NaN) - x) ** 2 + ((features[2 * row + 1] ?? NaN) - y) ** 2;
      const odds = share * Math.exp(-squared / 2);
      probabilities[row * CLASSES + one] = odds;
      total += odds;
    });
    for (let i = row * CLASSES; i < (row + 1) * CLASSES; i++)
      probabilities[i] = (probabilities[i] ?? NaN) / total;
  }
  return probabilities;
}

async function campaign(random: Random): Promise<Estimated[]> {
  const { labels, features } = drawPool(random);
  const labelled = new Set(random.shuffle([...labels.keys()]).slice(0, 40));
  const estimates: Estimated[] = [];
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const probabilities = predict(features, labels, labelled);
    const blocks = [{ firstRow: 0, probabilities }];
    const predicted = predictedClasses(probabilities, CLASSES);
    const choose = (excluded: ReadonlySet<number>) =>
      selectRows(blocks, {
        strategy: 'entropy',
        n: ORACLE_ROWS,
        classes: CLASSES,
        random,
        isExcluded: ({ row }) => excluded.has(row),
      });
    const precisionBut = (excluded: ReadonlySet<number>, one: number): number => {
      let rows = 0;
      let right = 0;
      predicted.forEach((other, row) => {
        if (other !== one || excluded.has(row)) return;
        rows++;
        if (labels[row] === one) right++;
      });
      return right / rows;
    };
    const sample = await performanceSample(blocks, {
      n: SAMPLE_ROWS,
      classes: CLASSES,
      candidateClasses: CANDIDATE_CLASSES,
      random,
      isExcluded: (row) => labelled.has(row),
    });
    const oracle = await choose(new Set([...labelled, ...sample.map(({ row }) => row)]));
    const oracleFirst = await choose(labelled);
    const labelledOrChosen = new Set([...labelled, ...oracleFirst.map(({ row }) => row)]);
    const pick = (values: Int32Array) => Int32Array.from(sample, ({ row }) => values[row] ?? NaN);
    const options = { classes: CLASSES, candidateClasses: CANDIDATE_CLASSES };
    for (const { class: one, n, right } of estimatePrecision(pick(predicted), pick(labels), options).perClass)
      estimates.push({
        n,
        right,
        truth: precisionBut(labelled, one),
        truthOfRest: precisionBut(labelledOrChosen, one),
      });
    for (const { row } of [...sample, ...oracle]) labelled.add(row);
  }
  return estimates;
}

/** How often the interval holds the truth. */
function coverage(
  estimates: readonly Estimated[],
  confidence: number,
  method: 'clopper-pearson' | 'wilson',
): number {
  const covered = estimates.filter(({ truth, n, right }) => {
    const { perClass } = estimatePrecision(
      new Int32Array(n),
      Int32Array.from({ length: n }, (_, row) => (row < right ? 0 : 1)),
      { classes: 2, candidateClasses: [0], confidence, method },
    );
    return perClass.some(({ lower, upper }) => lower <= truth && truth <= upper);
  });
  return covered.length / estimates.length;
}

function meanAndError(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  const variance = values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (values.length - 1);
  return { mean, error: Math.sqrt(variance / values.length) };
}

describe('over 200 iterations with known truth', () => {
  const all: Estimated[] = [];
  beforeAll(async () => {
    const random = new Random(20);
    for (let i = 0; i < CAMPAIGNS; i++) all.push(...(await campaign(random)));
  });
  // Early models predict nothing as the rarest class at times: then there is no precision to estimate.
  const estimates = () => all.filter(({ n }) => n > 0);

  it('has an estimate of every class that is predicted', () => {
    expect(all.length).toBe(CAMPAIGNS * ITERATIONS * CANDIDATE_CLASSES.length);
    expect(all.every(({ n, truth }) => n > 0 || Number.isNaN(truth))).toBe(true);
    expect(estimates().length).toBeGreaterThan(0.95 * all.length);
  });

  it.each([0.8, 0.95])(
    'an interval of confidence %d covers the true precision as often as it says',
    (confidence) => {
      const error = Math.sqrt((confidence * (1 - confidence)) / estimates().length);
      const exact = coverage(estimates(), confidence, 'clopper-pearson');
      const wilson = coverage(estimates(), confidence, 'wilson');
      expect(exact).toBeGreaterThan(confidence - 2 * error);
      expect(wilson).toBeGreaterThan(confidence - 3 * error);
      expect(wilson).toBeLessThan(confidence + 3 * error);
    },
  );

  it('a sample drawn before the oracle chooses is unbiased, and one drawn after it comes out too high', () => {
    const before = meanAndError(estimates().map(({ truth, n, right }) => right / n - truth));
    const after = meanAndError(
      estimates().flatMap(({ truth, truthOfRest }) =>
        Number.isNaN(truthOfRest) ? [] : [truthOfRest - truth],
      ),
    );
    expect(Math.abs(before.mean)).toBeLessThan(3 * before.error);
    expect(after.mean).toBeGreaterThan(5 * after.error);
  });
});
