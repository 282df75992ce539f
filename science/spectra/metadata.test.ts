import { expect, it } from 'vitest';
import { SpectrumMetadata } from '../../contracts/spectrum.ts';
import { present } from './metadata.ts';

it('keeps every field that has a value, and leaves out the others', () => {
  const fields = Object.keys(SpectrumMetadata.shape);
  expect(fields.length).toBeGreaterThan(20);
  const numbers = ['ra', 'dec', 'z', 'z_err'];
  const isNumber = (field: string): boolean => numbers.includes(field) || /^(mag|sn)_/.test(field);
  const all = Object.fromEntries(fields.map((field) => [field, isNumber(field) ? 0 : '']));
  expect(present(SpectrumMetadata.parse(all))).toEqual(all);
  expect(Object.keys(present({ z: undefined, ra: 1 }))).toEqual(['ra']);
});
