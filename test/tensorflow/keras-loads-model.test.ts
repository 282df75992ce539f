import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { DEFAULT_NETWORK, NetworkArchitecture } from '../../contracts/network.ts';
import { loadTensorflow } from '../../deploy/tensorflow/load-tensorflow.ts';
import { planNetwork, type NetworkPlan } from '../../science/cnn/architecture.ts';
import { createTrainer } from '../../science/cnn/create-trainer.ts';
import { initialState } from '../../science/cnn/initialize.ts';
import { MODEL_FILES, writeModelFiles } from '../../science/cnn/model-files.ts';
import { Random } from '../../science/cnn/random.ts';

/**
 * Python with Keras, of TensorFlow or for itself:
 * `KERAS_PYTHON=/path/to/venv/bin/python npx vitest run --project integration test/tensorflow`.
 */
const PYTHON = process.env['KERAS_PYTHON'] ?? 'python3';
const hasKeras = ['import tensorflow', 'import keras'].some(
  (program) => spawnSync(PYTHON, ['-c', program]).status === 0,
);
const withoutKeras = hasKeras ? undefined : `${PYTHON} has no Keras (set KERAS_PYTHON)`;
if (withoutKeras) console.log(`Models were not loaded in Keras: ${withoutKeras}.`);

const { tf, backend } = await loadTensorflow();
const withoutFiles =
  tf.node === undefined ? 'tfjs-node is not set up (npm run doctor -- --set-up)' : undefined;
if (withoutFiles) console.log(`Models were not loaded by tfjs-node: ${withoutFiles}.`);

const ROWS = 40;
const CLASSES = ['other', 'single peak', 'double peak'];
const EVERY_LAYER = NetworkArchitecture.parse({
  layers: [
    { kind: 'conv1d', filters: 4, kernel_size: 5, padding: 'same' },
    { kind: 'conv1d', filters: 3, activation: 'linear' },
    { kind: 'max_pooling1d', pool_size: 3 },
    { kind: 'dropout', rate: 0.25 },
    { kind: 'flatten' },
    { kind: 'dense', units: 6 },
    { kind: 'dense', units: 5, activation: 'linear' },
    { kind: 'dropout' },
  ],
});
const NETWORKS: { name: string; network: NetworkArchitecture; points: number }[] = [
  { name: 'every kind of layer', network: EVERY_LAYER, points: 50 },
  { name: 'the output alone', network: { layers: [{ kind: 'flatten' }] }, points: 4 },
  { name: 'the default network', network: DEFAULT_NETWORK, points: 140 },
];

const CASES = NETWORKS.map(({ name, points }) => [name, points] as const);

interface Written {
  plan: NetworkPlan;
  directory: string;
  spectra: Float32Array;
  /** Of our own trainer. */
  probabilities: Float32Array;
}
const written = new Map<string, Written>();
let parent: string;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'models for others '));
  for (const { name, network, points } of NETWORKS) {
    const plan = planNetwork(network, { points, classes: CLASSES.length });
    const state = initialState(plan, 1);
    const random = new Random(3);
    // Biases are 0 at first, which no mistake in them would show.
    const weights = Object.fromEntries(
      Object.entries(state.weights).map(([key, values]) => [
        key,
        key.endsWith('/bias') ? values.map(() => 0.2 * (random.uniform() - 0.5)) : values,
      ]),
    );
    const directory = join(parent, name);
    await writeModelFiles(directory, {
      plan,
      architecture: network,
      weights,
      classes: CLASSES,
      wavelengthAngstrom: Float64Array.from({ length: points }, (_, i) => 6519 + 1.5 * i),
      metadata: {},
    });
    const spectra = new Float32Array(ROWS * points).map(() => 2 * random.uniform() - 1);
    await writeFile(join(directory, 'spectra.bin'), new Uint8Array(spectra.buffer));
    const trainer = await createTrainer(tf, plan, {
      seed: 0,
      scratchDirectory: parent,
      initial: { ...state, weights },
    });
    written.set(name, { plan, directory, spectra, probabilities: trainer.predict(spectra) });
    trainer.dispose();
  }
});
afterAll(() => rm(parent, { recursive: true }));

function writtenOf(name: string): Written {
  const found = written.get(name);
  if (!found) throw new Error(`${name} was not written`);
  return found;
}

function largestDifference(ours: Float32Array, theirs: ArrayLike<number>): number {
  expect(theirs.length).toBe(ours.length);
  return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - (theirs[i] ?? NaN))), 0);
}

/** Probabilities that are all alike would agree whatever the weights are. */
function expectVariety(probabilities: Float32Array): void {
  expect(new Set(Array.from(probabilities, (value) => value.toFixed(4))).size).toBeGreaterThan(ROWS);
}

const Predicted = z.object({
  version: z.string(),
  layers: z.array(z.string()),
  probabilities: z.array(z.array(z.number())),
});

describe.skipIf(withoutKeras)(
  `Keras loads model.h5${withoutKeras ? ` (skipped: ${withoutKeras})` : ''}`,
  () => {
    it.each(CASES)('and predicts as it does here: %s', (name, points) => {
      const { plan, directory, probabilities } = writtenOf(name);
      const script = join(import.meta.dirname, 'predict-with-keras.py');
      const output = execFileSync(PYTHON, [script, directory, String(points)], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const theirs = Predicted.parse(JSON.parse(output));
      expectVariety(probabilities);
      expect(theirs.layers).toEqual(plan.layers.map((layer) => layer.name));
      expect(largestDifference(probabilities, theirs.probabilities.flat())).toBeLessThan(1e-5);
      console.log(`${theirs.version} and ${backend} agree on ${name}`);
    });
  },
);

describe.skipIf(withoutFiles)(
  `tfjs-node loads model.json from a directory${withoutFiles ? ` (skipped: ${withoutFiles})` : ''}`,
  () => {
    it.each(CASES)('and predicts as it does here: %s', async (name, points) => {
      const { directory, spectra, probabilities } = writtenOf(name);
      const model = await tf.loadLayersModel(`file://${join(directory, MODEL_FILES.tfjs)}`);
      const input = tf.tensor3d(spectra, [ROWS, points, 1]);
      const output = model.predict(input);
      if (!(output instanceof tf.Tensor)) throw new Error('one output was expected');
      expectVariety(probabilities);
      expect(largestDifference(probabilities, await output.data())).toBeLessThan(1e-5);
      tf.dispose([input, output]);
      model.dispose();
    });
  },
);
