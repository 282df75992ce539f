import { describe, expect, it } from 'vitest';
import {
  areZero,
  decodeNumbers,
  type EncodedNumbers,
  NUMBER_BYTES,
  type NumberType,
  partOf,
} from './numbers.ts';

/** `values` as they lie in a file, `stride` bytes apart, after three bytes of something else. */
function encode(type: NumberType, values: number[], stride = NUMBER_BYTES[type]): EncodedNumbers {
  const offset = 3;
  const view = new DataView(new ArrayBuffer(offset + values.length * stride));
  for (const [i, value] of values.entries()) {
    const at = offset + i * stride;
    if (type === 'B') view.setUint8(at, value);
    else if (type === 'I') view.setInt16(at, value);
    else if (type === 'J') view.setInt32(at, value);
    else if (type === 'K') view.setBigInt64(at, BigInt(value));
    else if (type === 'E') view.setFloat32(at, value);
    else view.setFloat64(at, value);
  }
  return { view, type, offset, stride, length: values.length, scale: 1, zero: 0, nullValue: undefined };
}

const decode = (numbers: EncodedNumbers, first = 0, end = numbers.length): number[] => [
  ...decodeNumbers(numbers, first, end, new Float64Array(end - first)),
];

describe('decodeNumbers', () => {
  // Few are read one by one, many at once, very many in several goes.
  it.each([5, 511, 512, 9000])('reads %d numbers of every type, close together and scattered', (count) => {
    for (const type of ['B', 'I', 'J', 'K', 'E', 'D'] as const) {
      const values = Array.from({ length: count }, (_, i) =>
        type === 'B' ? i % 251 : (i % 7919) - 0.5 * count,
      );
      if (type === 'E' || type === 'D') values[count - 1] = NaN;
      else for (const [i, value] of values.entries()) values[i] = Math.floor(value);
      expect(decode(encode(type, values))).toEqual(values);
      expect(decode(encode(type, values, 20))).toEqual(values);
      expect(decode(encode(type, values), 3, count)).toEqual(values.slice(3));
      expect(decode(partOf(encode(type, values), 2, 3), 1, 3)).toEqual(values.slice(3, 5));
    }
  });

  it('scales, and makes NaN of what means no value', () => {
    expect(decode({ ...encode('I', [1, -1, 3]), scale: 2, zero: 10, nullValue: -1 })).toEqual([12, NaN, 16]);
  });

  it('writes no more than it was asked for', () => {
    const into = new Float64Array(4).fill(7);
    decodeNumbers({ ...encode('I', [1, 2, 3, 4]), scale: 2 }, 0, 2, into);
    expect([...into]).toEqual([2, 4, 7, 7]);
  });
});

describe('areZero', () => {
  const zeros = Array.from({ length: 100 }, () => 0);

  it('tells numbers that are all 0', () => {
    expect(areZero(encode('E', zeros), 0, 100)).toBe(true);
    expect(areZero(encode('D', [1, ...zeros, 1]), 1, 101)).toBe(true);
  });

  it('and no others', () => {
    expect(areZero(encode('D', [...zeros, 5e-324]), 0, 101)).toBe(false);
    expect(areZero({ ...encode('J', zeros), zero: 1 }, 0, 100)).toBe(false);
    expect(areZero({ ...encode('J', zeros), nullValue: 0 }, 0, 100)).toBe(false);
    expect(areZero(encode('J', zeros, 8), 0, 100)).toBe(false);
  });
});
