/**
 * F1 of each class: 2 · right / (labelled + predicted); undefined where a class is neither labelled nor predicted.
 * @param confusion counts: row the labelled class, column the predicted one
 */
export function f1Scores(confusion: readonly (readonly number[])[]): (number | undefined)[] {
  return confusion.map((counts, one) => {
    const labelled = counts.reduce((sum, count) => sum + count, 0);
    const predicted = confusion.reduce((sum, row) => sum + (row[one] ?? 0), 0);
    return labelled + predicted === 0 ? undefined : (2 * (counts[one] ?? 0)) / (labelled + predicted);
  });
}
