import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

// Vitest compares typed arrays value by value, through general code: seconds for a spectrum. Node does it in a moment, and means
// the same: NaN equals NaN, 0 is not -0.
const ADDED = Symbol.for('spectrolabe: equality of typed arrays');
// Files of the unit tests share processes.
if (!Reflect.has(globalThis, ADDED)) {
  Reflect.set(globalThis, ADDED, true);
  expect.addEqualityTesters([
    (one: unknown, other: unknown) =>
      ArrayBuffer.isView(one) &&
      ArrayBuffer.isView(other) &&
      Object.getPrototypeOf(one) === Object.getPrototypeOf(other)
        ? isDeepStrictEqual(one, other)
        : undefined,
  ]);
}
