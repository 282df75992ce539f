import { open } from 'node:fs/promises';
import { csvOf } from './csv.ts';
import { fitsOf } from './fits.ts';
import type { CatalogueMetadata, CatalogueRows, CatalogueTable } from './table.ts';
import { votableOf } from './votable.ts';

export const CATALOGUE_FORMATS = ['csv', 'votable', 'fits'] as const;
export type CatalogueFormat = (typeof CATALOGUE_FORMATS)[number];

const WRITTEN_AT_ONCE = 1 << 20;

/**
 * Writes a catalogue to a path, to be renamed once it is whole. Memory does not grow with the rows; equal rows give equal
 * bytes. A CSV holds the rows and nothing else; the metadata stand in the VOTable and in the FITS header.
 * @returns how many rows there are
 */
export async function writeCatalogue<Row>(
  path: string,
  format: CatalogueFormat,
  catalogue: { table: CatalogueTable<Row>; metadata: CatalogueMetadata; rows: CatalogueRows<Row> },
): Promise<number> {
  const { table, metadata } = catalogue;
  let count = 0;
  async function* counted(): AsyncGenerator<Row> {
    count = 0;
    for await (const row of catalogue.rows()) {
      count++;
      yield row;
    }
  }
  const contents = {
    csv: () => csvOf(table, counted),
    votable: () => votableOf(table, metadata, counted),
    fits: () => fitsOf(table, metadata, counted),
  }[format]();
  const file = await open(path, 'w');
  try {
    let text = '';
    for await (const piece of contents) {
      if (typeof piece !== 'string') {
        await file.writeFile(piece);
        continue;
      }
      text += piece;
      if (text.length < WRITTEN_AT_ONCE) continue;
      await file.writeFile(text);
      text = '';
    }
    if (text !== '') await file.writeFile(text);
  } finally {
    await file.close();
  }
  return count;
}
