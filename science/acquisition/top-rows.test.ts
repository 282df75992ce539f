import { expect, it } from 'vitest';
import { Random } from '../cnn/random.ts';
import { TopRows, type ScoredRow } from './top-rows.ts';

/** The n best of distinct objects, by sorting everything. */
function sorted(rows: readonly ScoredRow[], n: number): ScoredRow[] {
  const objects = new Set();
  return [...rows]
    .sort((a, b) => b.score - a.score || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) || a.row - b.row)
    .filter(({ object }) => object === null || (!objects.has(object) && objects.add(object)))
    .slice(0, n);
}

it('keeps what sorting everything would, in every order of the rows', () => {
  const random = new Random(8);
  const rows = Array.from({ length: 10_000 }, (_, row): ScoredRow => ({
    row,
    // Few scores and keys, so that many are equal; objects of which several are among the best.
    score: random.below(2000) / 1999,
    key: `key ${random.below(5000)}`,
    object: random.below(3) === 0 ? null : random.below(200),
  }));
  const ascending = [...rows].sort((a, b) => a.score - b.score);
  for (const n of [1, 50, 3000])
    for (const order of [rows, ascending, [...ascending].reverse()]) {
      const top = new TopRows(n);
      for (const row of order) top.add(row);
      expect(top.result()).toEqual(sorted(rows, n));
    }
});

it('tells which scores have no chance any more', () => {
  const top = new TopRows(2);
  expect(top.threshold).toBe(-Infinity);
  for (let row = 0; row < 5000; row++) top.add({ row, score: row / 5000, key: '' });
  expect(top.threshold).toBeGreaterThan(0.7);
  expect(top.result().map(({ row }) => row)).toEqual([4999, 4998]);
});
