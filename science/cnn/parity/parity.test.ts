import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { NetworkLayer } from '../../../contracts/network.ts';
import { loadTensorflow } from '../../../deploy/tensorflow/load-tensorflow.ts';
import { planNetwork, type NetworkPlan } from '../architecture.ts';
import { createGraphTrainer } from '../graph-trainer.ts';
import { initialState } from '../initialize.ts';
import { createOpByOpTrainer } from '../op-by-op-trainer.ts';
import { isNative } from '../tensorflow.ts';
import type { Batch, NamedArrays, Trainer, TrainerState } from '../trainer.ts';

const Sample = z.object({ norm: z.number(), values: z.array(z.number()) });
const Fixture = z.object({
  name: z.string(),
  points: z.number(),
  classes: z.number(),
  rows: z.number(),
  learningRate: z.number(),
  layers: z.array(NetworkLayer),
  parameterCount: z.number(),
  predictions: z.array(z.number()),
  loss: z.number(),
  losses: z.array(z.number()),
  gradients: z.array(Sample),
  weightsAfterSteps: z.array(Sample),
});
const fixtures = z
  .array(Fixture)
  .parse(JSON.parse(readFileSync(new URL('keras.json', import.meta.url), 'utf8')));

const { tf, backend, note } = await loadTensorflow();
if (backend === 'javascript') console.warn(`Graphs and the default network are not tested: ${note ?? ''}`);

let scratchDirectory: string;
beforeAll(async () => {
  scratchDirectory = await mkdtemp(join(tmpdir(), 'parity-'));
});
afterAll(() => rm(scratchDirectory, { recursive: true }));

type Make = (plan: NetworkPlan, initial: TrainerState) => Promise<Trainer>;
const ways: { way: Trainer['way']; make: Make }[] = [
  {
    way: 'op-by-op',
    make: async (plan, initial) => createOpByOpTrainer(tf, plan, { initial, dropoutSeed: 1 }),
  },
];
if (isNative(tf))
  ways.push({
    way: 'graph',
    make: (plan, initial) => createGraphTrainer(tf, plan, { initial, dropoutSeed: 1, scratchDirectory }),
  });

/** `spread` of make_fixtures.py. */
function spread(count: number, salt: number, use: (value: number, index: number) => number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => {
    let mixed = (Math.imul(index, 2654435761) + Math.imul(salt, 40503)) >>> 0;
    mixed = Math.imul(mixed ^ (mixed >>> 15), 2246822519) >>> 0;
    mixed = (mixed ^ (mixed >>> 13)) >>> 0;
    return use(mixed / 2 ** 31 - 1, index);
  });
}

function prepared({ points, classes, rows, layers }: z.infer<typeof Fixture>): {
  plan: NetworkPlan;
  initial: TrainerState;
  batch: Batch;
} {
  const plan = planNetwork({ layers }, { points, classes });
  const weights = Object.fromEntries(
    plan.parameters.map(({ name, role, count, fanIn, fanOut }, index) => {
      const scale = role === 'kernel' ? Math.sqrt(6 / (fanIn + fanOut)) : 0.1;
      return [name, spread(count, index + 1, (value) => value * scale)];
    }),
  );
  const labels = Int32Array.from({ length: rows }, (_, row) => (row * 7) % classes);
  const spectra = spread(rows * points, 101, (value, i) => {
    const teeth = (((i % points) * 5 * ((labels[Math.floor(i / points)] ?? 0) + 1)) / points) % 1;
    return 0.5 * value + teeth - 0.5;
  });
  return {
    plan,
    initial: { ...initialState(plan, 0), weights },
    batch: {
      spectra,
      labels,
      weights: spread(rows, 102, (value) => 1 + 0.5 * value),
    },
  };
}

/** Differences from the sampled values: the largest, their root mean square, and that of the norm as a share of it. */
function differences(arrays: NamedArrays, plan: NetworkPlan, samples: readonly z.infer<typeof Sample>[]) {
  const all: number[] = [];
  const norms: number[] = [];
  plan.parameters.forEach(({ name }, index) => {
    const { norm, values } = samples[index] ?? { norm: NaN, values: [] };
    const ours = arrays[name] ?? new Float32Array();
    const step = Math.max(1, Math.floor(ours.length / 60));
    all.push(...values.map((value, i) => Math.abs((ours[i * step] ?? NaN) - value)));
    norms.push(Math.abs(Math.hypot(...lengths(ours)) - norm) / norm);
  });
  return {
    largest: Math.max(...all),
    rootMeanSquare: Math.sqrt(all.reduce((sum, one) => sum + one * one, 0) / all.length),
    norm: Math.max(...norms),
  };
}

/** Norms of pieces of an array, few enough to be arguments. */
function lengths(values: Float32Array): number[] {
  const pieces: number[] = [];
  for (let from = 0; from < values.length; from += 1000)
    pieces.push(Math.hypot(...values.subarray(from, from + 1000)));
  return pieces;
}

function largestDifference(ours: ArrayLike<number>, theirs: readonly number[]): number {
  return Math.max(...theirs.map((value, i) => Math.abs((ours[i] ?? NaN) - value)));
}

describe.each(ways)('Keras and ours, $way', ({ make }) => {
  const possible = fixtures.filter(({ points }) => backend !== 'javascript' || points < 100);
  it.each(possible)('$name', async (fixture) => {
    const { plan, initial, batch } = prepared(fixture);
    expect(plan.parameterCount).toBe(fixture.parameterCount);
    const trainer = await make(plan, initial);
    try {
      const predictions = largestDifference(trainer.predict(batch.spectra), fixture.predictions);
      const loss = Math.abs(trainer.evaluate(batch).lossSum / fixture.rows - fixture.loss);
      const gradients = differences(trainer.gradients(batch), plan, fixture.gradients);
      const steps = fixture.losses.map(
        () => trainer.step(batch, fixture.learningRate).lossSum / fixture.rows,
      );
      const losses = largestDifference(steps, fixture.losses);
      const weights = differences(trainer.getState().weights, plan, fixture.weightsAfterSteps);
      if (process.env['PARITY'])
        console.log(
          JSON.stringify({
            fixture: fixture.name,
            way: trainer.way,
            predictions,
            loss,
            gradients,
            losses,
            weights,
          }),
        );
      expect(predictions).toBeLessThan(1e-6);
      expect(loss).toBeLessThan(1e-5);
      expect(gradients.largest).toBeLessThan(1e-5);
      expect(gradients.norm).toBeLessThan(1e-5);
      expect(weights.largest).toBeLessThan(1e-4);
      expect(weights.norm).toBeLessThan(1e-4);
      expect(losses).toBeLessThan(1e-4);
    } finally {
      trainer.dispose();
    }
    expect(tf.memory().numTensors).toBe(0);
  });
});
