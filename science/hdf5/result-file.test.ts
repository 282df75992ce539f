import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm, { Dataset } from 'h5wasm/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  decodeFluxes,
  decodeHeader,
  decodeTables,
  PartBuilder,
  type PartHeader,
} from '../preprocess/part.ts';
import { createResultFile } from './result-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'result file '));
});
afterEach(() => rm(directory, { recursive: true }));

const POINTS = 3;
/** A part as it comes out of the store. */
function part(names: string[], rejected: string[] = []): Buffer {
  const builder = new PartBuilder(names.length + rejected.length, POINTS);
  names.forEach((filename, i) => {
    builder.nextFluxes().set([0, 1, 2].map((point) => (i * POINTS + point) / 4));
    builder.addRow({
      filename,
      path: `dir/${filename}`,
      layout: 'lamost-dr1',
      metadata: { type: 'STAR', ra: 10 + i },
      quality: {
        coverage: 1,
        longestGap: 2,
        medianSnr: NaN,
        constant: false,
        extrapolated: true,
        unbridgedGap: false,
        mediumUnknown: false,
        despikedPixels: 3,
      },
    });
  });
  for (const filename of rejected)
    builder.addReject({ filename, path: `dir/${filename}`, reason: 'not a FITS file' });
  return Buffer.concat(builder.encode().chunks);
}

function totalsOf(headers: PartHeader[]) {
  const widths: Record<string, number> = {};
  for (const header of headers)
    for (const [name, width] of Object.entries(header.widths))
      widths[name] = Math.max(widths[name] ?? 0, width);
  const sum = (pick: (header: PartHeader) => number) =>
    headers.reduce((total, header) => total + pick(header), 0);
  return { widths, rows: sum(({ rows }) => rows), rejects: sum(({ rejects }) => rejects) };
}

async function write(name: string, parts: Buffer[], compression: 'none' | 'gzip' = 'none'): Promise<string> {
  const path = join(directory, name);
  const headers = parts.map(decodeHeader);
  const totals = totalsOf(headers);
  const file = await createResultFile(path, {
    wavelengthAngstrom: Float64Array.of(5000, 5001, 5002),
    attributes: { configuration: '{"grid":"linear"}' },
    maxRows: totals.rows + totals.rejects,
    compression,
  });
  const each = (work: (bytes: Buffer, header: PartHeader) => void) =>
    parts.forEach((bytes, i) => {
      const header = headers[i];
      if (header) work(bytes, header);
    });
  const tablesOf = (bytes: Buffer, header: PartHeader) =>
    decodeTables(Uint8Array.from(bytes.subarray(header.tables.start, header.tables.end)), header);
  each((bytes, header) => {
    const fluxes = Uint8Array.from(bytes.subarray(header.fluxes.start, header.fluxes.end));
    file.appendRows(decodeFluxes(fluxes, header), tablesOf(bytes, header).numbers);
  });
  each((bytes, header) => file.appendTexts(tablesOf(bytes, header).texts, totals));
  file.close(totals);
  return path;
}
function read(path: string, dataset: string): Pick<Dataset, 'shape' | 'value' | 'filters'> {
  const file = new h5wasm.File(path, 'r');
  const found = file.get(dataset);
  if (!(found instanceof Dataset)) throw new Error(`no dataset ${dataset}`);
  const { shape, value, filters } = found;
  file.close();
  return { shape, value, filters };
}

it('holds the rows of all parts in order, with their columns and the rejects', async () => {
  const path = await write('a.h5', [
    part(['a.fits', 'Čertík.fits']),
    part([], ['broken.fits']),
    part(['z.fits']),
  ]);
  expect(read(path, 'filenames')).toMatchObject({ shape: [3], value: ['a.fits', 'Čertík.fits', 'z.fits'] });
  expect(read(path, 'fluxes')).toMatchObject({
    shape: [3, 3],
    value: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25, 0, 0.25, 0.5),
  });
  expect(read(path, 'wave').value).toEqual(Float64Array.of(5000, 5001, 5002));
  expect(read(path, 'metadata/ra').value).toEqual(Float64Array.of(10, 11, 10));
  expect(read(path, 'metadata/dec').value).toEqual(Float64Array.of(NaN, NaN, NaN));
  expect(read(path, 'quality/extrapolated').value).toEqual(Uint8Array.of(1, 1, 1));
  expect(read(path, 'quality/despiked_pixels').value).toEqual(Int32Array.of(3, 3, 3));
  expect(read(path, 'rejects/filename').value).toEqual(['broken.fits']);
  expect(read(path, 'rejects/path').value).toEqual(['dir/broken.fits']);
  expect(read(path, 'rejects/reason').value).toEqual(['not a FITS file']);
});

it('is byte-identical when it is made again at another time', async () => {
  const first = await readFile(await write('a.h5', [part(['a', 'b'], ['c'])]));
  await new Promise((resolve) => setTimeout(resolve, 1100)); // HDF5 keeps whole seconds
  expect(await readFile(await write('b.h5', [part(['a', 'b'], ['c'])]))).toEqual(first);
});

it('spans many chunks, compressed or not', async () => {
  const many = Array.from({ length: 9500 }, (_, i) => `spec-${i}.fits`);
  const [plain, packed] = [
    await write('a.h5', [part(many), part(many)]),
    await write('b.h5', [part(many), part(many)], 'gzip'),
  ];
  for (const path of [plain, packed]) {
    expect(read(path, 'fluxes').shape).toEqual([19_000, 3]);
    expect(read(path, 'fluxes').value).toEqual(
      Float32Array.from({ length: 19_000 * POINTS }, (_, i) => (i % (9500 * POINTS)) / 4),
    );
    expect(read(path, 'filenames').value).toEqual([...many, ...many]);
    expect(read(path, 'metadata/ra').value).toEqual(
      Float64Array.from({ length: 19_000 }, (_, i) => 10 + (i % 9500)),
    );
  }
  expect(read(plain, 'fluxes').filters).toEqual([]);
  expect(read(packed, 'fluxes').filters).toMatchObject([{ name: 'deflate' }]);
  expect((await stat(packed)).size).toBeLessThan((await stat(plain)).size);
});

it('refuses to close short of its rows', async () => {
  const file = await createResultFile(join(directory, 'a.h5'), {
    wavelengthAngstrom: Float64Array.of(1, 2, 3),
    attributes: {},
    maxRows: 1,
    compression: 'none',
  });
  expect(() => file.close(totalsOf([decodeHeader(part(['a']))]))).toThrow('rows are missing in');
});
