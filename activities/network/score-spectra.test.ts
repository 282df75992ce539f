import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm, { Dataset } from 'h5wasm/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NetworkArchitecture } from '../../contracts/network.ts';
import { loadTensorflow } from '../../deploy/tensorflow/load-tensorflow.ts';
import { planNetwork } from '../../science/cnn/architecture.ts';
import { initialState } from '../../science/cnn/initialize.ts';
import { writeModelFiles } from '../../science/cnn/model-files.ts';
import type { ChildMessage } from './messages.ts';
import { blockRows, scoreSpectra } from './score-spectra.ts';

const CLASSES = ['a', 'b', 'c'];
const { tf, backend, version } = await loadTensorflow();

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'score spectra '));
});
afterEach(() => rm(directory, { recursive: true }));

async function score(
  name: string,
  { rows, points, batchSize }: { rows: number; points: number; batchSize: number },
): Promise<{ messages: ChildMessage[]; probabilities: Float32Array; turns: number[] }> {
  const architecture = NetworkArchitecture.parse({
    layers: [{ kind: 'max_pooling1d', pool_size: 8 }, { kind: 'flatten' }],
  });
  const plan = planNetwork(architecture, { points, classes: CLASSES.length });
  const wavelengthAngstrom = Float64Array.from({ length: points }, (_, i) => 6000 + i / 8);
  const modelDir = join(directory, 'model');
  const { weights } = initialState(plan, 1);
  await writeModelFiles(modelDir, {
    plan,
    architecture,
    weights,
    classes: CLASSES,
    wavelengthAngstrom,
    metadata: {},
  });
  await h5wasm.ready;
  const poolPath = join(directory, 'pool.h5');
  const pool = new h5wasm.File(poolPath, 'w');
  const fluxes = Float32Array.from({ length: rows * points }, (_, i) => Math.sin(i));
  fluxes[points + 1] = NaN;
  pool.create_dataset({ name: 'fluxes', data: fluxes, shape: [rows, points] });
  pool.create_dataset({ name: 'wave', data: wavelengthAngstrom });
  pool.create_dataset({ name: 'filenames', data: Array.from({ length: rows }, (_, row) => `${row}.fits`) });
  pool.close();

  const target = join(directory, `${name}.h5`);
  const messages: ChildMessage[] = [];
  let passed = 0;
  let counting: NodeJS.Immediate;
  const count = () => {
    passed++;
    counting = setImmediate(count);
  };
  counting = setImmediate(count);
  const turns: number[] = [];
  await scoreSpectra(
    { tf, backend, version, threads: 1 },
    { kind: 'score', modelDir, poolPath, target, batchSize, scratchDir: directory },
    (message) => {
      messages.push(message);
      turns.push(passed);
    },
  );
  clearImmediate(counting);
  const file = new h5wasm.File(target, 'r');
  const dataset = file.get('probabilities');
  const probabilities = dataset instanceof Dataset ? dataset.value : undefined;
  file.close();
  if (!(probabilities instanceof Float32Array)) throw new Error('there are no probabilities');
  return { messages, probabilities, turns };
}

it('gives the same whatever the blocks, NaN where a value is no number, and lets the process hear between them', async () => {
  const whole = await score('whole', { rows: 40, points: 16, batchSize: 1000 });
  const cut = await score('cut', { rows: 40, points: 16, batchSize: 1 });
  expect(cut.probabilities).toEqual(whole.probabilities);
  expect([...whole.probabilities.subarray(3, 6)]).toEqual([NaN, NaN, NaN]);
  expect(whole.probabilities.filter(Number.isNaN)).toHaveLength(3);
  // A block is a turn: a process whose worker is gone hears of it there.
  const [first = NaN, ...others] = cut.turns;
  // The last message is the end; the one before comes after the last block.
  expect((others.at(-2) ?? NaN) - first).toBeGreaterThanOrEqual(39);
  expect(cut.messages.filter(({ kind }) => kind === 'scoring').at(-1)).toEqual({
    kind: 'scoring',
    done: 40,
    total: 40,
  });
  // Not one for each: nobody looks that often.
  expect(cut.messages.length).toBeLessThan(20);
});

it('never has more than 8 MiB of spectra in memory, however large the blocks that are asked for', () => {
  expect(blockRows(1_000, 140)).toBe(1_000);
  expect(blockRows(1_000_000, 3_700)).toBe(566);
  expect(blockRows(1_000_000, 1 << 24)).toBe(1);
});
