import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm, { type GuessableDataTypes } from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrainingSet } from './labelled-spectra.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'labelled spectra '));
  await h5wasm.ready;
});
afterAll(() => rm(directory, { recursive: true }));

interface Column {
  data: GuessableDataTypes;
  shape?: number[];
  dtype?: string;
}
const column = (data: GuessableDataTypes, dtype?: string): Column => ({ data, dtype });
const POINTS = 3;
const wave = column(Float64Array.of(5000, 5001, 5002));
const fluxes = (rows: number): Column => ({
  data: Float32Array.from({ length: rows * POINTS }, (_, i) => i / 4),
  shape: [rows, POINTS],
});
const names = ['a.fits', 'b.fits', 'c.fits', 'd.fits'];
/** Four spectra; columns of a group by `group/name`. */
const four = { wave, fluxes: fluxes(4), filenames: column(names) };

let count = 0;
function write(columns: Record<string, Column | undefined>, configuration?: string): string {
  const path = join(directory, `${count++}.h5`);
  const file = new h5wasm.File(path, 'w');
  if (configuration !== undefined) file.create_attribute('configuration', configuration);
  for (const [name, given] of Object.entries(columns)) {
    if (given === undefined) continue;
    const [first = '', second] = name.split('/');
    if (second === undefined) file.create_dataset({ name, ...given });
    else {
      const found = file.get(first);
      const group = found instanceof h5wasm.Group ? found : file.create_group(first);
      group.create_dataset({ name: second, ...given });
    }
  }
  file.close();
  return path;
}

it('reads spectra with labels of text', async () => {
  const path = write({ ...four, labels: column(['star', 'qso', 'galaxy', 'star'], 'S6') });
  const set = await readTrainingSet(path, {});
  expect(set).toMatchObject({
    wavelengthAngstrom: Float64Array.of(5000, 5001, 5002),
    classes: ['galaxy', 'qso', 'star'],
    labels: Int32Array.of(2, 1, 0, 2),
    filenames: names,
    unlabelled: 0,
    unknown: 0,
    notFinite: 0,
  });
  expect(set.spectra).toEqual(fluxes(4).data);
  expect(set).not.toHaveProperty('groups');
  expect(set).not.toHaveProperty('scaling');
});

describe('classes', () => {
  it('are the labels, numbers by number', async () => {
    const path = write({ ...four, labels: column(Int32Array.of(10, 9, -1, 10)) });
    const { classes, labels } = await readTrainingSet(path, {});
    expect(classes).toEqual(['-1', '9', '10']);
    expect([...labels]).toEqual([2, 1, 0, 2]);
  });

  it('are in the order that is given; whole numbers are indices', async () => {
    const given = ['z', '1', 'unused'];
    const numbers = write({ ...four, labels: column(BigInt64Array.of(0n, 1n, 1n, 0n)) });
    const texts = write({ ...four, labels: column(['1', 'z', 'z', '1']) });
    const indices = new Map(names.map((name, i) => [name, String(i % 2)]));
    expect(await readTrainingSet(numbers, { classes: given })).toMatchObject({
      classes: given,
      labels: Int32Array.of(0, 1, 1, 0),
    });
    expect((await readTrainingSet(texts, { classes: given })).labels).toEqual(Int32Array.of(1, 0, 0, 1));
    expect((await readTrainingSet(texts, { classes: ['x', 'y'], labels: indices })).labels).toEqual(
      Int32Array.of(0, 1, 0, 1),
    );
  });

  it('hold every label', async () => {
    const path = write({ ...four, labels: column(Int32Array.of(0, 1, 2, 0)) });
    await expect(readTrainingSet(path, { classes: ['a', 'b'] })).rejects.toThrow(
      'Label 2 is none of the classes: 0 a, 1 b',
    );
    const texts = write({ ...four, labels: column(['a', 'b', 'B', 'a']) });
    await expect(readTrainingSet(texts, { classes: ['a', 'b'] })).rejects.toThrow('Label B is none');
  });
});

it('leaves out what has no label, or a value that is not finite', async () => {
  const values = Float32Array.from({ length: 18 }, (_, i) => i);
  values[7] = NaN;
  const path = write({
    wave,
    filenames: column(['a', 'b', 'c', 'd', 'e', 'f']),
    fluxes: { data: values, shape: [6, 3] },
    labels: column(Float64Array.of(0, NaN, 1, 1, NaN, 0)),
  });
  expect(await readTrainingSet(path, {})).toMatchObject({
    filenames: ['a', 'd', 'f'],
    labels: Int32Array.of(0, 1, 0),
    spectra: Float32Array.of(0, 1, 2, 9, 10, 11, 15, 16, 17),
    unlabelled: 2,
    notFinite: 1,
  });
});

describe('labels from elsewhere', () => {
  it('are found by name or path, with .gz or without', async () => {
    const path = write({
      ...four,
      labels: column(['not', 'these', 'but', 'those']),
      'metadata/path': column(['x/a.fits.gz', 'x/b.fits', 'x/c.fits', 'y/d.fits']),
    });
    const labels = new Map([
      ['a.fits', 'one'],
      ['/y/d.fits.gz', 'two'],
      ['c.fits.gz', 'two'],
      ['nowhere.fits', 'three'],
    ]);
    expect(await readTrainingSet(path, { labels })).toMatchObject({
      filenames: ['a.fits', 'c.fits', 'd.fits'],
      classes: ['one', 'two'],
      labels: Int32Array.of(0, 1, 1),
      spectra: Float32Array.of(0, 0.25, 0.5, 1.5, 1.75, 2, 2.25, 2.5, 2.75),
      unlabelled: 1,
      unknown: 1,
    });
  });

  it('are refused where none fits, or two do', async () => {
    const path = write(four);
    await expect(readTrainingSet(path, { labels: new Map([['A', '1']]) })).rejects.toThrow(
      'None of the 1 labels belongs to a spectrum of ' +
        `${count - 1}.h5: the first label is of “A”, the first spectrum is “a.fits”`,
    );
    const twice = new Map([
      ['a.fits', '1'],
      ['a.fits.gz', '2'],
    ]);
    await expect(readTrainingSet(path, { labels: twice })).rejects.toThrow('one spectrum with two labels');
  });
});

it('tells which spectra are of one object, how they were scaled, and how they were made', async () => {
  const configuration = '{"grid":"linear","scaling":"minmax"}';
  const labels = column(Int32Array.of(0, 1, 0, 1));
  const result = {
    ...four,
    labels,
    'metadata/designation': column(['J1', '', 'J1', '']),
    'metadata/obsid': column(['7', '8', '9', '']),
  };
  expect(await readTrainingSet(write(result, configuration), {})).toMatchObject({
    groups: ['J1', '8', 'J1', 'row 3'],
    scaling: 'minmax',
    configuration,
  });
  const other = await readTrainingSet(write({ ...four, labels }, 'made by hand'), {});
  expect(other.configuration).toBe('made by hand');
  expect(other).not.toHaveProperty('scaling');
});

it('has the fingerprint of what is learnt from', async () => {
  const labels = column(Int32Array.of(0, 1, 0, 1));
  const sha256 = async (changes: Partial<typeof four & { labels: Column }>, classes?: string[]) =>
    (await readTrainingSet(write({ ...four, labels, ...changes }), { classes })).sha256;
  const hashes = [
    await sha256({}),
    await sha256({ wave: column(Float64Array.of(5000, 5001, 5003)) }),
    await sha256({ fluxes: { ...fluxes(4), data: new Float32Array(12) } }),
    await sha256({ labels: column(Int32Array.of(0, 1, 1, 0)) }),
    await sha256({}, ['no', 'yes']),
  ];
  expect(new Set(hashes).size).toBe(5);
  expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(await sha256({ filenames: column(['a', 'b', 'c', 'd']) })).toBe(hashes[0]);
});

describe('refuses', () => {
  const labels = column(Int32Array.of(0, 1, 0, 1));
  it.each<[string, Record<string, Column | undefined>, string]>([
    ['no labels', {}, 'has no labels: name a CSV'],
    ['no wave', { labels, wave: undefined }, 'has no dataset wave: it holds filenames, fluxes, labels'],
    ['another grid', { labels, wave: column(Float64Array.of(1, 2)) }, 'as many points as wave (2)'],
    ['a flat list', { labels, fluxes: column(new Float32Array(12)) }, '(12) must be spectra × points'],
    ['few names', { labels, filenames: column(['a']) }, '(1) filenames for 4 spectra'],
    ['names of numbers', { labels, filenames: column(Int32Array.of(1, 2, 3, 4)) }, 'must be text'],
    [
      'fluxes of text',
      { labels, fluxes: { ...column(Array(12).fill('1')), shape: [4, 3] } },
      'must be float32',
    ],
    ['few labels', { labels: column(Int32Array.of(0, 1)) }, '(2) must be one for each of the 4 spectra'],
    ['parts of labels', { labels: column(Float64Array.of(0, 1, 0.5, 0)) }, 'Label 0.5 of c.fits'],
    ['one class', { labels: column(Int32Array.of(3, 3, 3, 3)) }, 'All 4 labelled spectra of'],
    ['empty labels', { labels: column(['', '', '', '']) }, 'there is nothing to learn'],
    ['a wave with NaN', { labels, wave: column(Float64Array.of(1, NaN, 2)) }, 'wave of'],
    [
      'nothing finite',
      { labels, fluxes: { data: new Float32Array(12).fill(NaN), shape: [4, 3] } },
      'All 4 labelled spectra of',
    ],
  ])('%s', async (_, changes, message) => {
    await expect(readTrainingSet(write({ ...four, ...changes }), {})).rejects.toThrow(
      expect.objectContaining({
        name: 'NetworkError',
        code: 'bad-data',
        message: expect.stringContaining(message),
      }),
    );
  });

  it('a column of measurements for labels', async () => {
    const rows = 1001;
    const path = write({
      wave,
      fluxes: fluxes(rows),
      filenames: column(Array.from({ length: rows }, (_, i) => `${i}`)),
      labels: column(Int32Array.from({ length: rows }, (_, i) => i)),
    });
    await expect(readTrainingSet(path, {})).rejects.toThrow('1001 different labels');
  });

  it('what is no HDF5, or is not there', async () => {
    const path = join(directory, 'labels.csv');
    await writeFile(path, 'filename,label\n');
    await expect(readTrainingSet(path, {})).rejects.toThrow('labels.csv is not an HDF5 file');
    await expect(readTrainingSet(`${path}.gz`, {})).rejects.toThrow('ENOENT');
  });
});
