import type { EvaluationReport } from '../../../contracts/training.ts';

export interface ConfusionCell {
  count: number;
  /** Of the spectra labelled with the row's class, 0 to 1; 0 where there are none. */
  share: number;
  isRight: boolean;
}
export interface ConfusionRow {
  name: string;
  labelled: number;
  cells: ConfusionCell[];
}

/** The confusion matrix with the share of each count in its row: the diagonal's shares are the recalls. */
export function confusionRows({ confusion, perClass }: EvaluationReport): ConfusionRow[] {
  return confusion.map((counts, row) => {
    const labelled = counts.reduce((sum, count) => sum + count, 0);
    return {
      name: perClass[row]?.name ?? String(row),
      labelled,
      cells: counts.map((count, column) => ({
        count,
        share: labelled > 0 ? count / labelled : 0,
        isRight: row === column,
      })),
    };
  });
}

/** What is most often taken for something else: off the diagonal, the largest counts first. */
export function mostConfused(
  { confusion, perClass }: EvaluationReport,
  limit: number,
): { labelled: string; predicted: string; count: number }[] {
  const name = (index: number) => perClass[index]?.name ?? String(index);
  return confusion
    .flatMap((counts, row) => counts.map((count, column) => ({ row, column, count })))
    .filter(({ row, column, count }) => row !== column && count > 0)
    .sort((a, b) => b.count - a.count)
    .slice(0, limit)
    .map(({ row, column, count }) => ({ labelled: name(row), predicted: name(column), count }));
}
