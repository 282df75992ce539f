import { FitsError } from './error.ts';
import { type Hdu, hduData } from './file.ts';
import { decodeNumbers, type EncodedNumbers, NUMBER_BYTES, type NumberType } from './numbers.ts';

export type ImageArray =
  | Uint8Array
  | Int8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array;

interface Scaling {
  scale: number;
  zero: number;
  /** Raw integer that means "no value". */
  blank?: number;
}

function scalingOf(hdu: Hdu): Scaling {
  const blank = hdu.bitpix > 0 ? hdu.header.number('BLANK') : undefined;
  return {
    scale: hdu.header.number('BSCALE') ?? 1,
    zero: hdu.header.number('BZERO') ?? 0,
    ...(blank === undefined ? {} : { blank }),
  };
}

/** Product of the axes, as far as `hduData` has found the bytes for. */
function valueCount(hdu: Hdu): number {
  return hdu.axes.length === 0 ? 0 : hdu.axes.reduce((product, length) => product * length, 1);
}

function numberType(hdu: Hdu): NumberType {
  switch (hdu.bitpix) {
    case 8:
      return 'B';
    case 16:
      return 'I';
    case 32:
      return 'J';
    case 64:
      return 'K';
    case -32:
      return 'E';
    default:
      return 'D';
  }
}

/**
 * `count` values of an image from value `first` on (NAXIS1 runs fastest), not yet decoded; BLANK is "no value".
 * @throws FitsError when the HDU is no image, or has no such values
 */
export function encodedPixels(hdu: Hdu, first: number, count: number): EncodedNumbers {
  checkIsImage(hdu);
  const view = hduData(hdu);
  if (first < 0 || count < 0 || first + count > valueCount(hdu)) {
    throw new FitsError(
      'garbled',
      `no values ${first} to ${first + count} in an image of ${valueCount(hdu)}`,
      hdu.index,
    );
  }
  const { scale, zero, blank } = scalingOf(hdu);
  const type = numberType(hdu);
  const stride = NUMBER_BYTES[type];
  return { view, type, offset: first * stride, stride, length: count, scale, zero, nullValue: blank };
}

/**
 * The same, decoded: scaled, as numbers; BLANK becomes NaN. Integers of 64 bits beyond 2^53 are rounded.
 * @throws FitsError when the HDU is no image, or has no such values
 */
export function readPixels(hdu: Hdu, first: number, count: number): Float64Array {
  return decodeNumbers(encodedPixels(hdu, first, count), 0, count, new Float64Array(count));
}

/**
 * All values of an image in their own type: unsigned integers (BZERO 2^15, 2^31, 2^63) and signed bytes (BZERO −128)
 * exactly, other scaled integers and those with BLANK as float64.
 * @throws FitsError when the HDU is no image or the file does not hold its data
 */
export function readImage(hdu: Hdu): ImageArray {
  checkIsImage(hdu);
  const view = hduData(hdu);
  const count = valueCount(hdu);
  const { scale, zero, blank } = scalingOf(hdu);
  const plain = scale === 1 && zero === 0;
  if (scale === 1 && blank === undefined && hdu.bitpix > 0) {
    if (plain || zero === (hdu.bitpix === 8 ? -128 : 2 ** (hdu.bitpix - 1))) {
      return readIntegers(view, hdu.bitpix, count, !plain);
    }
  }
  if (plain && hdu.bitpix === -32) return Float32Array.from(readPixels(hdu, 0, count));
  return readPixels(hdu, 0, count);
}

/** `shifted`: the sign bit is flipped, which is what adding 2^(n−1) means in n bits. */
function readIntegers(view: DataView, bitpix: number, count: number, shifted: boolean): ImageArray {
  switch (bitpix) {
    case 8: {
      const bytes = new Uint8Array(view.buffer, view.byteOffset, count);
      return shifted ? Int8Array.from(bytes, (byte) => byte - 128) : Uint8Array.from(bytes);
    }
    case 16: {
      const values = shifted ? new Uint16Array(count) : new Int16Array(count);
      for (let i = 0; i < count; i++) values[i] = view.getInt16(2 * i) + (shifted ? 2 ** 15 : 0);
      return values;
    }
    case 32: {
      const values = shifted ? new Uint32Array(count) : new Int32Array(count);
      for (let i = 0; i < count; i++) values[i] = view.getInt32(4 * i) + (shifted ? 2 ** 31 : 0);
      return values;
    }
    default: {
      const values = shifted ? new BigUint64Array(count) : new BigInt64Array(count);
      for (let i = 0; i < count; i++) values[i] = view.getBigInt64(8 * i) + (shifted ? 2n ** 63n : 0n);
      return values;
    }
  }
}

function checkIsImage(hdu: Hdu): void {
  if (hdu.kind !== 'image') throw new FitsError('unsupported', `it is no image but ${hdu.kind}`, hdu.index);
}
