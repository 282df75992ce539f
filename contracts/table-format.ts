import { z } from 'zod';

/** Formats of tables beside JSON, with what HTTP and file names call them. */
export const TABLE_FORMATS = {
  votable: { mediaType: 'application/x-votable+xml', extension: 'vot' },
  fits: { mediaType: 'application/fits', extension: 'fits' },
  csv: { mediaType: 'text/csv; header=present', extension: 'csv' },
  parquet: { mediaType: 'application/vnd.apache.parquet', extension: 'parquet' },
} as const;
export type TableFormat = keyof typeof TABLE_FORMATS;

/** Query parameter `format` of tables: it goes before the Accept header. */
export const TableFormatQuery = z
  .enum(['json', 'votable', 'fits', 'csv', 'parquet'])
  .optional()
  .meta({ description: 'Of the answer; absent: what the Accept header asks for, JSON where it takes any' });
