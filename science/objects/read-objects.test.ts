import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ObjectGrouping } from '../../contracts/objects.ts';
import { readObjects } from './read-objects.ts';

const ROWS = 20_000;
let directory: string;
let path: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'objects '));
  path = join(directory, 'result.h5');
  await h5wasm.ready;
  const file = new h5wasm.File(path, 'w');
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  file.create_dataset({ name: 'filenames', data: rows.map((row) => `${row}.fits`), dtype: 'S11' });
  const metadata = file.create_group('metadata');
  // Every object twice, ten thousand rows apart; the last one has neither designation nor position.
  const place = (row: number) => (row === ROWS - 1 ? NaN : (row % 10_000) / 100);
  const designation = (row: number) =>
    row === ROWS - 1 ? '' : `LAMOST J${String(row % 10_000).padStart(6, '0')}.00+000000.0`;
  metadata.create_dataset({ name: 'designation', data: rows.map(designation), dtype: 'S26' });
  for (const [name, shift] of [
    ['ra', 0],
    ['dec', -50],
  ] as const)
    metadata.create_dataset({
      name,
      data: Float64Array.from(rows, (row) => place(row) + shift),
      dtype: '<d',
    });
  file.close();
});
afterAll(() => rm(directory, { recursive: true }));

it.each([{ by: 'designation' }, { by: 'position' }])(
  'reads objects %o from the columns',
  async (grouping) => {
    const { objects, count, unknown } = await readObjects(path, ObjectGrouping.parse(grouping));
    expect({ count, unknown }).toEqual({ count: 10_001, unknown: 1 });
    expect(objects).toHaveLength(ROWS);
    expect(objects.every((object, row) => object === (row === ROWS - 1 ? 10_000 : row % 10_000))).toBe(true);
  },
);

it('says which column is not there', async () => {
  const bare = join(directory, 'bare.h5');
  const file = new h5wasm.File(bare, 'w');
  file.create_dataset({ name: 'filenames', data: ['a'], dtype: 'S1' });
  file.close();
  await expect(readObjects(bare, { by: 'designation' })).rejects.toThrow(
    'bare.h5 has no column metadata/designation with a value for each spectrum',
  );
});
