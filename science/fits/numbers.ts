/** TFORM letters of the numbers that are one value each: bytes, integers of 16, 32 and 64 bits, floats of 32 and 64. */
export type NumberType = 'B' | 'I' | 'J' | 'K' | 'E' | 'D';

export const NUMBER_BYTES: Readonly<Record<NumberType, number>> = { B: 1, I: 2, J: 4, K: 8, E: 4, D: 8 };

/** Numbers as they lie in a file, a row of an image or a column of a table: decoded when asked for. */
export interface EncodedNumbers {
  /** Holds all of them. */
  view: DataView;
  type: NumberType;
  /** Where the first one is [bytes]. */
  offset: number;
  /** From one to the next [bytes]. */
  stride: number;
  length: number;
  scale: number;
  zero: number;
  /** Raw integer that means "no value". */
  nullValue: number | undefined;
}

/**
 * Decodes the numbers from `first` to before `end` into the beginning of `into`, as zero + scale·raw; "no value" becomes
 * NaN, integers of 64 bits beyond 2^53 are rounded. Returns `into`.
 */
export function decodeNumbers(
  { view, type, offset, stride, scale, zero, nullValue }: EncodedNumbers,
  first: number,
  end: number,
  into: Float64Array,
): Float64Array {
  const count = end - first;
  decodeRaw(view, type, offset + first * stride, stride, into, 0, count);
  finishNumbers(into, count, scale, zero, nullValue);
  return into;
}

/** Decodes `count` numbers from byte `at` on, unscaled, into `values` from `start` on. */
export function decodeRaw(
  view: DataView,
  type: NumberType,
  at: number,
  stride: number,
  values: Float64Array,
  start: number,
  count: number,
): void {
  const end = start + count;
  switch (type) {
    case 'E':
      for (let i = start; i < end; i++, at += stride) values[i] = view.getFloat32(at);
      break;
    case 'D':
      for (let i = start; i < end; i++, at += stride) values[i] = view.getFloat64(at);
      break;
    case 'I':
      for (let i = start; i < end; i++, at += stride) values[i] = view.getInt16(at);
      break;
    case 'J':
      for (let i = start; i < end; i++, at += stride) values[i] = view.getInt32(at);
      break;
    case 'K':
      for (let i = start; i < end; i++, at += stride) values[i] = Number(view.getBigInt64(at));
      break;
    case 'B':
      for (let i = start; i < end; i++, at += stride) values[i] = view.getUint8(at);
      break;
  }
}

/** Makes values of the first `count` raw numbers, in place. */
export function finishNumbers(
  values: Float64Array,
  count: number,
  scale: number,
  zero: number,
  nullValue: number | undefined,
): void {
  if (nullValue !== undefined) {
    for (let i = 0; i < count; i++) if (values[i] === nullValue) values[i] = NaN;
  }
  if (scale !== 1 || zero !== 0) {
    for (let i = 0; i < count; i++) values[i] = zero + scale * (values[i] ?? NaN);
  }
}
