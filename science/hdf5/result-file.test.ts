import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm, { Dataset } from 'h5wasm/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { decodePart, decodeSummary, encodePart, type Part } from '../preprocess/part.ts';
import { createResultFile } from './result-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'result file '));
});
afterEach(() => rm(directory, { recursive: true }));

const POINTS = 3;
function part(names: string[], rejected: string[] = []): Part {
  return {
    rows: names.map((filename, i) => ({
      filename,
      path: `dir/${filename}`,
      layout: 'lamost-dr1',
      metadata: { type: 'STAR', ra: 10 + i },
      quality: {
        coverage: 1,
        longestGap: 2,
        medianSnr: null,
        constant: false,
        extrapolated: true,
        unbridgedGap: false,
        mediumUnknown: false,
      },
    })),
    rejects: rejected.map((filename) => ({ filename, path: `dir/${filename}`, reason: 'not a FITS file' })),
    points: POINTS,
    fluxes: Float32Array.from({ length: names.length * POINTS }, (_, i) => i / 4),
  };
}
const throughBytes = (one: Part) => Buffer.concat(encodePart(one, [one.fluxes]));

async function write(name: string, parts: Part[]): Promise<string> {
  const path = join(directory, name);
  const encoded = parts.map(throughBytes);
  const file = await createResultFile(path, {
    wavelengthAngstrom: Float64Array.of(5000, 5001, 5002),
    parts: encoded.map(decodeSummary),
    attributes: { configuration: '{"grid":"linear"}' },
  });
  for (const bytes of encoded) file.append(decodePart(bytes));
  file.close();
  return path;
}
function read(path: string, dataset: string): { shape: number[] | null; value: unknown } {
  const file = new h5wasm.File(path, 'r');
  const found = file.get(dataset);
  if (!(found instanceof Dataset)) throw new Error(`no dataset ${dataset}`);
  const { shape, value } = found;
  file.close();
  return { shape, value };
}

it('holds the rows of all parts in order, with their columns and the rejects', async () => {
  const path = await write('a.h5', [
    part(['a.fits', 'Čertík.fits']),
    part([], ['broken.fits']),
    part(['z.fits']),
  ]);
  expect(read(path, 'filenames')).toEqual({ shape: [3], value: ['a.fits', 'Čertík.fits', 'z.fits'] });
  expect(read(path, 'fluxes')).toEqual({
    shape: [3, 3],
    value: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25, 0, 0.25, 0.5),
  });
  expect(read(path, 'wave').value).toEqual(Float64Array.of(5000, 5001, 5002));
  expect(read(path, 'metadata/ra').value).toEqual(Float64Array.of(10, 11, 10));
  expect(read(path, 'metadata/dec').value).toEqual(Float64Array.of(NaN, NaN, NaN));
  expect(read(path, 'quality/extrapolated').value).toEqual(Uint8Array.of(1, 1, 1));
  expect(read(path, 'rejects/filename').value).toEqual(['broken.fits']);
  expect(read(path, 'rejects/reason').value).toEqual(['not a FITS file']);
});

it('is byte-identical when it is made again at another time', async () => {
  const first = await readFile(await write('a.h5', [part(['a', 'b'], ['c'])]));
  await new Promise((resolve) => setTimeout(resolve, 1100)); // HDF5 keeps whole seconds
  expect(await readFile(await write('b.h5', [part(['a', 'b'], ['c'])]))).toEqual(first);
});

it('spans many chunks', async () => {
  const many = Array.from({ length: 2500 }, (_, i) => `spec-${i}.fits`);
  const path = await write('a.h5', [part(many), part(many)]);
  expect(read(path, 'fluxes').shape).toEqual([5000, 3]);
  expect((read(path, 'filenames').value as string[])[4999]).toBe('spec-2499.fits');
  expect((read(path, 'fluxes').value as Float32Array)[2500 * POINTS + 4]).toBe(1);
});

it('refuses to close short of its rows', async () => {
  const file = await createResultFile(join(directory, 'a.h5'), {
    wavelengthAngstrom: Float64Array.of(1, 2, 3),
    parts: [decodeSummary(throughBytes(part(['a'])))],
    attributes: {},
  });
  expect(() => file.close()).toThrow('misses 1 rows');
});
