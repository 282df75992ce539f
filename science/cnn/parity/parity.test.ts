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
function spread(count: number, salt: number): Float32Array {
  return Float32Array.from({ length: count }, (_, index) => {
    let mixed = (Math.imul(index, 2654435761) + Math.imul(salt, 40503)) >>> 0;
    mixed = Math.imul(mixed ^ (mixed >>> 15), 2246822519) >>> 0;
    mixed = (mixed ^ (mixed >>> 13)) >>> 0;
    return mixed / 2 ** 31 - 1;
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
      return [name, spread(count, index + 1).map((value) => value * scale)];
    }),
  );
  return {
    plan,
    initial: { ...initialState(plan, 0), weights },
    batch: {
      spectra: spread(rows * points, 101),
      labels: Int32Array.from({ length: rows }, (_, row) => (row * 7) % classes),
      weights: spread(rows, 102).map((value) => 1 + 0.5 * value),
    },
  };
}

/** Largest difference from the sampled values, and of the norms, as a share of the norm. */
function difference(arrays: NamedArrays, plan: NetworkPlan, samples: readonly z.infer<typeof Sample>[]) {
  return Math.max(
    ...plan.parameters.map(({ name }, index) => {
      const { norm, values } = samples[index] ?? { norm: NaN, values: [] };
      const ours = arrays[name] ?? new Float32Array();
      const step = Math.max(1, Math.floor(ours.length / 60));
      const ourNorm = Math.sqrt(ours.reduce((sum, value) => sum + value * value, 0));
      return Math.max(
        Math.abs(ourNorm - norm) / norm,
        ...values.map((value, i) => Math.abs((ours[i * step] ?? NaN) - value)),
      );
    }),
  );
}

describe.each(ways)('Keras and ours, $way', ({ make }) => {
  const possible = fixtures.filter(({ points }) => backend !== 'javascript' || points < 100);
  it.each(possible)('$name', async (fixture) => {
    const { plan, initial, batch } = prepared(fixture);
    expect(plan.parameterCount).toBe(fixture.parameterCount);
    const trainer = await make(plan, initial);
    try {
      const probabilities = trainer.predict(batch.spectra);
      const worst = Math.max(
        ...fixture.predictions.map((value, i) => Math.abs((probabilities[i] ?? NaN) - value)),
      );
      expect(worst).toBeLessThan(1e-6);
      const { lossSum } = trainer.evaluate(batch);
      expect(Math.abs(lossSum / fixture.rows - fixture.loss)).toBeLessThan(1e-5);
      expect(difference(trainer.gradients(batch), plan, fixture.gradients)).toBeLessThan(1e-5);
      const losses = fixture.losses.map(() => trainer.step(batch, 1e-3).lossSum / fixture.rows);
      losses.forEach((loss, i) => expect(Math.abs(loss - (fixture.losses[i] ?? NaN))).toBeLessThan(1e-4));
      expect(difference(trainer.getState().weights, plan, fixture.weightsAfterSteps)).toBeLessThan(1e-4);
      if (process.env.PARITY)
        console.log(
          fixture.name,
          trainer.way,
          'predictions',
          worst,
          'loss',
          Math.abs(lossSum / fixture.rows - fixture.loss),
        );
    } finally {
      trainer.dispose();
    }
    expect(tf.memory().numTensors).toBe(0);
  });
});
