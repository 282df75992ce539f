import { describe, expect, it } from 'vitest';
import type { EncodedNumbers, NumberType } from '../fits/numbers.ts';
import { OWN_MEMORY, ReusedMemory } from './reading.ts';

const FLOATS = [0, -0, 1.5, -3.25e-30, 1e30, 1e-45, Infinity, -Infinity, NaN, 7];

function encode(type: 'E' | 'D', values: readonly number[], before = 0): EncodedNumbers {
  const size = type === 'E' ? 4 : 8;
  const view = new DataView(new ArrayBuffer(before + size * values.length));
  values.forEach((value, i) => {
    if (type === 'E') view.setFloat32(before + size * i, value);
    else view.setFloat64(before + size * i, value);
  });
  const plain = { scale: 1, zero: 0, nullValue: undefined };
  return {
    view,
    type: type satisfies NumberType,
    offset: before,
    stride: size,
    length: values.length,
    ...plain,
  };
}

const many = (count: number) => Array.from({ length: count }, (_, i) => FLOATS[(i * 7) % FLOATS.length] ?? 0);

describe('memory that is used again gives what memory of its own gives', () => {
  it.each(['E', 'D'] as const)('numbers of type %s', (type) => {
    const memory = new ReusedMemory(4096);
    for (const count of [0, 1, 2, 3, 4, 5, 8, 1003]) {
      const numbers = encode(type, many(count), 12);
      for (const [first, end] of [
        [0, count],
        [Math.min(1, count), count],
        [0, Math.floor(count / 2)],
      ] as const)
        expect(memory.clear().decode(numbers, first, end)).toEqual(OWN_MEMORY.decode(numbers, first, end));
    }
  });

  it('scaled numbers, and more than it has room for', () => {
    const memory = new ReusedMemory(16);
    const scaled = { ...encode('E', many(9)), scale: 2, zero: 1 };
    expect(memory.decode(scaled, 0, 9)).toEqual(OWN_MEMORY.decode(scaled, 0, 9));
    const large = encode('D', many(100));
    expect(memory.decode(large, 0, 100)).toEqual(OWN_MEMORY.decode(large, 0, 100));
  });

  it.each([0, 1, 2, 3, 16, 17, 1003])('bad pixels among %i', (count) => {
    const memory = new ReusedMemory(4096);
    for (const shift of [0, 1, 3]) {
      memory.clear();
      const flux = memory.decode(encode('D', many(count)), 0, count);
      const ivar = memory.decode(encode('D', [...many(count + shift)].slice(shift)), 0, count);
      const own = OWN_MEMORY.badPixels(flux, ivar);
      expect(memory.badPixels(flux, ivar)).toEqual(own);
      expect(memory.badPixels(flux, undefined)).toEqual(OWN_MEMORY.badPixels(flux, undefined));
      if (count > 16) expect(new Set(own)).toEqual(new Set([0, 1]));
    }
  });
});
