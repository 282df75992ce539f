import { shortestFloat32 } from '../artifacts/decimal.ts';
import type { CatalogueColumn, CatalogueRows, CatalogueTable } from './table.ts';

/** The value of a column as decimal text, `''` where there is none: numbers as short as they can be without loss. */
export function textOf<Row>(column: CatalogueColumn<Row>, row: Row): string {
  return valueText(column.type, column.value(row));
}

/** As textOf, for a value by itself. */
export function valueText(type: CatalogueColumn<never>['type'], value: string | number | undefined): string {
  if (value === undefined || typeof value === 'string') return value ?? '';
  if (!Number.isFinite(value)) return '';
  return type === 'float' ? shortestFloat32(Math.fround(value)) : String(value);
}

/** A catalogue as CSV (RFC 4180): UTF-8, a first line with the names, lines that end with CR LF. */
export async function* csvOf<Row>(
  table: CatalogueTable<Row>,
  rows: CatalogueRows<Row>,
): AsyncGenerator<string> {
  yield lineOf(table.columns.map(({ name }) => name));
  for await (const row of rows()) yield lineOf(table.columns.map((column) => textOf(column, row)));
}

/** One line of a CSV. */
export function lineOf(fields: readonly string[]): string {
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join()}\r\n`;
}
