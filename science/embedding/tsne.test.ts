import { describe, expect, it } from 'vitest';
import { Random } from '../cnn/random.ts';
import { principalComponents } from './principal-components.ts';
import { tsne } from './tsne.ts';
import { QuadTree } from './quad-tree.ts';

const noise = (count: number, seed = 1): Float32Array => {
  const random = new Random(seed);
  return Float32Array.from({ length: count }, () => random.uniform());
};

describe('t-SNE', () => {
  it('maps any number of spectra from none up, of one point too, with finite numbers', () => {
    for (const rows of [0, 1, 2, 3, 4, 5, 9])
      for (const points of [1, 2, 7]) {
        const map = tsne(noise(rows * points), { points, random: new Random(0) });
        expect(map).toHaveLength(2 * rows);
        expect(map.every(Number.isFinite), `${rows} of ${points}`).toBe(true);
      }
  });

  it('maps spectra that are all the same, and some that are', () => {
    for (const value of [0, 3e-17]) {
      const map = tsne(new Float32Array(60).fill(value), { points: 3, random: new Random(0) });
      expect(map.every(Number.isFinite)).toBe(true);
    }
    const some = noise(90);
    some.copyWithin(45, 0, 45);
    expect(tsne(some, { points: 3, random: new Random(0) }).every(Number.isFinite)).toBe(true);
  });

  it('does not depend on the unit of the flux', () => {
    const spread = (values: Float64Array) => Math.max(...values) - Math.min(...values);
    const spectra = noise(40 * 5);
    const map = tsne(
      spectra.map((value) => value * 1e-17),
      { points: 5, random: new Random(0) },
    );
    expect(spread(map)).toBeGreaterThan(1);
  });

  it('keeps clusters apart', () => {
    const spectra = noise(90 * 4).map((value, i) => value + 10 * (Math.floor(i / 4) % 3));
    const map = tsne(spectra, { points: 4, random: new Random(0) });
    const clusterOf = (row: number) => row % 3;
    const distance = (a: number, b: number) =>
      Math.hypot(
        (map[2 * a] ?? NaN) - (map[2 * b] ?? NaN),
        (map[2 * a + 1] ?? NaN) - (map[2 * b + 1] ?? NaN),
      );
    for (let row = 0; row < 90; row++) {
      const others = [...new Array(90).keys()].filter((other) => other !== row);
      const nearest = others.reduce((a, b) => (distance(row, b) < distance(row, a) ? b : a));
      expect(clusterOf(nearest)).toBe(clusterOf(row));
    }
  });

  it('gives the same map from the same seed, and tells how far it is', () => {
    const spectra = noise(30 * 6);
    const seen: number[] = [];
    const from = (seed: number) =>
      tsne(spectra, { points: 6, random: new Random(seed), onProgress: (done, of) => seen.push(done / of) });
    expect(from(3)).toEqual(from(3));
    expect(from(3)).not.toEqual(from(4));
    expect(seen).toHaveLength(4000);
    expect(seen.at(-1)).toBe(1);
  });

  it('refuses spectra that are cut or not finite', () => {
    const options = { points: 2, random: new Random(0) };
    expect(() => tsne(new Float32Array(9), options)).toThrow(RangeError);
    expect(() => tsne(new Float32Array(10).fill(NaN), options)).toThrow(RangeError);
  });
});

it('finds the principal components that a covariance of two directions has', () => {
  // Rows along (3, 4)/5 with deviation 10 times that along (4, -3)/5, around a mean.
  const along = noise(200, 2).map((value) => 10 * (value - 0.5));
  const across = noise(200, 3).map((value) => value - 0.5);
  const values = Float32Array.from({ length: 400 }, (_, i) => {
    const [a, b] = [along[i >> 1] ?? NaN, across[i >> 1] ?? NaN];
    return i % 2 === 0 ? 7 + 0.6 * a + 0.8 * b : -5 + 0.8 * a - 0.6 * b;
  });
  const components = principalComponents(values, 2, 2, new Random(0));
  const mean = (list: Float32Array) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const sign = Math.sign((components[0] ?? NaN) * ((along[0] ?? NaN) - mean(along)));
  // The drawn columns are a little correlated, which turns the directions a little.
  along.forEach((value, row) =>
    expect(sign * (components[2 * row] ?? NaN) - (value - mean(along))).toBeCloseTo(0, 0),
  );
  const products = along.reduce(
    (sum, _, row) => sum + (components[2 * row] ?? NaN) * (components[2 * row + 1] ?? NaN),
    0,
  );
  expect(Math.abs(products)).toBeLessThan(1e-3);
});

it('sums the forces of all points as one by one, to the accuracy of Barnes and Hut', () => {
  const map = Float64Array.from(noise(600), (value) => 20 * value);
  map.copyWithin(4, 0, 4);
  const tree = new QuadTree(map);
  tree.build();
  const forces = new Float64Array(600);
  const all = new Float64Array(600);
  let total = 0;
  for (let a = 0; a < 300; a++)
    for (let b = 0; b < 300; b++) {
      if (a === b) continue;
      const dx = (map[2 * a] ?? NaN) - (map[2 * b] ?? NaN);
      const dy = (map[2 * a + 1] ?? NaN) - (map[2 * b + 1] ?? NaN);
      const q = 1 / (1 + dx * dx + dy * dy);
      total += q;
      all[2 * a] = (all[2 * a] ?? NaN) + q * q * dx;
      all[2 * a + 1] = (all[2 * a + 1] ?? NaN) + q * q * dy;
    }
  expect(tree.repulsion(forces, 0)).toBeCloseTo(total, 8);
  all.forEach((force, i) => expect(forces[i]).toBeCloseTo(force, 8));
  const errorAt = (theta: number) => {
    const ratio = tree.repulsion(forces, theta) / total;
    const error = all.reduce((sum, force, i) => sum + ((forces[i] ?? NaN) - force) ** 2, 0);
    const size = all.reduce((sum, force) => sum + force ** 2, 0);
    return { ofTotal: Math.abs(ratio - 1), ofForces: Math.sqrt(error / size) };
  };
  expect(errorAt(0.5).ofTotal).toBeLessThan(0.02);
  expect(errorAt(0.5).ofForces).toBeLessThan(0.05);
  expect(errorAt(0.2).ofTotal).toBeLessThan(0.003);
  expect(errorAt(0.2).ofForces).toBeLessThan(0.01);
});
