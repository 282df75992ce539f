import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { Random } from '../../cnn/random.ts';
import { ACQUISITION_FUNCTIONS, type AcquisitionFunctionName } from '../functions.ts';
import { selectRows, type SelectOptions } from '../select-rows.ts';

// make_fixtures.py computed the expected numbers with scikit-activeml on the same float64 inputs.
const numbers = z.array(z.number()).transform((values) => Float64Array.from(values));
const fixture = z
  .object({
    rows: z.number(),
    classes: z.number(),
    width: z.number(),
    draws: z.number(),
    probabilities: numbers,
    embeddings: numbers,
    labelled: numbers,
    dropout: numbers,
    scores: z.object({
      entropy: numbers,
      margin: numbers,
      least_confidence: numbers,
      density_weighted: numbers,
      bald: numbers,
    }),
    core_set: z.object({ chosen: z.array(z.number()), scores: numbers }),
    badge: z.object({
      rows: z.number(),
      classes: z.number(),
      queries: z.number(),
      probabilities: numbers,
      embeddings: numbers,
      counts: z.array(z.array(z.number())),
    }),
  })
  .parse(JSON.parse(readFileSync(new URL('scikit-activeml.json', import.meta.url), 'utf8')));
const TOLERANCE = 1e-9;

function takeRows(matrix: Float64Array, rows: Int32Array, width: number): Float64Array {
  return Float64Array.from([...rows].flatMap((row) => [...matrix.subarray(row * width, (row + 1) * width)]));
}

function select(strategy: AcquisitionFunctionName, n: number, options: Partial<SelectOptions> = {}) {
  const { probabilities, classes, embeddings, width, labelled, draws, dropout, rows } = fixture;
  return selectRows([{ firstRow: 0, probabilities }], {
    strategy,
    n,
    classes,
    random: new Random(1),
    embeddingsOf: (wanted) => Promise.resolve(takeRows(embeddings, wanted, width)),
    labelledEmbeddings: () => Promise.resolve(labelled),
    dropoutProbabilitiesOf: (wanted) =>
      Promise.resolve({
        draws,
        probabilities: Float64Array.from(
          Array.from({ length: draws }, (_, draw) => [
            ...takeRows(
              dropout.subarray(draw * rows * classes, (draw + 1) * rows * classes),
              wanted,
              classes,
            ),
          ]).flat(),
        ),
      }),
    ...options,
  });
}

it.each(['entropy', 'margin', 'least_confidence', 'density_weighted', 'bald'] as const)(
  '%s scores every row as scikit-activeml does',
  async (strategy) => {
    const expected = fixture.scores[strategy];
    const selected = await select(strategy, fixture.rows);
    expect(selected.length).toBe(fixture.rows);
    for (const { row, score } of selected)
      expect(Math.abs(score - (expected[row] ?? NaN)), `row ${row}`).toBeLessThanOrEqual(TOLERANCE);
    const scores = selected.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  },
);

it('covers the pool as the greedy k-centre of scikit-activeml does', async () => {
  const { chosen, scores } = fixture.core_set;
  const selected = await select('core_set', chosen.length);
  expect(selected.map(({ row }) => row)).toEqual(chosen);
  selected.forEach(({ score }, i) =>
    expect(Math.abs(score - (scores[i] ?? NaN))).toBeLessThanOrEqual(TOLERANCE),
  );
});

/** Pearson's statistic of two samples of equal size; χ² distributed where one distribution made both. */
function chiSquared(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, count, i) => {
    const other = b[i] ?? NaN;
    return count + other === 0 ? sum : sum + (count - other) ** 2 / (count + other);
  }, 0);
}

it('draws batches as the BADGE of scikit-activeml does', () => {
  const { rows, classes, queries, probabilities, embeddings, counts } = fixture.badge;
  const { secondStep } = ACQUISITION_FUNCTIONS.badge;
  const own = counts.map((place) => place.map(() => 0));
  const random = new Random(4);
  const input = { width: embeddings.length / rows, candidates: embeddings, labelled: new Float64Array() };
  for (let query = 0; query < queries; query++) {
    const batch =
      secondStep?.needs === 'embeddings'
        ? secondStep.choose(
            { scores: new Float64Array(rows), probabilities, classes },
            input,
            counts.length,
            random,
          )
        : [];
    batch.forEach(({ candidate }, place) => {
      const countsOfPlace = own[place] ?? [];
      countsOfPlace[candidate] = (countsOfPlace[candidate] ?? NaN) + 1;
    });
  }
  expect(own[0]).toEqual(counts[0]);
  // 31.3 is what χ² with 11 degrees of freedom exceeds once in a thousand.
  counts.slice(1).forEach((place, i) => expect(chiSquared(own[i + 1] ?? [], place)).toBeLessThan(31.3));
});

it('draws every set of rows with the same probability at random', async () => {
  const rows = 6;
  const draws = 6000;
  const random = new Random(2);
  const counts = new Map<string, number>();
  for (let draw = 0; draw < draws; draw++) {
    const selected = await selectRows([{ firstRow: 0, probabilities: new Float32Array(rows) }], {
      strategy: 'random',
      n: 2,
      classes: 1,
      random,
    });
    const ordered = selected.map(({ row }) => row).join(' then ');
    counts.set(ordered, (counts.get(ordered) ?? 0) + 1);
  }
  const expected = draws / 30;
  expect(counts.size).toBe(30);
  const statistic = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  // 58.3 is what χ² with 29 degrees of freedom exceeds once in a thousand.
  expect(statistic).toBeLessThan(58.3);
});
