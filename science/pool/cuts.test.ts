import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PoolCuts } from '../../contracts/cuts.ts';
import { Random } from '../cnn/random.ts';
import { readCutPool } from './cuts.ts';

const ROWS = 10_000;
const random = new Random(3);
const some = (make: () => number) => () => (random.uniform() < 0.1 ? NaN : make());
const column = (make: () => number) => Float64Array.from({ length: ROWS }, some(make));
const columns = {
  ra: column(() => random.uniform() * 360),
  dec: column(() => random.uniform() * 180 - 90),
  snr_g: column(() => random.uniform() * 100),
  mag_r: column(() => 10 + random.uniform() * 10),
  coverage: column(() => random.uniform()),
};
const CLASSES = ['STAR', 'GALAXY', 'QSO', ''];
const classes = Array.from({ length: ROWS }, () => CLASSES[random.below(4)] ?? '');

let directory: string;
let path: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cuts '));
  path = join(directory, 'result.h5');
  await h5wasm.ready;
  const file = new h5wasm.File(path, 'w');
  file.create_dataset({ name: 'filenames', data: classes.map((_, i) => `${i}.fits`), dtype: 'S10' });
  const metadata = file.create_group('metadata');
  metadata.create_dataset({ name: 'class', data: classes, dtype: 'S6' });
  for (const name of ['ra', 'dec', 'snr_g', 'mag_r'] as const)
    metadata.create_dataset({ name, data: columns[name], dtype: '<d' });
  file.create_group('quality').create_dataset({ name: 'coverage', data: columns.coverage, dtype: '<d' });
  file.close();
});
afterAll(() => rm(directory, { recursive: true }));

const cut = (cuts: object) => readCutPool(path, PoolCuts.parse(cuts));
const rowsThat = (passes: (row: number) => boolean) => classes.map((_, row) => row).filter(passes);
const at = (name: keyof typeof columns, row: number) => columns[name][row] ?? NaN;
const isMissing = (name: keyof typeof columns) => rowsThat((row) => Number.isNaN(at(name, row))).length;

it('keeps all rows without a cut', async () => {
  const { rows, total, counts } = await cut({});
  expect({ rows: rows.length, total, counts }).toEqual({ rows: ROWS, total: ROWS, counts: [] });
});

it('keeps what passes every cut, and counts what each takes out of what is left', async () => {
  const { rows, total, counts } = await cut({
    coverage: { min: 0.5 },
    snr: { band: 'g', min: 20 },
    class: ['star', 'QSO'],
    magnitude: { band: 'r', min: 12, max: 18 },
    sky: { ra: 10, dec: 80, radius_deg: 100 },
  });
  const isStar = (row: number) => ['STAR', 'QSO'].includes(classes[row] ?? '');
  const isBright = (row: number) => at('mag_r', row) >= 12 && at('mag_r', row) <= 18;
  const vector = (ra: number, dec: number) => {
    const [a, d] = [(ra * Math.PI) / 180, (dec * Math.PI) / 180];
    return [Math.cos(d) * Math.cos(a), Math.cos(d) * Math.sin(a), Math.sin(d)];
  };
  const centre = vector(10, 80);
  const isNear = (row: number) => {
    const here = vector(at('ra', row), at('dec', row));
    const cosine = here.reduce((sum, value, axis) => sum + value * (centre[axis] ?? 0), 0);
    return cosine >= Math.cos((100 * Math.PI) / 180);
  };
  const passes = [
    isStar,
    (row: number) => at('snr_g', row) >= 20,
    isBright,
    isNear,
    (row: number) => at('coverage', row) >= 0.5,
  ];
  expect([...rows]).toEqual(rowsThat((row) => passes.every((pass) => pass(row))));
  const left = [0, 1, 2, 3, 4, 5].map(
    (count) => rowsThat((row) => passes.slice(0, count).every((pass) => pass(row))).length,
  );
  expect(counts.map(({ cut: name }) => name)).toEqual(['class', 'snr', 'magnitude', 'sky', 'coverage']);
  expect(counts.map(({ removed }) => removed)).toEqual(
    [0, 1, 2, 3, 4].map((i) => (left[i] ?? 0) - (left[i + 1] ?? 0)),
  );
  expect(counts[0]?.missing).toBe(rowsThat((row) => classes[row] === '').length);
  expect(counts.reduce((sum, { removed }) => sum + removed, rows.length)).toBe(total);
});

it('keeps what has no value where it is asked to, and says how many', async () => {
  const cuts = { snr: { band: 'g', min: 20 }, missing: 'keep' };
  const { rows, counts } = await cut(cuts);
  expect([...rows]).toEqual(rowsThat((row) => !(at('snr_g', row) < 20)));
  expect(counts).toEqual([{ cut: 'snr', removed: ROWS - rows.length, missing: isMissing('snr_g') }]);
});

it('cuts a box, over 0 h too', async () => {
  const dec = { dec_min: -10, dec_max: 40 };
  const { rows: east } = await cut({ sky: { ra_min: 30, ra_max: 330, ...dec } });
  const { rows: west } = await cut({ sky: { ra_min: 330, ra_max: 30, ...dec } });
  const inDec = rowsThat((row) => at('dec', row) >= -10 && at('dec', row) <= 40);
  expect([...east]).toEqual(inDec.filter((row) => at('ra', row) >= 30 && at('ra', row) <= 330));
  expect([...west]).toEqual(inDec.filter((row) => at('ra', row) >= 330 || at('ra', row) <= 30));
});

it('says which column is not there, and what is no cut', async () => {
  await expect(cut({ magnitude: { band: 'u', max: 17 } })).rejects.toThrow(
    'cuts.magnitude: result.h5 has no metadata/mag_u',
  );
  for (const wrong of [
    { magnitude: { band: 'g' } },
    { magnitude: { band: 'g', min: 3, max: 2 } },
    { sky: { ra: 1, dec: 2 } },
    { sky: { ra_min: 0, ra_max: 1, dec_min: 3, dec_max: 2 } },
    { snr: { band: 'y', min: 3 } },
    { class: [] },
    { seeing: 2 },
  ])
    expect(PoolCuts.safeParse(wrong).success).toBe(false);
});
