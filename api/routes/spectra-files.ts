import { Readable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { FileName } from '../../contracts/file.ts';
import {
  FluxesQuery,
  MAX_FLUX_VALUES,
  SpectraFilePage,
  SpectraFileQuery,
  type SpectraFileRow,
} from '../../contracts/spectra-file.ts';
import { NetworkError } from '../../science/cnn/error.ts';
import { type InputFile, openInput } from '../../science/hdf5/reading.ts';
import { type SpectraFile, spectraOf } from '../../science/hdf5/spectra-blocks.ts';
import type { FileStore } from '../../storage/file-store.ts';
import { absent, HttpError } from '../errors.ts';
import { answering } from '../file-store-answers.ts';
import { defineRoute, type Route } from '../route.ts';
import { withoutNulls } from '../without-nulls.ts';

/** What HDF5 reads at once [bytes]: some milliseconds, after which others have their turn. */
const BLOCK_BYTES = 4 << 20;
const NAMES_AT_ONCE = 8192;

const Params = z.object({ filename: FileName });
const tags: [string] = ['files'];

interface OpenSpectra {
  file: InputFile;
  spectra: SpectraFile;
}

/** Columns of a row beside its name, as preprocessing writes them. */
const TEXTS = {
  path: 'metadata/path',
  targetname: 'metadata/designation',
  type: 'metadata/class',
  subtype: 'metadata/subclass',
} as const;
const NUMBERS = { z: 'metadata/z', sn_r: 'metadata/snr_r' } as const;

/** Spectra of HDF5 files in the file store: what they are, and their fluxes for plots of thousands. */
export function spectraFileRoutes({ files }: { files: FileStore }): Route[] {
  /** @throws HttpError 404 where there is no such file, 422 with the reason where it holds no spectra */
  async function open(parent: string, filename: string): Promise<OpenSpectra> {
    const { hostPath, release } = await answering(files.lend(`${parent}/${filename}`));
    try {
      return await orUnreadable(async () => {
        const file = await openInput(hostPath);
        try {
          return { file, spectra: spectraOf(file) };
        } catch (error) {
          file.close();
          throw error;
        }
      });
    } finally {
      // What is open is read to its end, also where it has no name any more.
      await release();
    }
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/files/{filename}/spectra',
      operationId: 'listSpectraOfFile',
      summary: 'Wavelengths and rows of an HDF5 file of spectra, e.g. result.h5',
      tags,
      params: Params,
      query: SpectraFileQuery,
      responses: { 200: SpectraFilePage },
      errors: [403, 404],
      handler: async ({ params: { filename }, query: { parent_dir_path, offset, limit, name } }) => {
        const opened = await open(parent_dir_path, filename);
        try {
          const { rows, wavelengthAngstrom } = opened.spectra;
          const spectra = await orUnreadable(async () => {
            if (name === undefined)
              return rowsOf(opened, Math.min(offset, rows), Math.min(offset + limit, rows));
            const found = await findRow(opened, name);
            return found === undefined ? [] : rowsOf(opened, found, found + 1);
          });
          return {
            status: 200,
            body: { filename, total: rows, wave: Array.from(wavelengthAngstrom), offset, limit, spectra },
          };
        } finally {
          opened.file.close();
        }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/files/{filename}/fluxes',
      operationId: 'getFluxesOfFile',
      summary: 'Fluxes of an HDF5 file of spectra, row by row',
      tags,
      params: Params,
      query: FluxesQuery,
      responses: {
        200: {
          mediaTypes: ['application/octet-stream'],
          description:
            'Little-endian float32, X-Row-Count rows (those asked for that are there) of X-Point-Count values',
        },
      },
      errors: [403, 404],
      handler: async ({ params: { filename }, query: { parent_dir_path, offset, limit } }) => {
        const { file, spectra } = await open(parent_dir_path, filename);
        const first = Math.min(offset, spectra.rows);
        const count = Math.min(limit, Math.max(1, Math.floor(MAX_FLUX_VALUES / spectra.points)));
        const end = Math.min(first + count, spectra.rows);
        const content = Readable.from(fluxBlocks(spectra, first, end), { objectMode: false });
        // However it ends: read whole, broken off, or never begun (HEAD).
        content.once('close', () => file.close());
        return {
          status: 200,
          content,
          headers: {
            'Content-Type': 'application/octet-stream',
            'Content-Length': 4 * (end - first) * spectra.points,
            'X-Row-Count': end - first,
            'X-Point-Count': spectra.points,
          },
        };
      },
    }),
  ];
}

/** @throws HttpError 422 where HDF5 says that the file is not as it must be, 404 where it has gone meanwhile */
async function orUnreadable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof NetworkError) throw new HttpError(422, 'unreadable_spectra', error.message);
    // Deleted since the store said where it is.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw absent('such file any more');
    throw error;
  }
}

/** Rows `first` … `end` − 1 as bytes, block by block. */
async function* fluxBlocks(spectra: SpectraFile, first: number, end: number): AsyncGenerator<Uint8Array> {
  const rowsAtOnce = Math.max(1, Math.floor(BLOCK_BYTES / (4 * spectra.points)));
  for (let row = first; row < end; row += rowsAtOnce) {
    const { buffer, byteOffset, byteLength } = spectra.readFluxes(row, Math.min(end, row + rowsAtOnce));
    yield new Uint8Array(buffer, byteOffset, byteLength);
    await turn();
  }
}

async function findRow({ file, spectra }: OpenSpectra, name: string): Promise<number | undefined> {
  const paths = file.find('metadata/path');
  for (let first = 0; first < spectra.rows; first += NAMES_AT_ONCE) {
    const end = Math.min(spectra.rows, first + NAMES_AT_ONCE);
    const byPath = paths?.texts(first, end).indexOf(name) ?? -1;
    const found = byPath >= 0 ? byPath : spectra.readFilenames(first, end).indexOf(name);
    if (found >= 0) return first + found;
    await turn();
  }
  return undefined;
}

async function rowsOf({ file, spectra }: OpenSpectra, first: number, end: number): Promise<SpectraFileRow[]> {
  const texts = (path: string): string[] => file.find(path)?.texts(first, end) ?? [];
  const numbers = (path: string): Float64Array => {
    const values = new Float64Array(end - first).fill(NaN);
    file.find(path)?.readInto(values, first, end);
    return values;
  };
  const [path, targetname, type, subtype] = [TEXTS.path, TEXTS.targetname, TEXTS.type, TEXTS.subtype].map(
    texts,
  );
  const [z, signalToNoise] = [NUMBERS.z, NUMBERS.sn_r].map(numbers);
  const finite = (value: number | undefined): number | null =>
    value !== undefined && Number.isFinite(value) ? value : null;
  return spectra.readFilenames(first, end).map((filename, at) =>
    withoutNulls({
      index: first + at,
      filename,
      path: path?.[at] || null,
      targetname: targetname?.[at] || null,
      type: type?.[at] || null,
      subtype: subtype?.[at] || null,
      z: finite(z?.[at]),
      sn_r: finite(signalToNoise?.[at]),
    }),
  );
}
