import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { compareRows, countRows } from './result-rows.ts';

const POINTS = 3;
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'result rows '));
});
afterEach(() => rm(directory, { recursive: true }));

async function write(name: string, rows: Record<string, number[]>, rejects: string[] = []): Promise<string> {
  await h5wasm.ready;
  const path = join(directory, name);
  const file = new h5wasm.File(path, 'w');
  const filenames = Object.keys(rows);
  file.create_dataset({ name: 'filenames', data: filenames });
  file.create_dataset({
    name: 'fluxes',
    data: Float32Array.from(Object.values(rows).flat()),
    shape: [filenames.length, POINTS],
  });
  file.create_group('rejects').create_dataset({ name: 'filename', data: rejects, shape: [rejects.length] });
  file.close();
  return path;
}

it('counts rows and rejects', async () => {
  const path = await write('a.h5', { 'a.fits': [0, 1, 2], 'b.fits': [3, 4, 5] }, ['c.fits']);
  expect(await countRows(path)).toEqual({ rows: 2, rejects: 1 });
});

it('compares rows of the same file name, in whatever order they stand', async () => {
  const ours = await write('ours.h5', { 'a.fits': [-1, 0, 1], 'b.fits': [1, 0.5, -1], 'c.fits': [0, 0, 0] });
  const equal = await write('equal.h5', { 'b.fits': [1, 0.5, -1], 'a.fits': [-1, 0, 1] });
  expect(await compareRows(ours, equal)).toEqual({ rows: 2, largestDifference: 0 });
  const other = await write('other.h5', { 'b.fits': [1, 0.5, -1], 'a.fits': [-1, 0.25, 0.875] });
  expect(await compareRows(ours, other)).toEqual({ rows: 2, largestDifference: 0.25 });
});

it('takes a NaN in one of them for a difference', async () => {
  const ours = await write('ours.h5', { 'a.fits': [-1, NaN, 1] });
  const reference = await write('reference.h5', { 'a.fits': [-1, 0, 1] });
  expect(await compareRows(ours, reference)).toEqual({ rows: 1, largestDifference: Infinity });
});

it('refuses a result that misses a row of the reference', async () => {
  const ours = await write('ours.h5', { 'a.fits': [-1, 0, 1] });
  const reference = await write('reference.h5', { 'z.fits': [-1, 0, 1] });
  await expect(compareRows(ours, reference)).rejects.toThrow('no row of z.fits');
});
