import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm, { Dataset } from 'h5wasm/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createPredictionsFile } from './predictions-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'predictions '));
});
afterEach(() => rm(directory, { recursive: true }));

const classes = ['other', 'dvojitý vrchol'];
const attributes = { software: 'Spectrolabe', weights_sha256: 'abc' };
const ROWS = 20_000;
const names = Array.from({ length: ROWS }, (_, row) =>
  row === 9000 ? `${'ř'.repeat(150)}.fits` : `${row}.fits`,
);
const probabilities = Float32Array.from({ length: 2 * ROWS }, (_, i) => i / 65_536);

async function write(name: string, block: number, rows = ROWS): Promise<string> {
  const path = join(directory, name);
  const file = await createPredictionsFile(path, { rows, classes, attributes });
  for (let first = 0; first < rows; first += block) {
    const end = Math.min(rows, first + block);
    file.append(names.slice(first, end), probabilities.subarray(2 * first, 2 * end));
  }
  file.close();
  return path;
}

function read(path: string, name: string): Pick<Dataset, 'shape' | 'value'> {
  const file = new h5wasm.File(path, 'r');
  const found = file.get(name);
  if (!(found instanceof Dataset)) throw new Error(`no dataset ${name}`);
  const { shape, value } = found;
  file.close();
  return { shape, value };
}

it('holds names of any length, probabilities and classes, and leaves nothing beside', async () => {
  const path = await write('a.h5', 4096);
  expect(read(path, 'filenames')).toEqual({ shape: [ROWS], value: names });
  expect(read(path, 'probabilities')).toEqual({ shape: [ROWS, 2], value: probabilities });
  expect(read(path, 'classes')).toEqual({ shape: [2], value: classes });
  const file = new h5wasm.File(path, 'r');
  expect(Object.fromEntries(Object.entries(file.attrs).map(([key, { value }]) => [key, value]))).toEqual(
    attributes,
  );
  file.close();
  expect(await readdir(directory)).toEqual(['a.h5']);
});

it('is byte-identical, whenever it is made and however it is cut', async () => {
  const first = await readFile(await write('a.h5', ROWS));
  await new Promise((resolve) => setTimeout(resolve, 1100)); // HDF5 counts in seconds
  expect((await readFile(await write('b.h5', 777))).equals(first)).toBe(true);
});

it('may be empty', async () => {
  const path = await write('a.h5', 1, 0);
  expect(read(path, 'filenames').shape).toEqual([0]);
  expect(read(path, 'probabilities').shape).toEqual([0, 2]);
});

it('refuses what does not fit, and to close short of its rows', async () => {
  const file = await createPredictionsFile(join(directory, 'a.h5'), { rows: 2, classes, attributes });
  expect(() => file.append(['a'], new Float32Array(3))).toThrow('3 probabilities of 2 classes for 1 spectra');
  file.append(['a'], new Float32Array(2));
  expect(() => file.close()).toThrow('1 predictions were written, of 2 spectra');
  const other = await createPredictionsFile(join(directory, 'b.h5'), { rows: 2, classes, attributes });
  other.append(['a'], new Float32Array(2));
  other.discard();
  expect((await readdir(directory)).sort()).toEqual(['a.h5', 'b.h5']);
});
