import { describe, expect, it } from 'vitest';
import { DEFAULT_NETWORK, NetworkArchitecture } from '../../contracts/network.ts';
import { planNetwork } from './architecture.ts';

const network = (...layers: unknown[]) => NetworkArchitecture.parse({ layers });

describe('planNetwork', () => {
  it('works out the default network as Keras does', () => {
    const plan = planNetwork(DEFAULT_NETWORK, { points: 140, classes: 3 });
    expect(plan.layers.map(({ outputShape }) => outputShape.join('×'))).toEqual(
      '138×64 136×64 68×64 66×128 64×128 32×128 30×256 28×256 14×256 3584 512 512 512 512 3'.split(' '),
    );
    expect(plan.parameterCount).toBe(2_481_731); // model.count_params()
    expect(planNetwork(DEFAULT_NETWORK, { points: 600, classes: 3 }).parameterCount).toBe(9_952_835);
    expect(plan.parameters[2]).toEqual({
      name: 'conv1d_1/kernel',
      role: 'kernel',
      shape: [3, 64, 64],
      count: 12_288,
      fanIn: 192,
      fanOut: 192,
    });
  });

  it('keeps all points where padding is same, and leaves out what does not fill a pool', () => {
    const plan = planNetwork(
      network(
        { kind: 'conv1d', filters: 2, padding: 'same', kernel_size: 4 },
        { kind: 'max_pooling1d', pool_size: 3 },
        { kind: 'flatten' },
      ),
      { points: 11, classes: 2 },
    );
    expect(plan.layers.map(({ outputShape }) => outputShape)).toEqual([[11, 2], [3, 2], [6], [2]]);
  });

  it('says which layer a spectrum is too short for', () => {
    expect(() => planNetwork(DEFAULT_NETWORK, { points: 30, classes: 3 })).toThrow(
      'A spectrum of 30 points is too short for this network: 2 points arrive at layer conv1d_5, which needs 3',
    );
    expect(planNetwork(DEFAULT_NETWORK, { points: 36, classes: 3 }).layers.at(8)?.outputShape).toEqual([
      1, 256,
    ]);
  });

  it('refuses layers that do not follow from each other', () => {
    const plan =
      (...layers: unknown[]) =>
      () =>
        planNetwork(network(...layers), { points: 9, classes: 2 });
    expect(plan()).toThrow('A flatten layer is needed before the end of the network');
    expect(plan({ kind: 'dense', units: 2 })).toThrow('Layer dense: a flatten layer is needed before it');
    expect(plan({ kind: 'flatten' }, { kind: 'conv1d', filters: 2 })).toThrow(
      'Layer conv1d cannot follow flatten or dense layers',
    );
    expect(() => planNetwork(DEFAULT_NETWORK, { points: 140, classes: 1 })).toThrow('at least two classes');
    expect(() => network({ kind: 'conv1d', filters: 0 })).toThrow();
    expect(() => network({ kind: 'dense', units: 2, unit: 3 })).toThrow();
  });
});
