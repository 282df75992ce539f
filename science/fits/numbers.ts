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

/** `length` of the numbers, from `first` on. */
export function partOf(
  { view, type, offset, stride, scale, zero, nullValue }: EncodedNumbers,
  first: number,
  length: number,
): EncodedNumbers {
  return { view, type, offset: offset + first * stride, stride, length, scale, zero, nullValue };
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
  const at = offset + first * stride;
  if (type === 'E' && stride === 4 && count >= LEAST_SWAPPED)
    decodeSwapped(view, at, into, count, SWAPPED_FLOATS);
  else if (type === 'D' && stride === 8 && count >= LEAST_SWAPPED) {
    decodeSwapped(view, at, into, count, SWAPPED_DOUBLES);
  } else decodeRaw(view, type, at, stride, into, 0, count);
  finishNumbers(into, count, scale, zero, nullValue);
  return into;
}

/** From so many numbers on, swapping all their bytes at once is faster than a DataView. */
const LEAST_SWAPPED = 512;
const SWAPPED_BYTES = 32_768;

const swapBytes = Buffer.alloc(SWAPPED_BYTES);
const SWAPPED_FLOATS = new Float32Array(swapBytes.buffer, swapBytes.byteOffset, SWAPPED_BYTES / 4);
const SWAPPED_DOUBLES = new Float64Array(swapBytes.buffer, swapBytes.byteOffset, SWAPPED_BYTES / 8);

/** Floats that lie one after the other, by way of `swapped`, which lies in `swapBytes`. */
function decodeSwapped(
  view: DataView,
  at: number,
  into: Float64Array,
  count: number,
  swapped: Float32Array | Float64Array,
): void {
  const size = swapped.BYTES_PER_ELEMENT;
  for (let done = 0; done < count; done += swapped.length) {
    const values = Math.min(count - done, swapped.length);
    const bytes = swapBytes.subarray(0, values * size);
    bytes.set(new Uint8Array(view.buffer, view.byteOffset + at + done * size, values * size));
    if (size === 4) bytes.swap32();
    else bytes.swap64();
    into.set(values === swapped.length ? swapped : swapped.subarray(0, values), done);
  }
}

const ZEROS = Buffer.alloc(SWAPPED_BYTES);

/**
 * Whether the numbers from `first` to before `end` are told to be 0 by their bytes, without decoding: `false` may mean that
 * it is not known.
 */
export function areZero(numbers: EncodedNumbers, first: number, end: number): boolean {
  const { view, type, offset, stride, zero, nullValue } = numbers;
  const size = (end - first) * stride;
  if (stride !== NUMBER_BYTES[type] || size > ZEROS.length || zero !== 0 || nullValue === 0) return false;
  const at = view.byteOffset + offset + first * stride;
  return ZEROS.compare(new Uint8Array(view.buffer, at, size), 0, size, 0, size) === 0;
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
