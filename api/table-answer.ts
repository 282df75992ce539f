import { Readable } from 'node:stream';
import { TABLE_FORMATS, type TableFormat } from '../contracts/table-format.ts';
import { VERSION } from '../contracts/version.ts';
import type { CatalogueMetadata } from '../science/catalogue/table.ts';
import { attachmentNamed } from './file-store-answers.ts';

export const JSON_MEDIA_TYPE = 'application/json';
/** Of each format that a table is offered in, JSON first: what who takes anything gets. */
export const TABLE_MEDIA_TYPES = {
  json: JSON_MEDIA_TYPE,
  votable: TABLE_FORMATS.votable.mediaType,
  fits: TABLE_FORMATS.fits.mediaType,
  csv: TABLE_FORMATS.csv.mediaType,
  parquet: TABLE_FORMATS.parquet.mediaType,
} as const;

/** What such an answer is, in the OpenAPI document. */
export const TABLE_RESPONSE = {
  mediaTypes: [
    TABLE_MEDIA_TYPES.votable,
    TABLE_MEDIA_TYPES.fits,
    TABLE_MEDIA_TYPES.csv,
    TABLE_MEDIA_TYPES.parquet,
  ],
  description: 'A page as JSON; or all rows as VOTable 1.4, FITS, CSV or Parquet',
} as const;

export const TABLE_METADATA: CatalogueMetadata = {
  software: `Spectrolabe ${VERSION}`,
  precision: [],
  acknowledgements: [],
};

/** Answers with a table as a file, as its pieces come. @param name of the file, without an extension */
export function tableAnswer(
  format: TableFormat,
  name: string,
  pieces: AsyncIterable<Uint8Array>,
): { status: 200; content: Readable; headers: Record<string, string> } {
  const { mediaType, extension } = TABLE_FORMATS[format];
  return {
    status: 200,
    content: Readable.from(pieces, { objectMode: false }),
    headers: {
      'Content-Type': mediaType,
      'Content-Disposition': attachmentNamed(`${name}.${extension}`),
    },
  };
}
