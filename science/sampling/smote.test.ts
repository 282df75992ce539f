import { expect, it } from 'vitest';
import { Random } from '../cnn/random.ts';
import { nearestNeighbours } from './nearest-neighbours.ts';
import { smote } from './smote.ts';

const labelled = (...rows: [label: number, ...spectrum: number[]][]) => ({
  spectra: Float32Array.from(rows.flatMap(([, ...spectrum]) => spectrum)),
  labels: Int32Array.from(rows, ([label]) => label),
});

it('copies the only spectrum of a class', () => {
  const data = labelled([0, 1, 1], [0, 2, 2], [0, 3, 3], [1, 7, -7]);
  const { spectra, labels } = smote(data, { points: 2, random: new Random(0) });
  expect([...labels]).toEqual([0, 0, 0, 1, 1, 1]);
  expect([...spectra.subarray(8)]).toEqual([7, -7, 7, -7]);
});

it('mixes the two spectra of a class that has no more', () => {
  const zeros = Array.from({ length: 50 }, (): [number, number] => [0, 0]);
  const { spectra, labels } = smote(labelled(...zeros, [2, 10], [2, 20]), {
    points: 1,
    random: new Random(0),
  });
  expect(labels.filter((label) => label === 2)).toHaveLength(50);
  const made = [...spectra.subarray(52)];
  expect(made.every((value) => value >= 10 && value <= 20)).toBe(true);
  expect(new Set(made).size).toBeGreaterThan(40);
});

it('leaves classes of equal size, one class and no spectrum as they are', () => {
  const even = labelled([1, 3], [0, 4]);
  expect(smote(even, { points: 1, random: new Random(0) })).toEqual(even);
  const one = labelled([4, 3], [4, 5]);
  expect(smote(one, { points: 1, random: new Random(0) })).toEqual(one);
  const none = labelled();
  expect(smote(none, { points: 3, random: new Random(0) })).toEqual(none);
});

it('gives the same from the same seed, something else from another', () => {
  const data = labelled([0, 1], [0, 2], [0, 3], [0, 4], [1, 5], [1, 9]);
  const from = (seed: number) => [...smote(data, { points: 1, random: new Random(seed) }).spectra];
  expect(from(3)).toEqual(from(3));
  expect(from(3)).not.toEqual(from(4));
});

it('refuses spectra that are cut or not finite', () => {
  const options = { points: 2, random: new Random(0) };
  expect(() => smote({ spectra: new Float32Array(3), labels: new Int32Array(1) }, options)).toThrow(
    RangeError,
  );
  expect(() => smote(labelled([0, 1, 1], [0, 1, 1], [0, 1, 1], [1, NaN, 1], [1, 1, 1]), options)).toThrow(
    RangeError,
  );
});

it('takes the first of equally near neighbours, equal spectra too', () => {
  const values = Float32Array.of(0, 1, 0, -1, 1, 0);
  expect([...nearestNeighbours(values, 1, 3, Int32Array.of(0, 5)).rows]).toEqual([2, 5, 1, 0, 2, 1]);
  expect([...nearestNeighbours(values, 1, 3, Int32Array.of(5)).squaredDistances]).toEqual([0, 0, 1]);
});
