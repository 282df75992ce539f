import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm, { Dataset } from 'h5wasm/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ActiveLearningConfig } from '../../contracts/active-learning.ts';
import { readTrainingSet } from '../hdf5/labelled-spectra.ts';
import { spectraInMemory } from '../hdf5/spectra-blocks.ts';
import { createIterationResult } from './iteration-result.ts';
import {
  nextStepConfiguration,
  readOracleData,
  nextStepText,
  oracleDataText,
  parsePerformanceEstimates,
  performanceEstimatesText,
  writeDimensionReduction,
  writePreparedSpectra,
} from './json-files.ts';
import { openPredictions } from './predictions.ts';
import { writeTrainingData } from './training-data.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'artifacts '));
});
afterEach(() => rm(directory, { recursive: true }));

const classes = ['other', 'dvojitý vrchol'];

function read(path: string, name: string): Pick<Dataset, 'shape' | 'value' | 'dtype'> {
  const file = new h5wasm.File(path, 'r');
  const found = file.get(name);
  if (!(found instanceof Dataset)) throw new Error(`no dataset ${name}`);
  const { shape, value, dtype } = found;
  file.close();
  return { shape, value, dtype };
}

const ROWS = 20_000;
const filenames = Array.from({ length: ROWS }, (_, row) => (row === 9000 ? 'ř.fits' : `${row}.fits`));
const labels = Int32Array.from(filenames, (_, row) => (row % 3) - 1);
const probabilities = Float32Array.from({ length: 2 * ROWS }, (_, i) => i / 65_536);
const entropies = Float64Array.from(filenames, (_, row) => (row === 7 ? NaN : row / 3));
const sets = {
  oracle: Int32Array.of(5, 3, ROWS - 1),
  performanceEstimation: new Int32Array(),
  candidates: Int32Array.from({ length: 10_000 }, (_, i) => 2 * i),
};

async function writeResult(name: string, block: number): Promise<string> {
  const path = join(directory, name);
  const file = await createIterationResult(path, { rows: ROWS, classes, attributes: { iteration: '3' } });
  for (let first = 0; first < ROWS; first += block) {
    const end = Math.min(ROWS, first + block);
    file.append({
      filenames: filenames.slice(first, end),
      labels: labels.subarray(first, end),
      probabilities: probabilities.subarray(2 * first, 2 * end),
      entropies: entropies.subarray(first, end),
    });
  }
  file.close(sets);
  return path;
}

describe('result.h5', () => {
  it('holds every row of the pool and the sets, under the old names', async () => {
    const path = await writeResult('result.h5', 4096);
    expect(read(path, 'filenames').value).toEqual(filenames);
    expect(read(path, 'labels')).toEqual({ shape: [ROWS], value: labels, dtype: '<i' });
    expect(read(path, 'probabilities')).toEqual({ shape: [ROWS, 2], value: probabilities, dtype: '<f' });
    expect(read(path, 'entropies')).toEqual({ shape: [ROWS], value: entropies, dtype: '<d' });
    expect(read(path, 'oracle_indexes').value).toEqual(sets.oracle);
    expect(read(path, 'perf_est_indexes').shape).toEqual([0]);
    expect(read(path, 'candidate_indexes').value).toEqual(sets.candidates);
    expect(await readdir(directory)).toEqual(['result.h5']);
  });

  it('reads back as predictions, in blocks', async () => {
    const predictions = await openPredictions(await writeResult('a.h5', 5000));
    expect(predictions.rows).toBe(ROWS);
    expect(predictions.classes).toEqual(classes);
    expect(predictions.readProbabilities(9000, 9002)).toEqual(probabilities.subarray(18_000, 18_004));
    expect(predictions.readFilenames(9000, 9002)).toEqual(['ř.fits', '9001.fits']);
    predictions.close();
  });

  it('refuses columns that do not fit, missing rows and sets beyond the pool', async () => {
    const none = {
      oracle: new Int32Array(),
      performanceEstimation: new Int32Array(),
      candidates: new Int32Array(),
    };
    const row = {
      filenames: ['a'],
      labels: new Int32Array(1),
      probabilities: new Float32Array(2),
      entropies: new Float64Array(1),
    };
    const options = { rows: 2, classes, attributes: {} };
    const file = await createIterationResult(join(directory, 'a.h5'), options);
    expect(() => file.append({ ...row, entropies: new Float64Array(2) })).toThrow('1 labels, 2 entropies');
    file.append(row);
    expect(() => file.close(none)).toThrow('1 rows were written, of 2 spectra');
    const other = await createIterationResult(join(directory, 'b.h5'), { ...options, rows: 1 });
    other.append(row);
    expect(() => other.close({ ...none, candidates: Int32Array.of(1) })).toThrow(
      'candidate_indexes has row 1, of 1 spectra',
    );
    const given = await createIterationResult(join(directory, 'c.h5'), options);
    given.discard();
    expect((await readdir(directory)).sort()).toEqual(['a.h5', 'b.h5', 'c.h5']);
  });
});

const POINTS = 5;
function spectraOf(names: readonly string[], offset: number, wave = [6500, 6501, 6502, 6503, 6504]) {
  return spectraInMemory({
    wavelengthAngstrom: Float64Array.from(wave),
    spectra: Float32Array.from({ length: POINTS * names.length }, (_, i) => offset + i / 10),
    filenames: names,
  });
}

const pool = spectraOf(
  Array.from({ length: 3000 }, (_, i) => `p${i}`),
  0,
);
const earlier = spectraOf(['e0', 'e1', 'e2'], 9000);

async function writeTraining(name: string): Promise<string> {
  const path = join(directory, name);
  const rows = Int32Array.from({ length: 2000 }, (_, i) => i + (i >= 900 ? 77 : 0));
  await writeTrainingData(path, {
    classes,
    sources: [
      { spectra: earlier, rows: Int32Array.of(0, 2), labels: Int32Array.of(1, 0) },
      {
        spectra: pool,
        rows,
        labels: rows.map((row) => row % 2),
        designations: [...rows].map((r) => `J${r}`),
      },
    ],
  });
  return path;
}

describe('training_data.h5', () => {
  it('holds the labelled rows of its sources, and can be trained on', async () => {
    const set = await readTrainingSet(await writeTraining('a.h5'), { classes });
    expect(set.filenames.slice(0, 3)).toEqual(['e0', 'e2', 'p0']);
    expect(set.filenames.slice(901, 903)).toEqual(['p899', 'p977']);
    expect(set.filenames).toHaveLength(2002);
    expect([...set.labels.slice(0, 4)]).toEqual([1, 0, 0, 1]);
    expect(set.spectra.subarray(POINTS, 2 * POINTS)).toEqual(earlier.readFluxes(2, 3));
    expect(set.spectra.subarray(902 * POINTS, 903 * POINTS)).toEqual(pool.readFluxes(977, 978));
    expect(set.groups?.slice(1, 4)).toEqual(['row 1', 'J0', 'J1']);
    expect(set.wavelengthAngstrom).toEqual(pool.wavelengthAngstrom);
    expect(await readdir(directory)).toEqual(['a.h5']);
  });

  it('may be empty', async () => {
    const path = join(directory, 'a.h5');
    const none = { rows: new Int32Array(), labels: new Int32Array() };
    await writeTrainingData(path, { classes, sources: [{ spectra: pool, ...none }] });
    expect(read(path, 'fluxes').shape).toEqual([0, POINTS]);
    expect(read(path, 'labels').shape).toEqual([0]);
  });

  it('refuses another grid, rows that do not rise, and labels that are no class', async () => {
    const one = (spectra: typeof pool, rows: number[], labels: number[]) =>
      writeTrainingData(join(directory, 'a.h5'), {
        classes,
        sources: [
          { spectra: earlier, rows: Int32Array.of(0), labels: Int32Array.of(0) },
          { spectra, rows: Int32Array.from(rows), labels: Int32Array.from(labels) },
        ],
      });
    const shifted = spectraOf(['s'], 0, [6500, 6501, 6502, 6503, 6505]);
    await expect(one(shifted, [0], [0])).rejects.toThrow('different grids');
    await expect(one(pool, [1, 1], [0, 0])).rejects.toThrow('rows must rise');
    await expect(one(pool, [3000], [0])).rejects.toThrow('row 3000 after -1, of 3000');
    await expect(one(pool, [1], [2])).rejects.toThrow('Label 2 is none of the 2 classes');
  });
});

describe('the JSON files', () => {
  it('write the spectra of a batch as short as float32 allows', async () => {
    const path = join(directory, 'prep_spectra.json');
    const fluxes = Float32Array.of(0.1, -1, 1 / 3, NaN, 1e-30, 16_777_217, 2, 3, 4, 5, 0, 0, 0, 0, 0);
    const wavelengthAngstrom = Float64Array.from([6500, 6501.5, 6503, 6504.5, 6506]);
    const filenames = ['a"1.fits', 'b', 'b'];
    const spectra = spectraInMemory({ wavelengthAngstrom, spectra: fluxes, filenames });
    await writePreparedSpectra(path, {
      spectra,
      rows: Int32Array.of(2, 1, 0),
      filenames: filenames.toReversed(),
    });
    const text = await readFile(path, 'utf8');
    expect(text).toContain('[0.1,-1,0.33333334,null,1e-30]');
    expect(JSON.parse(text)).toEqual({
      wave: [...wavelengthAngstrom],
      spectra: { 'a"1.fits': [0.1, -1, 0.33333334, null, 1e-30], b: [16_777_216, 2, 3, 4, 5] },
    });
  });

  it('read back what they hold', async () => {
    const oracle = { filenames: ['a', 'b'], labels: [1, 0] };
    await writeFile(join(directory, 'oracle_data.json'), oracleDataText(oracle));
    expect(await readOracleData(join(directory, 'oracle_data.json'))).toEqual(oracle);
    expect(parsePerformanceEstimates(performanceEstimatesText([0.5, 1]), 'perf_est_list.json')).toEqual([
      0.5, 1,
    ]);
    const map = { x: [0, 1], y: [2, 3], labels: [0, 1], classes };
    await writeDimensionReduction(join(directory, 'dim_reduc.json'), map);
    expect(JSON.parse(await readFile(join(directory, 'dim_reduc.json'), 'utf8'))).toEqual(map);
  });

  it('refuse what does not fit, and say what is wrong with a file of a person', async () => {
    const path = join(directory, 'oracle_data.json');
    expect(() => oracleDataText({ filenames: ['a'], labels: [] })).toThrow('must be as many');
    expect(() => performanceEstimatesText([2])).toThrow();
    await writeFile(path, '{"filenames": ["a"], "labels": ["star"]}');
    await expect(readOracleData(path)).rejects.toThrow(
      'oracle_data.json must be {"filenames": [text, …], "labels": [number of a class, …]}; labels.0: ',
    );
    await writeFile(path, '{"filenames"');
    await expect(readOracleData(path)).rejects.toThrow('oracle_data.json is no JSON');
  });

  it('name the next step with every key of the old clients, blank where there is nothing', async () => {
    const config = ActiveLearningConfig.parse({
      classes,
      candidate_classes: ['other'],
      pool_data_path: '/pool.h5',
      iteration: 0,
    });
    const next = nextStepConfiguration(config, {
      iteration: 1,
      oracleDataPath: '/JOBS/j/oracle_data.json',
      performanceEstimatesPath: '/JOBS/j/perf_est_list.json',
    });
    const written: unknown = JSON.parse(nextStepText(next));
    expect(written).toMatchObject({
      iteration: 1,
      training_data_path: '',
      training_data_to_add_path: '',
      oracle_data_to_add_path: '/JOBS/j/oracle_data.json',
      perf_est_list_path: '/JOBS/j/perf_est_list.json',
      oracle_batch_size: 100,
      batch_size_predict: 16_384,
      show_candidates: false,
    });
    expect(ActiveLearningConfig.parse(written)).toMatchObject({
      iteration: 1,
      training_data_path: undefined,
    });
  });
});

it('writes equal HDF5 files from equal input, whenever and however it is cut', async () => {
  const made = async (name: string, block: number) =>
    Promise.all(
      [await writeResult(`${name}-result.h5`, block), await writeTraining(`${name}-data.h5`)].map((path) =>
        readFile(path),
      ),
    );
  const [result, training] = await made('a', ROWS);
  await new Promise((resolve) => setTimeout(resolve, 1100)); // HDF5 counts in seconds
  const [again, trainingAgain] = await made('b', 777);
  expect(result !== undefined && again?.equals(result)).toBe(true);
  expect(training !== undefined && trainingAgain?.equals(training)).toBe(true);
});
