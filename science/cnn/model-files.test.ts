import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NetworkArchitecture } from '../../contracts/network.ts';
import { loadTensorflow } from '../../deploy/tensorflow/load-tensorflow.ts';
import { planNetwork } from './architecture.ts';
import { initialState } from './initialize.ts';
import { readModelFiles, weightsSha256, writeModelFiles, type ModelDescription } from './model-files.ts';
import { createOpByOpTrainer } from './op-by-op-trainer.ts';
import { Random } from './random.ts';

let directory: string;
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'model files ')), 'model');
});
afterEach(() => rm(join(directory, '..'), { recursive: true }));

const POINTS = 21;
/** Every kind of layer, with what is not the default. */
const architecture = NetworkArchitecture.parse({
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
function modelOf(network: NetworkArchitecture, points: number): ModelDescription {
  const classes = ['other', 'single peak', 'double peak'];
  const plan = planNetwork(network, { points, classes: classes.length });
  const random = new Random(3);
  // Biases are 0 at first, which no mistake in them would show.
  const weights = Object.fromEntries(
    Object.entries(initialState(plan, 1).weights).map(([name, values]) => [
      name,
      values.map((value) => value + 0.1 * (random.uniform() - 0.5)),
    ]),
  );
  const wavelengthAngstrom = Float64Array.from({ length: points }, (_, i) => 6519 + i / 3);
  const metadata = { scaling: 'minmax', seed: 1, metrics: { accuracy: 0.5 } };
  return { plan, architecture: network, weights, classes, wavelengthAngstrom, metadata };
}
const model = modelOf(architecture, POINTS);

it('is read as it was written', async () => {
  const files = await writeModelFiles(directory, model);
  expect((await readdir(directory)).sort()).toEqual([
    'model.h5',
    'model.json',
    'spectrolabe.json',
    'weights.bin',
  ]);
  expect([...files].sort()).toEqual((await readdir(directory)).sort());
  const { plan, ...written } = model;
  expect(await readModelFiles(directory)).toEqual(written);
  expect(weightsSha256(plan, model.weights)).toBe(
    createHash('sha256')
      .update(await readFile(join(directory, 'weights.bin')))
      .digest('hex'),
  );
});

it('is byte-identical when it is written again at another time', async () => {
  const files = await writeModelFiles(directory, model);
  const first = await Promise.all(files.map((name) => readFile(join(directory, name))));
  await new Promise((resolve) => setTimeout(resolve, 1100)); // HDF5 counts in seconds
  await writeModelFiles(directory, model);
  expect(await Promise.all(files.map((name) => readFile(join(directory, name))))).toEqual(first);
});

// Any backend will do; another copy of tfjs beside a native one will not.
const { tf } = await loadTensorflow();

it.each([
  ['every kind of layer', model],
  ['nothing but the output', modelOf({ layers: [{ kind: 'flatten' }] }, 4)],
])('predicts in TensorFlow.js as it does here: %s', async (_, made) => {
  await writeModelFiles(directory, made);
  const loaded = await tf.loadLayersModel(
    tf.io.http('http://localhost/model.json', {
      fetchFunc: async (url) =>
        new Response(
          await readFile(join(directory, new URL(url instanceof Request ? url.url : url).pathname)),
        ),
    }),
  );
  const rows = 7;
  const random = new Random(4);
  const spectra = new Float32Array(rows * made.plan.points).map(() => 2 * random.uniform() - 1);
  const trainer = createOpByOpTrainer(tf, made.plan, {
    initial: { ...initialState(made.plan, 0), weights: made.weights },
    dropoutSeed: 0,
  });
  const ours = trainer.predict(spectra);
  const input = tf.tensor3d(spectra, [rows, made.plan.points, 1]);
  const output = loaded.predict(input);
  if (!(output instanceof tf.Tensor)) throw new Error('one output was expected');
  expect(output.shape).toEqual([rows, 3]);
  const theirs = await output.data();
  expect(Math.max(...theirs.map((value, i) => Math.abs(value - (ours[i] ?? NaN))))).toBeLessThan(1e-6);
  tf.dispose([input, output]);
  loaded.dispose();
  trainer.dispose();
});

describe('refuses', () => {
  const broken = (code: string, message: string) =>
    expect.objectContaining({ name: 'NetworkError', code, message: expect.stringContaining(message) });

  it('to write what is not the network’s', async () => {
    await expect(writeModelFiles(directory, { ...model, classes: ['a', 'b'] })).rejects.toThrow(
      broken('bad-state', '2 classes and 21 wavelengths for a network of 3 and 21'),
    );
    const weights = { ...model.weights, 'dense/bias': new Float32Array(7) };
    await expect(writeModelFiles(directory, { ...model, weights })).rejects.toThrow(
      broken('bad-state', 'weights of dense/bias: 7 values in place of 6'),
    );
  });

  it('weights that are not the model’s', async () => {
    await writeModelFiles(directory, model);
    const path = join(directory, 'weights.bin');
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(5) ^ 1, 5);
    await writeFile(path, bytes);
    await expect(readModelFiles(directory)).rejects.toThrow(broken('bad-state', 'damaged'));
    await writeFile(path, bytes.subarray(4));
    await expect(readModelFiles(directory)).rejects.toThrow(broken('bad-state', 'damaged'));
  });

  it('what is no description of a model', async () => {
    await writeModelFiles(directory, model);
    const path = join(directory, 'spectrolabe.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, 100));
    await expect(readModelFiles(directory)).rejects.toThrow(broken('bad-state', 'is no JSON'));
    await writeFile(path, text.replace('spectrolabe-model-1', 'another'));
    await expect(readModelFiles(directory)).rejects.toThrow(broken('bad-state', 'does not describe a model'));
    await rm(path);
    await expect(readModelFiles(directory)).rejects.toThrow('ENOENT');
  });
});
