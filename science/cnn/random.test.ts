import { expect, it } from 'vitest';
import { DEFAULT_NETWORK } from '../../contracts/network.ts';
import { planNetwork } from './architecture.ts';
import { initialState } from './initialize.ts';
import { Random } from './random.ts';

it('is xoshiro128**', () => {
  // First outputs of the authors' C code from the state 1, 2, 3, 4.
  const random = new Random([1, 2, 3, 4]);
  expect(Array.from({ length: 4 }, () => random.uint32())).toEqual([11520, 0, 5927040, 70819200]);
});

it('goes on from its state', () => {
  const random = new Random(5);
  random.uint32();
  const other = new Random(random.state);
  expect([random.uniform(), random.below(10)]).toEqual([other.uniform(), other.below(10)]);
});

it('shuffles fairly', () => {
  const random = new Random(1);
  const counts = new Map<string, number>();
  for (let i = 0; i < 6000; i++) {
    const order = random.shuffle([1, 2, 3]).join('');
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(1000));
});

it('draws Glorot-uniform kernels', () => {
  const plan = planNetwork(DEFAULT_NETWORK, { points: 140, classes: 3 });
  const { weights } = initialState(plan, 3);
  const kernel = weights['conv1d_1/kernel'] ?? new Float32Array();
  const limit = Math.sqrt(6 / 384);
  expect(Math.max(...kernel)).toBeLessThanOrEqual(limit);
  expect(Math.max(...kernel)).toBeGreaterThan(0.99 * limit);
  const variance = kernel.reduce((sum, value) => sum + value ** 2, 0) / kernel.length;
  expect(variance / (limit ** 2 / 3)).toBeCloseTo(1, 1);
  expect(weights['conv1d_1/bias']?.every((value) => value === 0)).toBe(true);
  expect(initialState(plan, 3).weights['conv1d_1/kernel']).toEqual(kernel);
  expect(initialState(plan, 4).weights['conv1d_1/kernel']).not.toEqual(kernel);
});

it('fills with ones as single draws would', () => {
  const [bulk, single] = [new Random(9), new Random(9)];
  const values = new Uint8Array(1000);
  bulk.fillOnes(values, 0.3);
  expect([...values]).toEqual(Array.from(values, () => (single.uniform() >= 0.7 ? 1 : 0)));
  expect(bulk.state).toEqual(single.state);
});
