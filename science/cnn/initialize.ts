import type { NetworkPlan } from './architecture.ts';
import { Random } from './random.ts';
import type { TrainerState } from './trainer.ts';

/**
 * Weights before the first step: kernels uniform within ±√(6 / (inputs + outputs)) (Glorot & Bengio 2010, as Keras),
 * biases and Adam's moments 0.
 * @param seed equal seeds give equal weights on every machine
 */
export function initialState(plan: NetworkPlan, seed: number): TrainerState {
  const random = new Random(seed);
  const weights: Record<string, Float32Array> = {};
  const zeros = (): Record<string, Float32Array> =>
    Object.fromEntries(plan.parameters.map(({ name, count }) => [name, new Float32Array(count)]));
  for (const { name, role, count, fanIn, fanOut } of plan.parameters) {
    const values = new Float32Array(count);
    if (role === 'kernel') {
      const limit = Math.sqrt(6 / (fanIn + fanOut));
      for (let i = 0; i < count; i++) values[i] = (2 * random.uniform() - 1) * limit;
    }
    weights[name] = values;
  }
  return { step: 0, weights, firstMoments: zeros(), secondMoments: zeros() };
}
