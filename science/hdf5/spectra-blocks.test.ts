import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm, { type GuessableDataTypes } from 'h5wasm/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openSpectra } from './spectra-blocks.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spectra blocks '));
  await h5wasm.ready;
});
afterAll(() => rm(directory, { recursive: true }));

const ROWS = 20_000;
const POINTS = 140;
const wave = Float64Array.from({ length: POINTS }, (_, i) => 6519 + 1.5 * i);
/** Row r, point p: r + p / 256, which float32 holds exactly. */
const values = Float32Array.from(
  { length: ROWS * POINTS },
  (_, i) => Math.floor(i / POINTS) + (i % POINTS) / 256,
);
const filenames = Array.from({ length: ROWS }, (_, row) => `spec-${row}.fits`);

function write(
  name: string,
  fluxes: { data: GuessableDataTypes; chunks?: number[]; compression?: 'gzip' },
  names: { data: string[]; dtype?: string } = { data: filenames },
): string {
  const path = join(directory, name);
  const file = new h5wasm.File(path, 'w');
  file.create_dataset({ name: 'wave', data: wave });
  file.create_dataset({ name: 'fluxes', shape: [ROWS, POINTS], ...fluxes });
  file.create_dataset({ name: 'filenames', ...names });
  file.close();
  return path;
}

it.each([
  ['contiguous', { data: values }],
  ['float64', { data: Float64Array.from(values) }],
  ['packed chunks', { data: values, chunks: [1500, 60], compression: 'gzip' as const }],
  ['one chunk', { data: values, chunks: [ROWS, POINTS] }],
])('reads any rows: %s', async (name, fluxes) => {
  const file = await openSpectra(write(`${name}.h5`, fluxes));
  expect([file.rows, file.points]).toEqual([ROWS, POINTS]);
  expect(file.wavelengthAngstrom).toEqual(wave);
  for (const [first, end] of [
    [0, 1],
    [0, ROWS],
    [1499, 3001],
    [17_123, ROWS],
    [5, 5],
  ] as const) {
    const read = file.readFluxes(first, end);
    expect(Buffer.from(read.buffer).equals(bytesOf(values.subarray(first * POINTS, end * POINTS)))).toBe(
      true,
    );
    expect(file.readFilenames(first, end)).toEqual(filenames.slice(first, end));
  }
  file.close();
});

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

it('reads names of a fixed width as UTF-8, without what they are padded by', async () => {
  const names = filenames.map((name, row) => (row === 7 ? 'Čertík.fits' : name));
  for (const dtype of ['S15', 'A15', 'S40']) {
    const file = await openSpectra(write(`${dtype}.h5`, { data: values }, { data: names, dtype }));
    expect(file.readFilenames(6, 9)).toEqual(['spec-6.fits', 'Čertík.fits', 'spec-8.fits']);
    file.close();
  }
});

it('says where a file is damaged', async () => {
  const path = write('damaged.h5', { data: values, chunks: [1000, POINTS], compression: 'gzip' });
  const whole = await open(path, 'r+');
  const { size } = await whole.stat();
  await whole.write(Buffer.alloc(4096), 0, 4096, Math.floor(size / 2));
  await whole.close();
  const file = await openSpectra(path);
  expect(() => file.readFluxes(0, ROWS)).toThrow('fluxes of damaged.h5 cannot be read: the file is damaged');
  file.close();
  const cut = await open(path, 'r+');
  await cut.truncate(Math.floor(size / 2));
  await cut.close();
  await expect(openSpectra(path)).rejects.toThrow(
    'damaged.h5 cannot be opened as HDF5: it is damaged or not complete',
  );
});
