import { z } from 'zod';
import { MAX_SPECTRUM_BYTES } from '../../contracts/limits.ts';
import {
  CataloguePage,
  CatalogueQuery,
  ScanRequest,
  ScanStarted,
  Spectrum,
  SpectrumHeader,
  SpectrumQuery,
} from '../../contracts/spectrum.ts';
import type { Database } from '../../db/connection.ts';
import { catalogueRow, createSpectraRepository } from '../../db/repositories/spectra.ts';
import { catalogueContents } from '../../science/catalogue/contents.ts';
import { parametersOfSpectrum, SPECTRA_TABLE } from '../../science/catalogue/spectra-table.ts';
import { pixelRows, spectrumTable } from '../../science/catalogue/spectrum-table.ts';
import { FitsError } from '../../science/fits/error.ts';
import { fluxUnit } from '../../science/spectra/flux-unit.ts';
import { readHeaders, readSpectrum } from '../../science/spectra/read-spectrum.ts';
import { archivePathOfDataDirectory, FileStoreError, type FileStore } from '../../storage/file-store.ts';
import { readArchiveFile, storePath } from '../archive-file.ts';
import { catalogueEntry } from '../catalogue-entry.ts';
import { absent, HttpError, invalid } from '../errors.ts';
import { answering, download, DOWNLOAD_RESPONSES } from '../file-store-answers.ts';
import { chooseFormat } from '../negotiation.ts';
import { defineRoute, type Route } from '../route.ts';
import type { SpectrumReader } from '../spectrum-reader.ts';
import { TABLE_MEDIA_TYPES, TABLE_METADATA, TABLE_RESPONSE, tableAnswer } from '../table-answer.ts';

const SpectrumParams = z.object({
  filename: z
    .string()
    .min(1)
    .max(4096)
    .meta({ description: 'File name or FILENAME card, with or without .gz; or an archive path, / as %2F' }),
});
const tags: [string] = ['spectra'];
const DEFAULT_LIMIT = 50;
const MAX_JSON_LIMIT = 1000;
const SPECTRUM_MEDIA_TYPES = {
  json: TABLE_MEDIA_TYPES.json,
  binary: 'application/octet-stream',
  votable: TABLE_MEDIA_TYPES.votable,
  fits: TABLE_MEDIA_TYPES.fits,
  csv: TABLE_MEDIA_TYPES.csv,
} as const;
/** Wavelength and flux, float32 each. */
const BINARY_POINT_BYTES = 8;

export interface SpectraDependencies {
  db: Database;
  files: FileStore;
  reader: SpectrumReader;
}

/** The raw spectra archive and its catalogue (API.md section 2). */
export function spectraRoutes({ db, files, reader }: SpectraDependencies): Route[] {
  const spectra = createSpectraRepository(db);

  /**
   * The archive path of the file that a name means. One that was copied in by hand and not scanned yet is found
   * by its archive path. @throws HttpError 404 where the name is unknown, or its file has gone
   */
  async function archivePathOfName(name: string): Promise<string> {
    const asPath = name.startsWith('/') ? archivePathOfDataDirectory(name) : name;
    const path = (await spectra.find(asPath))?.path ?? asPath;
    try {
      await files.statArchiveFile(path);
      return path;
    } catch (error) {
      if (error instanceof FileStoreError) throw absent(`spectrum ${name}`);
      throw error;
    }
  }

  const unreadable = (reason: string): HttpError => new HttpError(422, 'unreadable_spectrum', reason);

  /** What `read` makes of a file. @throws HttpError 422 where it is no spectrum */
  function readable<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof FitsError) throw unreadable(error.message);
      throw error;
    }
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/spectra',
      operationId: 'listSpectra',
      summary: 'The catalogue of readable spectra: metadata only',
      tags,
      query: CatalogueQuery,
      responses: { 200: { ...TABLE_RESPONSE, json: CataloguePage } },
      errors: [406],
      handler: async ({ query: { limit: asked, format: wish, ...query }, request }) => {
        const selection = {
          ...query,
          dir: query.dir === undefined ? undefined : archivePathOfDataDirectory(query.dir),
        };
        const format = chooseFormat(request, wish, TABLE_MEDIA_TYPES);
        if (format !== 'json') {
          const table = { table: SPECTRA_TABLE, metadata: TABLE_METADATA };
          const limited = { ...selection, ...(asked === undefined ? {} : { limit: asked }) };
          const pieces = spectra.stream(limited, (rows) => catalogueContents(format, { ...table, rows }));
          return tableAnswer(format, SPECTRA_TABLE.name, pieces);
        }
        const { offset } = query;
        const limit = asked ?? DEFAULT_LIMIT;
        if (limit > MAX_JSON_LIMIT)
          throw invalid('The query is not valid', [
            { path: 'limit', message: `must not be above ${MAX_JSON_LIMIT} for JSON` },
          ]);
        const { total, rows } = await spectra.list({ ...selection, limit });
        return { status: 200, body: { total, offset, limit, spectra: rows.map(catalogueEntry) } };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/spectra/scan',
      operationId: 'scanSpectra',
      summary: 'Read the archive into the catalogue, in the background',
      tags,
      body: ScanRequest.default({ dir: '/' }),
      responses: { 202: ScanStarted },
      errors: [403, 404],
      handler: async ({ body: { dir } }) => {
        await answering(files.resolveArchiveDirectory(dir));
        return { status: 202, body: { workflow_id: await spectra.requestScan(dir) } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/spectra/{filename}',
      operationId: 'getSpectrum',
      summary: 'One spectrum: its metadata, wavelengths and flux',
      tags,
      params: SpectrumParams,
      query: SpectrumQuery,
      responses: {
        200: {
          mediaTypes: [
            SPECTRUM_MEDIA_TYPES.binary,
            SPECTRUM_MEDIA_TYPES.votable,
            SPECTRUM_MEDIA_TYPES.fits,
            SPECTRUM_MEDIA_TYPES.csv,
          ],
          description:
            'JSON; binary: little-endian float32, all of wave, then all of flux; or a table of its pixels',
          json: Spectrum,
        },
      },
      errors: [403, 404, 406],
      handler: async ({ params: { filename }, query, request }) => {
        const format = chooseFormat(request, query.format, SPECTRUM_MEDIA_TYPES);
        const path = await archivePathOfName(filename);
        const { file, ...content } = await answering(readArchiveFile(files, path));
        if ('unreadableReason' in content) throw unreadable(content.unreadableReason);
        const { bytes } = content;
        if (format === 'json' || format === 'binary') {
          const maxPoints = query.max_points === undefined ? {} : { maxPoints: query.max_points };
          const body = await reader.read({ file, bytes, format, ...maxPoints });
          if ('unreadableReason' in body) throw unreadable(body.unreadableReason);
          const headers: Record<string, string | number> =
            format === 'json'
              ? { 'Content-Type': `${SPECTRUM_MEDIA_TYPES.json}; charset=utf-8` }
              : {
                  'Content-Type': SPECTRUM_MEDIA_TYPES.binary,
                  'X-Point-Count': body.byteLength / BINARY_POINT_BYTES,
                };
          return { status: 200, content: body, headers };
        }
        if (query.max_points !== undefined)
          throw invalid('The query is not valid', [
            { path: 'max_points', message: 'is for JSON and binary: tables hold every pixel' },
          ]);
        const spectrum = readable(() => readSpectrum(bytes));
        const entry = catalogueEntry(catalogueRow(file, spectrum));
        const pieces = catalogueContents(format, {
          table: spectrumTable(spectrum, fluxUnit(readHeaders(bytes))),
          metadata: { ...TABLE_METADATA, parameters: parametersOfSpectrum(entry) },
          rows: () => pixelRows(spectrum),
        });
        return tableAnswer(format, entry.filename.replace(/\.fits?(\.gz)?$/i, ''), pieces);
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/spectra/{filename}/header',
      operationId: 'getSpectrumHeader',
      summary: 'All cards of all HDUs',
      tags,
      params: SpectrumParams,
      responses: { 200: SpectrumHeader },
      errors: [403, 404, 413],
      handler: async ({ params: { filename } }) => {
        const path = storePath(await archivePathOfName(filename));
        const bytes = await answering(files.readFile(path, { maxBytes: MAX_SPECTRUM_BYTES }));
        const hdus = readable(() => readHeaders(bytes));
        return { status: 200, body: { filename: path.slice(path.lastIndexOf('/') + 1), hdus } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/spectra/{filename}/download',
      operationId: 'downloadSpectrum',
      summary: 'The file itself',
      tags,
      params: SpectrumParams,
      responses: DOWNLOAD_RESPONSES,
      errors: [403, 404],
      handler: async ({ params: { filename }, request }) =>
        download(
          await answering(files.openForDownload(storePath(await archivePathOfName(filename)))),
          request,
        ),
    }),
  ];
}
