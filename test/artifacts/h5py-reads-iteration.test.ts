import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createIterationResult } from '../../science/artifacts/iteration-result.ts';
import { writeTrainingData } from '../../science/artifacts/training-data.ts';
import { spectraInMemory } from '../../science/hdf5/spectra-blocks.ts';

/** Python with h5py: `H5PY_PYTHON=/path/to/venv/bin/python npx vitest run --project integration test/artifacts`. */
const PYTHON = process.env['H5PY_PYTHON'] ?? 'python3';
const missing =
  spawnSync(PYTHON, ['-c', 'import h5py']).status !== 0
    ? `${PYTHON} has no h5py (set H5PY_PYTHON)`
    : undefined;
if (missing) console.log(`Files of an iteration were not read with h5py: ${missing}.`);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'iteration '));
});
afterAll(() => rmSync(directory, { recursive: true }));

function readWithH5py(path: string): unknown {
  const script = join(import.meta.dirname, '../hdf5/read-with-h5py.py');
  return JSON.parse(execFileSync(PYTHON, [script, path], { encoding: 'utf8' }));
}

const classes = ['other', 'dvojitý vrchol'];

describe.skipIf(missing)(`h5py${missing ? ` (${missing})` : ''}`, () => {
  it('reads the result.h5 of an iteration, empty sets too', async () => {
    const path = join(directory, 'result.h5');
    const file = await createIterationResult(path, { rows: 2, classes, attributes: { iteration: '1' } });
    file.append({
      filenames: ['a.fits', 'č.fits'],
      labels: Int32Array.of(1, -1),
      probabilities: Float32Array.of(0.25, 0.75, NaN, NaN),
      entropies: Float64Array.of(0.5, NaN),
    });
    file.close({
      oracle: Int32Array.of(0),
      performanceEstimation: new Int32Array(),
      candidates: Int32Array.of(0, 1),
    });
    expect(readWithH5py(path)).toEqual({
      attributes: { iteration: '1' },
      datasets: {
        classes: { type: 'text', shape: [2], values: classes },
        filenames: { type: 'text', shape: [2], values: ['a.fits', 'č.fits'] },
        labels: { type: '<i4', shape: [2], values: [1, -1] },
        probabilities: { type: '<f4', shape: [2, 2], values: [0.25, 0.75, null, null] },
        entropies: { type: '<f8', shape: [2], values: [0.5, null] },
        oracle_indexes: { type: '<i4', shape: [1], values: [0] },
        perf_est_indexes: { type: '<i4', shape: [0], values: [] },
        candidate_indexes: { type: '<i4', shape: [2], values: [0, 1] },
      },
    });
  });

  it('reads training_data.h5', async () => {
    const path = join(directory, 'training_data.h5');
    const spectra = spectraInMemory({
      wavelengthAngstrom: Float64Array.of(6500, 6501.5),
      spectra: Float32Array.of(1, 2, 3, 4, 5, 6),
      filenames: ['a.fits', 'b.fits', 'č.fits'],
    });
    const designations = ['J1', ''];
    await writeTrainingData(path, {
      sources: [{ spectra, rows: Int32Array.of(0, 2), labels: Int32Array.of(1, 0), designations }],
      classes,
    });
    expect(readWithH5py(path)).toEqual({
      attributes: {},
      datasets: {
        classes: { type: 'text', shape: [2], values: classes },
        filenames: { type: 'text', shape: [2], values: ['a.fits', 'č.fits'] },
        wave: { type: '<f8', shape: [2], values: [6500, 6501.5] },
        fluxes: { type: '<f4', shape: [2, 2], values: [1, 2, 5, 6] },
        labels: { type: '<i4', shape: [2], values: [1, 0] },
        'metadata/designation': { type: 'text', shape: [2], values: designations },
      },
    });
  });
});
