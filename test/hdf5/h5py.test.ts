import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readTrainingSet, type TrainingSet } from '../../science/hdf5/labelled-spectra.ts';
import { createPredictionsFile } from '../../science/hdf5/predictions-file.ts';
import { createResultFile } from '../../science/hdf5/result-file.ts';
import {
  decodeFluxes,
  decodeHeader,
  decodeTables,
  NUMBER_COLUMNS,
  PartBuilder,
  type PartReject,
  type PartRow,
  REJECT_COLUMNS,
  TEXT_COLUMNS,
} from '../../science/preprocess/part.ts';

/** Python with h5py: `H5PY_PYTHON=/path/to/venv/bin/python npx vitest run --project integration test/hdf5`. */
const PYTHON = process.env['H5PY_PYTHON'] ?? 'python3';
const missing =
  spawnSync(PYTHON, ['-c', 'import h5py']).status !== 0
    ? `${PYTHON} has no h5py (set H5PY_PYTHON)`
    : undefined;
if (missing) console.log(`HDF5 was not compared with h5py: ${missing}.`);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'hdf5 of h5py '));
});
afterAll(() => rmSync(directory, { recursive: true }));

function runPython(script: string, argument: string): string {
  return execFileSync(PYTHON, [join(import.meta.dirname, script), argument], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const ROWS = 6;
const POINTS = 4;
const PLAIN = { classes: ['0', '1', '2'], labels: [0, 1, 2, 0, 1, 2], rows: [0, 1, 2, 3, 4, 5] };
type Expected = typeof PLAIN;

/** What write-with-h5py.py writes, but for the labels that differ in some of its files. */
const READABLE: Record<string, Expected> = {
  ...Object.fromEntries(
    [
      'plain',
      'float64',
      'whole numbers',
      'big-endian',
      'float32 wave',
      'channels last',
      'gzip',
      'checksums',
      'scale-offset',
      'extendable',
      'latest format',
      'user block',
      'fixed names',
      'names of one length',
      'column labels',
      'int8 labels',
    ].map((name) => [name, PLAIN]),
  ),
  'truth labels': { ...PLAIN, classes: ['0', '1'], labels: [0, 1, 1, 0, 1, 1] },
  'float labels': { classes: ['0', '1'], labels: [0, 1, 0, 1], rows: [0, 1, 3, 4] },
  'text labels': { classes: ['a', 'b', 'c'], labels: [0, 1, 0, 1, 2], rows: [0, 1, 3, 4, 5] },
  'fixed text labels': { classes: ['a', 'b', 'c'], labels: [0, 1, 0, 1, 2], rows: [0, 1, 3, 4, 5] },
};
/** In which they are refused by name. */
const REFUSED: Record<string, string> = {
  lzf: 'fluxes of lzf.h5 is compressed by lzf, which cannot be read here: write it with gzip, or as it is',
  float16: 'fluxes of float16.h5 must be float32, float64 or whole numbers',
};
/** Whose values are stored as they are multiplied by 8, in whole numbers. */
const TIMES_EIGHT = ['whole numbers', 'scale-offset'];

describe.skipIf(missing)(`labelled spectra that h5py wrote${missing ? ` (skipped: ${missing})` : ''}`, () => {
  beforeAll(() => {
    runPython('write-with-h5py.py', directory);
  });

  it('are in these files, and no others', () => {
    const written = readdirSync(directory)
      .filter((name) => name.endsWith('.h5'))
      .map((name) => name.slice(0, -'.h5'.length));
    expect(written.sort()).toEqual([...Object.keys(READABLE), ...Object.keys(REFUSED)].sort());
  });

  it.each(Object.entries(READABLE))('are read: %s', async (name, { classes, labels, rows }) => {
    const set = await readTrainingSet(join(directory, `${name}.h5`), {});
    const factor = TIMES_EIGHT.includes(name) ? 1 : 1 / 8;
    const expected: Partial<TrainingSet> = {
      classes,
      labels: Int32Array.from(labels),
      filenames: rows.map((row) => `spec-${row}-Čertík.fits`),
      spectra: Float32Array.from(
        rows.flatMap((row) => Array.from({ length: POINTS }, (_, i) => factor * (POINTS * row + i))),
      ),
      wavelengthAngstrom: Float64Array.of(6519, 6590, 6661, 6732),
      unlabelled: ROWS - rows.length,
      unknown: 0,
      notFinite: 0,
    };
    expect(set).toMatchObject(expected);
  });

  it.each(Object.entries(REFUSED))('are refused by name: %s', async (name, message) => {
    await expect(readTrainingSet(join(directory, `${name}.h5`), {})).rejects.toMatchObject({
      name: 'NetworkError',
      code: 'bad-data',
      message,
    });
  });
});

const Read = z.object({
  attributes: z.record(z.string(), z.string()),
  datasets: z.record(
    z.string(),
    z.object({
      type: z.string(),
      shape: z.array(z.int()),
      values: z.array(z.union([z.string(), z.number(), z.null()])),
    }),
  ),
});
const readWithH5py = (path: string) => Read.parse(JSON.parse(runPython('read-with-h5py.py', path)));
/** As JSON has them, which has no NaN. */
const numbersOf = (values: Iterable<number>) =>
  Array.from(values, (value) => (Number.isNaN(value) ? null : value));

describe.skipIf(missing)(`what we write, read by h5py${missing ? ` (skipped: ${missing})` : ''}`, () => {
  it('predictions.h5 holds the same names, classes and probabilities', async () => {
    const rows = 9000; // more than a chunk
    const classes = ['other', 'dvojitý vrchol', '3'];
    const filenames = Array.from({ length: rows }, (_, row) => `${'ř'.repeat(row % 7)}${row}.fits`);
    const probabilities = Float32Array.from({ length: 3 * rows }, (_, i) => (i === 4 ? NaN : i / 7));
    const path = join(directory, 'predictions.h5');
    const attributes = { model_weights_sha256: 'abc' };
    const file = await createPredictionsFile(path, { rows, classes, attributes });
    for (let first = 0; first < rows; first += 4000) {
      const end = Math.min(rows, first + 4000);
      file.append(filenames.slice(first, end), probabilities.subarray(3 * first, 3 * end));
    }
    file.close();
    expect(readWithH5py(path)).toEqual({
      attributes,
      datasets: {
        filenames: { type: 'text', shape: [rows], values: filenames },
        classes: { type: 'text', shape: [3], values: classes },
        probabilities: { type: '<f4', shape: [rows, 3], values: numbersOf(probabilities) },
      },
    });
  });

  it.each(['none', 'gzip'] as const)(
    'result.h5 holds the same spectra and columns (compression %s)',
    async (compression) => {
      const rows = Array.from({ length: 1500 }, (_, row) => rowOf(row));
      const rejects: PartReject[] = [
        { filename: 'vadný.fits', path: 'a/vadný.fits', reason: 'not a FITS file' },
      ];
      const builder = new PartBuilder(rows.length + rejects.length, POINTS);
      const fluxes: number[] = [];
      for (const [row, described] of rows.entries()) {
        const values = Float32Array.from({ length: POINTS }, (_, i) => (row === 7 ? NaN : (row - i) / 3));
        builder.nextFluxes().set(values);
        builder.addRow(described);
        fluxes.push(...values);
      }
      for (const reject of rejects) builder.addReject(reject);
      const bytes = Buffer.concat(builder.encode().chunks);
      const header = decodeHeader(bytes);
      const part = ({ start, end }: { start: number; end: number }) =>
        Uint8Array.from(bytes.subarray(start, end));
      const tables = decodeTables(part(header.tables), header);
      const path = join(directory, `result ${compression}.h5`);
      const wavelengthAngstrom = Float64Array.of(6519.1, 6590, 6661, 6732);
      const attributes = { configuration: '{"grid":"linear"}' };
      const maxRows = rows.length + rejects.length;
      const file = await createResultFile(path, { wavelengthAngstrom, attributes, maxRows, compression });
      file.appendRows(decodeFluxes(part(header.fluxes), header), tables.numbers);
      file.appendTexts(tables.texts, header);
      file.close(header);

      const types = { '<d': '<f8', '<i': '<i4', '<B': '|u1' };
      const text = (values: string[]) => ({ type: 'text', shape: [values.length], values });
      const read = readWithH5py(path);
      expect(read).toEqual({
        attributes,
        datasets: {
          wave: { type: '<f8', shape: [POINTS], values: [...wavelengthAngstrom] },
          fluxes: { type: '<f4', shape: [rows.length, POINTS], values: numbersOf(fluxes) },
          ...Object.fromEntries(
            Object.entries(NUMBER_COLUMNS).map(([name, { dtype, value }]) => [
              name,
              { type: types[dtype], shape: [rows.length], values: numbersOf(rows.map(value)) },
            ]),
          ),
          ...Object.fromEntries(
            Object.entries(TEXT_COLUMNS).map(([name, value]) => [name, text(rows.map(value))]),
          ),
          ...Object.fromEntries(
            Object.entries(REJECT_COLUMNS).map(([name, value]) => [name, text(rejects.map(value))]),
          ),
        },
      });
    },
  );
});

/** A row whose columns differ, some of them absent. */
function rowOf(row: number): PartRow {
  return {
    filename: `spec-${row}-ň.fits`,
    path: `M3${row % 3}/spec-${row}-ň.fits`,
    layout: 'lamost-dr2',
    metadata: {
      type: row % 2 ? 'STAR' : 'QSO',
      ...(row % 5 ? { targetname: `J${row}`, ra: row / 7, dec: -row / 9, z: row * 1e-5 } : {}),
    },
    quality: {
      coverage: 1 / (row + 1),
      longestGap: row,
      medianSnr: row % 4 ? row / 3 : NaN,
      constant: row % 2 === 0,
      extrapolated: row % 3 === 0,
      unbridgedGap: false,
      mediumUnknown: true,
      despikedPixels: row % 6,
    },
  };
}
