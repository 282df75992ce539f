import type { CsvValue } from './csv.ts';

/** A column of a DataTable. */
export interface TableColumn<Row> {
  key: string;
  label: string;
  /** What is sorted by, and exported. */
  value: (row: Row) => CsvValue;
  /** What is shown, where that is another text. */
  text?: (row: Row) => string;
  number?: boolean;
  /** Its cells say what the rows are. */
  isHead?: boolean;
  /** Share of the strongest ground that a cell stands on, 0 to 1, as in a matrix. */
  shade?: (row: Row) => number;
}
export interface TableSort {
  key: string;
  descending: boolean;
}

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Rows in order of a column; what has no value comes last, either way; equals stay as they were. */
export function sortRows<Row>(
  rows: readonly Row[],
  column: TableColumn<Row> | undefined,
  descending: boolean,
): readonly Row[] {
  if (!column) return rows;
  const isMissing = (value: CsvValue) =>
    value === null || value === undefined || value === '' || Number.isNaN(value);
  const sign = descending ? -1 : 1;
  return rows
    .map((row) => ({ row, value: column.value(row) }))
    .sort((a, b) => {
      const [aMissing, bMissing] = [isMissing(a.value), isMissing(b.value)];
      if (aMissing || bMissing) return Number(aMissing) - Number(bMissing);
      if (typeof a.value === 'number' && typeof b.value === 'number') return sign * (a.value - b.value);
      return sign * collator.compare(String(a.value), String(b.value));
    })
    .map(({ row }) => row);
}

/** The order after a click on a column: first as it suits it (numbers from the largest), then the other way. */
export function nextSort<Row>(now: TableSort | undefined, column: TableColumn<Row>): TableSort {
  return now?.key === column.key
    ? { key: column.key, descending: !now.descending }
    : { key: column.key, descending: column.number === true };
}
