import type { NetworkPlan } from './architecture.ts';
import { createGraphTrainer } from './graph-trainer.ts';
import { initialState } from './initialize.ts';
import { createOpByOpTrainer } from './op-by-op-trainer.ts';
import { isNative, type Tensorflow } from './tensorflow.ts';
import type { Trainer, TrainerState } from './trainer.ts';

export interface TrainerOptions {
  /** Of the weights before the first step and of the dropout. */
  readonly seed: number;
  /** Where the graph is put for a moment, as TensorFlow loads it from a file. */
  readonly scratchDirectory: string;
  /** Goes on from here instead of from weights drawn by the seed. */
  readonly initial?: TrainerState;
}

/** A trainer on the fastest way that this TensorFlow has: a graph where it is native, else operation by operation. */
export async function createTrainer(
  tf: Tensorflow,
  plan: NetworkPlan,
  { seed, scratchDirectory, initial = initialState(plan, seed) }: TrainerOptions,
): Promise<Trainer> {
  return isNative(tf)
    ? createGraphTrainer(tf, plan, { initial, dropoutSeed: seed, scratchDirectory })
    : createOpByOpTrainer(tf, plan, { initial, dropoutSeed: seed });
}
