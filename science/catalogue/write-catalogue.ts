import { open } from 'node:fs/promises';
import { type Catalogue, type CatalogueFormat, catalogueContents } from './contents.ts';

/**
 * Writes a catalogue to a path, to be renamed once it is whole. Memory does not grow with the rows; equal rows give equal
 * bytes. A CSV holds the rows and nothing else; the metadata stand in the other formats.
 * @returns how many rows there are
 */
export async function writeCatalogue<Row>(
  path: string,
  format: CatalogueFormat,
  catalogue: Catalogue<Row>,
): Promise<number> {
  let count = 0;
  async function* rows(): AsyncGenerator<Row> {
    count = 0;
    for await (const row of catalogue.rows()) {
      count++;
      yield row;
    }
  }
  const file = await open(path, 'w');
  try {
    for await (const piece of catalogueContents(format, { ...catalogue, rows })) await file.writeFile(piece);
  } finally {
    await file.close();
  }
  return count;
}
