import { Random } from './random.ts';

/** Row numbers, ascending. */
export interface Split {
  readonly training: Int32Array;
  readonly validation: Int32Array;
}

/**
 * Holds out a share of the rows, of every class the same share as nearly as its groups allow. Rows of one group (an
 * object observed several times) stay on one side; a group counts as of the class that most of its rows have. A class
 * of a single group is not held out; a class of two or more is on both sides.
 * @param labels class of each row
 * @param fraction of the rows held out, 0 … 1
 * @param groups of each row; every row is one of its own where absent
 */
export function stratifiedSplit(
  labels: Int32Array,
  { fraction, seed, groups }: { fraction: number; seed: number; groups?: readonly (string | number)[] },
): Split {
  const members = new Map<string | number, number[]>();
  labels.forEach((_, row) => {
    const group = groups?.[row] ?? row;
    const rows = members.get(group);
    if (rows === undefined) members.set(group, [row]);
    else rows.push(row);
  });
  const byClass = new Map<number, number[][]>();
  for (const rows of members.values()) {
    const label = mostFrequent(rows.map((row) => labels[row] ?? NaN));
    const sameClass = byClass.get(label);
    if (sameClass === undefined) byClass.set(label, [rows]);
    else sameClass.push(rows);
  }
  const random = new Random(seed);
  const validation = new Set<number>();
  for (const [, all] of [...byClass].sort(([a], [b]) => a - b)) {
    if (fraction === 0 || all.length < 2) continue;
    const order = random.shuffle(all.map((_, index) => index));
    const wanted = fraction * all.reduce((sum, rows) => sum + rows.length, 0);
    let held = 0;
    order.slice(0, -1).forEach((index, taken) => {
      const rows = all[index] ?? [];
      // Taken where that comes nearer to what is wanted than leaving it does.
      if (taken > 0 && held + rows.length / 2 > wanted) return;
      for (const row of rows) validation.add(row);
      held += rows.length;
    });
  }
  const rows = Int32Array.from(labels.keys());
  return {
    training: rows.filter((row) => !validation.has(row)),
    validation: rows.filter((row) => validation.has(row)),
  };
}

function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0];
}
