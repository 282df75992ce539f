import { expect, it } from 'vitest';
import { stratifiedSplit } from './split.ts';

const labels = Int32Array.from({ length: 1000 }, (_, row) =>
  row < 700 ? 0 : row < 980 ? 1 : row < 999 ? 2 : 3,
);
const countOf = (rows: Int32Array, label: number) => rows.filter((row) => labels[row] === label).length;

it('holds out the same share of every class', () => {
  const { training, validation } = stratifiedSplit(labels, { fraction: 0.2, seed: 1 });
  expect([0, 1, 2, 3].map((label) => countOf(validation, label))).toEqual([140, 56, 4, 0]);
  expect([...training, ...validation].sort((a, b) => a - b)).toEqual([...labels.keys()]);
  expect(stratifiedSplit(labels, { fraction: 0.2, seed: 1 }).validation).toEqual(validation);
  expect(stratifiedSplit(labels, { fraction: 0.2, seed: 2 }).validation).not.toEqual(validation);
  expect(stratifiedSplit(labels, { fraction: 0, seed: 1 }).validation.length).toBe(0);
});

it('leaves the spectra of an object together', () => {
  const groups = Array.from(labels, (_, row) => `object ${row % 300}`);
  const { training, validation } = stratifiedSplit(labels, { fraction: 0.25, seed: 3, groups });
  const held = new Set(Array.from(validation, (row) => groups[row]));
  expect([...training].some((row) => held.has(groups[row]))).toBe(false);
  expect(Math.abs(validation.length - 250)).toBeLessThan(10);
});
