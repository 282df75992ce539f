import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { planNetwork } from '../../science/cnn/architecture.ts';
import { createTrainer } from '../../science/cnn/create-trainer.ts';
import { NetworkError } from '../../science/cnn/error.ts';
import { initialState } from '../../science/cnn/initialize.ts';
import { readModelFiles, weightsSha256 } from '../../science/cnn/model-files.ts';
import { createPredictionsFile } from '../../science/hdf5/predictions-file.ts';
import { isSameGrid, openSpectra } from '../../science/hdf5/spectra-blocks.ts';
import { hashFile } from '../../storage/hash-file.ts';
import type { ScoreTask, Tell } from './messages.ts';
import { PROGRESS_MS, type Computer } from './train-network.ts';

/** A block of spectra at most [bytes]: larger ones are classified no faster, and keep the process from hearing. */
const BLOCK_BYTES = 8 << 20;

/**
 * Classifies the spectra of an HDF5 with a model, block by block, into an HDF5 of probabilities; in the child process.
 * A spectrum with a value that is no finite number gets NaN: it cannot be classified.
 * @throws NetworkError `bad-data` where the spectra are not on the model's grid
 */
export async function scoreSpectra({ tf }: Computer, task: ScoreTask, tell: Tell): Promise<void> {
  const { architecture, classes, wavelengthAngstrom, weights } = await readModelFiles(task.modelDir);
  const plan = planNetwork(architecture, { points: wavelengthAngstrom.length, classes: classes.length });
  const pool = await openSpectra(task.poolPath);
  try {
    if (!isSameGrid(wavelengthAngstrom, pool.wavelengthAngstrom))
      throw new NetworkError(
        'bad-data',
        `The spectra are on another grid (${gridText(pool.wavelengthAngstrom)}) than the model's (${gridText(wavelengthAngstrom)}): preprocess them with the same one`,
      );
    const trainer = await createTrainer(tf, plan, {
      seed: 0,
      scratchDirectory: task.scratchDir,
      initial: { ...initialState(plan, 0), weights },
    });
    try {
      const target = await createPredictionsFile(task.target, {
        rows: pool.rows,
        classes,
        attributes: { model_weights_sha256: weightsSha256(plan, weights) },
      });
      let isClosed = false;
      try {
        const rows = blockRows(task.batchSize, plan.points);
        let told = -Infinity;
        for (let first = 0; first < pool.rows; first += rows) {
          const end = Math.min(pool.rows, first + rows);
          const spectra = pool.readFluxes(first, end);
          const unfit = takeUnfit(spectra, plan.points);
          const probabilities = trainer.predict(spectra);
          for (const row of unfit) probabilities.fill(NaN, row * plan.classes, (row + 1) * plan.classes);
          target.append(pool.readFilenames(first, end), probabilities);
          if (performance.now() - told >= PROGRESS_MS || end === pool.rows) {
            told = performance.now();
            tell({ kind: 'scoring', done: end, total: pool.rows });
          }
          // Otherwise the process would not hear that its worker is gone.
          await turn();
        }
        target.close();
        isClosed = true;
      } finally {
        if (!isClosed) target.discard();
      }
    } finally {
      trainer.dispose();
    }
    tell({ kind: 'scored', rows: pool.rows, ...(await hashFile(task.target)) });
  } finally {
    pool.close();
  }
}

/** Spectra that are in memory at once: as many as asked for, or as fit into 8 MiB. */
export function blockRows(batchSize: number, points: number): number {
  return Math.max(1, Math.min(batchSize, Math.floor(BLOCK_BYTES / (4 * points))));
}

/** Rows with a value that is no finite number; their values are set to 0, so that the others can be predicted. */
function takeUnfit(spectra: Float32Array, points: number): number[] {
  const rows: number[] = [];
  for (let at = 0; at < spectra.length; at++) {
    if (Number.isFinite(spectra[at])) continue;
    const row = Math.floor(at / points);
    rows.push(row);
    spectra.fill(0, row * points, (row + 1) * points);
    at = (row + 1) * points - 1;
  }
  return rows;
}

function gridText(wave: Float64Array): string {
  return `${wave[0]?.toFixed(1)}–${wave[wave.length - 1]?.toFixed(1)} Å, ${wave.length} points`;
}
