import { confusionMatrix } from '../cnn/evaluation.ts';

/**
 * Cohen's kappa (1960): agreement of two classifications of the same rows, less what chance alone would make; 1 where
 * both say the same one class of every row, of which kappa itself is 0 / 0.
 * @throws RangeError where sizes do not fit or there is no row; NetworkError `bad-data` where a class is none
 */
export function cohenKappa(a: Int32Array, b: Int32Array, classes: number): number {
  const n = a.length;
  if (n === 0 || b.length !== n) throw new RangeError(`${n} rows against ${b.length}`);
  const counts = confusionMatrix(a, b, classes);
  let agreed = 0;
  let byChance = 0;
  for (let one = 0; one < classes; one++) {
    agreed += (counts[one]?.[one] ?? 0) / n;
    const rowSum = counts[one]?.reduce((sum, count) => sum + count, 0) ?? 0;
    const columnSum = counts.reduce((sum, row) => sum + (row[one] ?? 0), 0);
    byChance += (rowSum / n) * (columnSum / n);
  }
  return byChance === 1 ? 1 : (agreed - byChance) / (1 - byChance);
}
