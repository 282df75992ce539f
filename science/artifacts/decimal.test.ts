import { expect, it } from 'vitest';
import { Random } from '../cnn/random.ts';
import { shortestFloat32 } from './decimal.ts';

/** Smaller ones have fewer digits. */
const LEAST_NORMAL = 2 ** -126;

it('writes decimals that are the same float32 again, and none of fewer digits is', () => {
  const random = new Random(1);
  const bits = new Uint32Array(1);
  const asFloat = new Float32Array(bits.buffer);
  const wrong: string[] = [];
  for (let i = 0; i < 5000; i++) {
    if (i % 2 === 0) asFloat[0] = random.uniform() * 2 - 1;
    else bits[0] = random.uint32();
    const value = asFloat[0] ?? 0;
    if (!Number.isFinite(value) || Math.abs(value) < LEAST_NORMAL) continue;
    const text = shortestFloat32(value);
    const digits = text
      .replace(/e.*/, '')
      .replace(/^-?0*\.?0*/, '')
      .replace('.', '')
      .replace(/0+$/, '').length;
    const isShorter = digits > 1 && Math.fround(Number(value.toPrecision(digits - 1))) === value;
    if (Math.fround(Number(text)) !== value || isShorter) wrong.push(text);
  }
  expect(wrong).toEqual([]);
});

it.each([
  [0, '0'],
  [-1, '-1'],
  [Math.fround(0.1), '0.1'],
  [Math.fround(1 / 3), '0.33333334'],
  [16_777_216, '16777216'],
  [Math.fround(1e-30), '1e-30'],
])('writes %d as %s', (value, text) => expect(shortestFloat32(value)).toBe(text));
