import { csvOf } from './csv.ts';
import { fitsOf } from './fits.ts';
import { parquetOf } from './parquet.ts';
import type { CatalogueMetadata, CatalogueRows, CatalogueTable } from './table.ts';
import { votableOf } from './votable.ts';

export const CATALOGUE_FORMATS = ['csv', 'votable', 'fits', 'parquet'] as const;
export type CatalogueFormat = (typeof CATALOGUE_FORMATS)[number];

export interface Catalogue<Row> {
  table: CatalogueTable<Row>;
  metadata: CatalogueMetadata;
  rows: CatalogueRows<Row>;
}

/** Texts are put together to pieces of about so many characters. */
const TEXT_LENGTH = 1 << 18;

/**
 * A catalogue as the bytes of a file, piece by piece as its rows come: memory does not grow with them. The rows are read
 * twice for FITS, whose header says how many and how wide they are; once for the others.
 */
export async function* catalogueContents<Row>(
  format: CatalogueFormat,
  { table, metadata, rows }: Catalogue<Row>,
): AsyncGenerator<Uint8Array> {
  const pieces = {
    csv: () => csvOf(table, rows),
    votable: () => votableOf(table, metadata, rows),
    fits: () => fitsOf(table, metadata, rows),
    parquet: () => parquetOf(table, metadata, rows),
  }[format]();
  let text = '';
  for await (const piece of pieces) {
    if (typeof piece !== 'string') {
      yield piece;
      continue;
    }
    text += piece;
    if (text.length < TEXT_LENGTH) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}
