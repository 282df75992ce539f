import { decodeNumbers, type EncodedNumbers, NUMBER_BYTES } from '../fits/numbers.ts';
import type { Memory } from './reading.ts';

/** Wavelengths of all pixels of an arm, in the file's order. */
export interface Wavelengths {
  /** [Å], or log10 of it. */
  values: Float64Array;
  isLog10: boolean;
  /** No padding, and rising as `isRising` says: known without looking. */
  isKnownToRise: boolean;
  /** The values belong to other spectra too, and must not be changed. */
  isShared: boolean;
}

/** Wavelengths [Å], or logarithms of them, that belong to the one spectrum. */
export function ownWavelengths(values: Float64Array, isLog10 = false): Wavelengths {
  return { values, isLog10, isKnownToRise: false, isShared: false };
}

/** Rising wavelengths [Å] that many files have alike. */
export function sharedWavelengths(angstrom: Float64Array): Wavelengths {
  return { values: angstrom, isLog10: false, isKnownToRise: true, isShared: true };
}

/** Wavelengths [Å] as the file has them. */
export function encodedWavelengths(encoded: EncodedNumbers | Float64Array, memory: Memory): Wavelengths {
  const shared = encoded instanceof Float64Array ? undefined : sharedGrid(encoded);
  return shared ?? ownWavelengths(decoded(encoded, memory));
}

/** Logarithms (base 10) of the wavelengths [Å] as the file has them. */
export function encodedLog10Wavelengths(encoded: EncodedNumbers | Float64Array, memory: Memory): Wavelengths {
  return ownWavelengths(decoded(encoded, memory), true);
}

function decoded(encoded: EncodedNumbers | Float64Array, memory: Memory): Float64Array {
  return encoded instanceof Float64Array
    ? encoded
    : decodeNumbers(encoded, 0, encoded.length, memory.floats(encoded.length));
}

/** More pixels than any survey's; a longer grid is not kept. */
export const LONGEST_SHARED_GRID = 16_384;

/** A rising grid that was decoded before. */
interface Grid {
  numbers: EncodedNumbers;
  /** What it was decoded from. */
  bytes: Buffer;
  angstrom: Float64Array;
}

/**
 * The grids decoded last. The files of a release begin with the same wavelengths and end some pixels sooner or later: bytes
 * that are equal are compared twenty times faster than they are decoded.
 */
const grids: Grid[] = [];
const GRIDS = 4;

/** `undefined` where the wavelengths lie scattered, or do not rise. */
function sharedGrid(numbers: EncodedNumbers): Wavelengths | undefined {
  const { view, type, offset, stride, length } = numbers;
  if (stride !== NUMBER_BYTES[type] || length > LONGEST_SHARED_GRID) return undefined;
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, length * stride);
  for (const grid of grids) {
    if (!beginsWith(grid, numbers, bytes)) continue;
    const { angstrom } = grid;
    const part = angstrom.length === length ? angstrom : angstrom.subarray(0, length);
    // A part of a grid rises, but it may be one wavelength only.
    return hasTwoWavelengths(part) ? sharedWavelengths(part) : undefined;
  }
  const angstrom = decodeNumbers(numbers, 0, length, new Float64Array(length));
  if (!isRising(angstrom, false)) return undefined;
  grids.push({ numbers: { ...numbers, view: NO_FILE }, bytes: Buffer.from(bytes), angstrom });
  if (grids.length > GRIDS) grids.shift();
  return sharedWavelengths(angstrom);
}

/** In place of a file, which would stay in memory. */
const NO_FILE = new DataView(new ArrayBuffer(0));

function beginsWith(
  grid: Grid,
  { type, scale, zero, nullValue, length }: EncodedNumbers,
  bytes: Uint8Array,
): boolean {
  const { numbers } = grid;
  return (
    length <= numbers.length &&
    type === numbers.type &&
    scale === numbers.scale &&
    zero === numbers.zero &&
    nullValue === numbers.nullValue &&
    grid.bytes.compare(bytes, 0, bytes.length, 0, bytes.length) === 0
  );
}

function hasTwoWavelengths(values: Float64Array): boolean {
  return values.length >= 2 && (values[0] ?? NaN) < (values[values.length - 1] ?? NaN);
}

/** Powers of ten round; logarithms closer than this might swap. */
const LEAST_LOG10_STEP = 1e-12;
const LARGEST_LOG10 = 300;

/**
 * Whether there are two pixels of different wavelengths, every one has a wavelength (finite, above 0), and none is below
 * the one before it.
 */
export function isRising(values: Float64Array, isLog10: boolean): boolean {
  if (!hasTwoWavelengths(values)) return false;
  const least = isLog10 ? -LARGEST_LOG10 : Number.MIN_VALUE;
  const most = isLog10 ? LARGEST_LOG10 : Number.MAX_VALUE;
  let before = least;
  if (isLog10) {
    for (let i = 0; i < values.length; i++) {
      const here = values[i] ?? NaN;
      if (!(here === before || here - before > LEAST_LOG10_STEP)) return false;
      before = here;
    }
  } else {
    for (let i = 0; i < values.length; i++) {
      const here = values[i] ?? NaN;
      if (!(here >= before)) return false;
      before = here;
    }
  }
  return before <= most;
}

/** Index of the first value that is not below `value`, in rising order. */
export function lowerBound(rising: Float64Array, value: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] ?? NaN) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Powers worked out before, each at the place its logarithm is sent to. Surveys take their wavelengths from one grid in
 * log10 Å, in steps of 1e-5 or 1e-4, and a power takes twenty times as long as to look it up.
 */
const POWERS = 16_384;
const logarithms = new Float64Array(POWERS).fill(NaN);
const powers = new Float64Array(POWERS);

/** 10^log10, the same float64 that `**` gives. */
export function powerOf10(log10: number): number {
  const place = (log10 * 1e5 + 0.5) & (POWERS - 1);
  if (logarithms[place] !== log10) {
    logarithms[place] = log10;
    powers[place] = 10 ** log10;
  }
  return powers[place] ?? NaN;
}
