import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FittingOptions, NetworkArchitecture } from '../../contracts/network.ts';
import { loadTensorflow } from '../../deploy/tensorflow/load-tensorflow.ts';
import { planNetwork } from './architecture.ts';
import { fit, type Checkpoint } from './fit.ts';
import { createGraphTrainer } from './graph-trainer.ts';
import { initialState } from './initialize.ts';
import { createOpByOpTrainer } from './op-by-op-trainer.ts';
import { Random } from './random.ts';
import { isNative } from './tensorflow.ts';
import type { NamedArrays, Trainer } from './trainer.ts';

const { tf, backend, note } = await loadTensorflow();
if (backend === 'javascript') console.warn(`Graphs are not tested: ${note ?? ''}`);

const POINTS = 16;
const CLASSES = 3;
const plan = planNetwork(
  NetworkArchitecture.parse({
    layers: [
      { kind: 'conv1d', filters: 4 },
      { kind: 'dropout', rate: 0.2 },
      { kind: 'max_pooling1d' },
      { kind: 'flatten' },
      { kind: 'dense', units: 8 },
      { kind: 'dropout' },
    ],
  }),
  { points: POINTS, classes: CLASSES },
);
const initial = initialState(plan, 1);

let scratchDirectory: string;
beforeAll(async () => {
  scratchDirectory = await mkdtemp(join(tmpdir(), 'trainers-'));
});
afterAll(() => rm(scratchDirectory, { recursive: true }));

const opByOp = (dropoutSeed = 1): Promise<Trainer> =>
  Promise.resolve(createOpByOpTrainer(tf, plan, { initial, dropoutSeed }));
const graph = isNative(tf)
  ? (dropoutSeed = 1): Promise<Trainer> =>
      createGraphTrainer(tf, plan, { initial, dropoutSeed, scratchDirectory })
  : undefined;
const ways = [
  { way: 'op-by-op', make: opByOp },
  ...(graph === undefined ? [] : [{ way: 'graph', make: graph }]),
];

/** Spectra of three classes: a line at a place of its own in noise. */
function spectraOf(rows: number) {
  const random = new Random(2);
  const labels = Int32Array.from({ length: rows }, () => random.below(CLASSES));
  const spectra = new Float32Array(rows * POINTS).map(() => random.uniform() - 0.5);
  labels.forEach((label, row) => {
    spectra[row * POINTS + 3 + 4 * label] = 2;
  });
  return { spectra, labels };
}

function furthest(ours: NamedArrays, theirs: NamedArrays): number {
  return Math.max(
    ...plan.parameters.flatMap(({ name }) =>
      Array.from(ours[name] ?? [], (value, i) => Math.abs(value - (theirs[name]?.[i] ?? NaN))),
    ),
  );
}

describe.skipIf(graph === undefined)('the graph and op by op', () => {
  it('agree with dropout, and take up each other’s state', async () => {
    const [one, other] = [await opByOp(), await (graph ?? opByOp)()];
    const batch = { ...spectraOf(20), weights: new Float32Array(20).map((_, i) => 1 + (i % 3)) };
    expect(furthest(one.gradients(batch), other.gradients(batch))).toBeLessThan(1e-6);
    for (let i = 0; i < 5; i++) {
      const { lossSum, correct } = one.step(batch, 1e-2);
      const result = other.step(batch, 1e-2);
      expect(Math.abs(result.lossSum - lossSum)).toBeLessThan(1e-4);
      expect(result.correct).toBe(correct);
    }
    expect(furthest(one.getState().weights, other.getState().weights)).toBeLessThan(1e-5);
    other.setState(one.getState());
    expect(other.getState()).toEqual(one.getState());
    expect(other.getWeights()).toEqual(other.getState().weights);
    one.step(batch, 1e-2);
    other.step(batch, 1e-2);
    expect(furthest(one.getState().weights, other.getState().weights)).toBeLessThan(1e-5);
    one.dispose();
    other.dispose();
    expect(tf.memory().numTensors).toBe(0);
    expect(await readdir(scratchDirectory)).toEqual([]);
  });
});

describe.each(ways)('a trainer, $way', ({ make }) => {
  it('predicts any number of rows, which sum to 1', async () => {
    const trainer = await make();
    const { spectra } = spectraOf(1100);
    const all = trainer.predict(spectra);
    expect(all.length).toBe(1100 * CLASSES);
    for (let row = 0; row < 1100; row += 100)
      expect((all[3 * row] ?? NaN) + (all[3 * row + 1] ?? NaN) + (all[3 * row + 2] ?? NaN)).toBeCloseTo(1, 6);
    const tail = trainer.predict(spectra.subarray(1090 * POINTS));
    tail.forEach((value, i) => expect(Math.abs(value - (all[1090 * CLASSES + i] ?? NaN))).toBeLessThan(1e-6));
    expect(trainer.predict(new Float32Array()).length).toBe(0);
    expect(() => trainer.predict(new Float32Array(POINTS + 1))).toThrow(
      '17 values are not spectra of 16 points',
    );
    trainer.dispose();
  });

  it('refuses what does not fit', async () => {
    const trainer = await make();
    const { spectra, labels } = spectraOf(4);
    expect(() => trainer.step({ spectra, labels: labels.subarray(1) }, 1)).toThrow('4 spectra with 3 labels');
    expect(() => trainer.step({ spectra, labels: labels.map(() => 3) }, 1)).toThrow('not one of 0 … 2');
    expect(() => trainer.predict(spectra.map((value, i) => (i === 20 ? NaN : value)))).toThrow(
      'Spectrum 1 has',
    );
    const { weights, ...rest } = trainer.getState();
    expect(() =>
      trainer.setState({ ...rest, weights: { ...weights, 'dense/bias': new Float32Array(7) } }),
    ).toThrow('weights of dense/bias: 7 values in place of 8');
    trainer.dispose();
  });

  const options = FittingOptions.parse({
    epochs: 6,
    batch_size: 16,
    learning_rate: 0.01,
    learning_rate_schedule: { kind: 'step', every_epochs: 2, factor: 0.5 },
    early_stopping: { monitor: 'val_loss', patience: 2 },
    class_weights: 'balanced',
    seed: 7,
  });
  const data = { training: spectraOf(150), validation: spectraOf(30) };
  const hooks = { now: () => 0 };

  it('goes on from a checkpoint to the weights of an undisturbed training, bit by bit', async () => {
    const undisturbed = await make();
    const result = await fit(undisturbed, plan, data, options, hooks);
    expect(result.history.length).toBe(6);
    expect(result.history.at(-1)?.loss).toBeLessThan((result.history[0]?.loss ?? 0) * 0.9);

    const interrupted = await make();
    let kept: Checkpoint | undefined;
    const abort = new AbortController();
    const ending = fit(interrupted, plan, data, options, {
      ...hooks,
      onEpoch: ({ epoch }, checkpoint) => {
        if (epoch === 3) kept = checkpoint();
      },
      onBatch: ({ epoch, batch }) => {
        if (epoch === 4 && batch === 2) abort.abort(new Error('killed'));
      },
      signal: abort.signal,
    });
    await expect(ending).rejects.toThrow('killed');
    interrupted.dispose();
    expect(kept?.history.length).toBe(3);

    const resumed = await make();
    expect(await fit(resumed, plan, data, options, hooks, kept)).toEqual(result);
    expect(resumed.getState()).toEqual(undisturbed.getState());
    undisturbed.dispose();
    resumed.dispose();
  });

  it('stops early and keeps the weights of the best epoch', async () => {
    const trainer = await make();
    const weights: NamedArrays[] = [];
    const result = await fit(
      trainer,
      plan,
      data,
      { ...options, epochs: 500, learning_rate: 0.1, learning_rate_schedule: { kind: 'constant' } },
      { ...hooks, onEpoch: (_, checkpoint) => void weights.push(checkpoint().trainer.weights) },
    );
    const losses = result.history.map(({ validation }) => validation?.loss ?? NaN);
    expect(result.stoppedEarly).toBe(true);
    expect(result.bestEpoch).toBe(result.history.length - 2);
    expect(losses[result.bestEpoch - 1]).toBe(Math.min(...losses));
    expect(trainer.getState().weights).toEqual(weights[result.bestEpoch - 1]);
    trainer.dispose();
  });

  it('ends where the loss is no number', async () => {
    const trainer = await make();
    const { training } = data;
    const state = trainer.getState();
    const from: Checkpoint = {
      trainer: {
        ...state,
        weights: { ...state.weights, 'probabilities/bias': new Float32Array(3).fill(NaN) },
      },
      earlyStopping: { bestEpoch: 0, waited: 0 },
      bestWeights: state.weights,
      history: [],
    };
    const ending = fit(trainer, plan, { training }, FittingOptions.parse({}), hooks, from);
    await expect(ending).rejects.toMatchObject({ name: 'NetworkError', code: 'diverged' });
    await expect(fit(trainer, plan, { training }, options, hooks)).rejects.toThrow('no spectra are held out');
    trainer.dispose();
  });
});
