import { expect, it } from 'vitest';
import { typeName, valueText } from './hdf5-tree.ts';

it('shows values as people read them', () => {
  expect(valueText(Float32Array.of(0.1, 6562.8))).toBe('0.1, 6562.8');
  expect(valueText(['a', 'b "c"'])).toBe('"a", "b \\"c\\""');
  expect(valueText(BigInt64Array.of(7n))).toBe('7');
  expect(valueText([[1, 2], [3]])).toBe('1, 2, 3');
  expect(valueText(null)).toBe('');
});

it('names types as people know them', () => {
  expect(['<f', '>d', 'S46', 'S', '<Q', 'compound'].map(typeName)).toEqual([
    'float32',
    'float64',
    'text (46)',
    'text',
    'uint64',
    'compound',
  ]);
});
