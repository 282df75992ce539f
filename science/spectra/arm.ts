import { areZero, decodeNumbers, type EncodedNumbers } from '../fits/numbers.ts';
import { FitsError } from '../fits/error.ts';
import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import { isBadFlux, isBadIvar } from './bad-pixels.ts';
import { type Memory, OWN_MEMORY, type Reading } from './reading.ts';
import type { Arm } from './spectrum.ts';
import { isRising, lowerBound, ownWavelengths, powerOf10, type Wavelengths } from './wavelengths.ts';

/** One value a pixel, decoded or not yet. */
export type PixelValues = EncodedNumbers | Float64Array;

/** All pixels of an arm, in the file's order; all of one length. */
export interface ArmPixels {
  name: string;
  wavelengths: Wavelengths;
  flux: PixelValues;
  ivar?: PixelValues;
  /** Not 0 where the layout's own mask says that a pixel is bad. */
  mask?: PixelValues;
  /** Bits of the mask that count; absent: all, and a mask without a value too. */
  maskBits?: number;
}

/** What to keep of an arm: the pixels that `range` [Å] needs, all of them when absent. */
export interface ArmReading {
  range: readonly [fromAngstrom: number, toAngstrom: number] | undefined;
  memory: Memory;
}

/**
 * Wavelengths in air and in vacuum differ by less (Ciddor 1996). Files that are in air, do not say, or are declared wrong
 * are thus served by a range in vacuum.
 */
const AIR_MARGIN = 3e-4;

/** What `reading` asks of the arms of a spectrum with this metadata. */
export function armReading({ neededRange, memory }: Reading, metadata: SpectrumMetadata): ArmReading {
  const range = neededRange?.(metadata);
  return {
    range: range && [range[0] * (1 - AIR_MARGIN), range[1] * (1 + AIR_MARGIN)],
    memory,
  };
}

/**
 * Makes an arm of a file's pixels: drops those without a wavelength (not finite, or not above 0: padding), turns
 * falling wavelengths round, and marks the bad pixels (IVAR=0 or not finite, flux not finite, masked). The order of all
 * wavelengths is checked, whatever part of the arm is kept.
 * @throws FitsError `not-a-spectrum` when fewer than two pixels remain or the wavelengths are in no order
 */
export function makeArm(pixels: ArmPixels, reading: ArmReading): Arm {
  const { values, isLog10, isKnownToRise } = pixels.wavelengths;
  return isKnownToRise || isRising(values, isLog10)
    ? takeArm(pixels, reading)
    : takeArm(inOrder(pixels), reading);
}

function takeArm({ name, wavelengths, flux, ivar, mask, maskBits }: ArmPixels, reading: ArmReading): Arm {
  const { memory } = reading;
  const { values } = wavelengths;
  const isBad = (pixel: number): boolean =>
    isBadFlux(valueAt(flux, pixel)) ||
    (ivar !== undefined && isBadIvar(valueAt(ivar, pixel))) ||
    (mask !== undefined && isMasked(valueAt(mask, pixel), maskBits));
  const [first, end] = reading.range ? neededPixels(wavelengths, reading.range, isBad) : [0, values.length];
  const reachAngstrom = [angstromAt(wavelengths, 0), angstromAt(wavelengths, values.length - 1)] as const;
  const wavelengthAngstrom = takeWavelengths(wavelengths, first, end, memory);
  const takenFlux = take(flux, first, end, memory);
  const takenIvar = ivar && take(ivar, first, end, memory);
  const isMaskEmpty = !mask || (!(mask instanceof Float64Array) && areZero(mask, first, end));
  const takenMask = isMaskEmpty ? undefined : take(mask, first, end, memory);
  const bad = memory.badPixels(takenFlux, takenIvar);
  if (takenMask) for (let i = 0; i < bad.length; i++) if (isMasked(takenMask[i] ?? NaN, maskBits)) bad[i] = 1;
  const arm: Arm = { name, wavelengthAngstrom, reachAngstrom, flux: takenFlux, bad };
  if (takenIvar) arm.ivar = takenIvar;
  if (wavelengths.isShared && memory.isReused) arm.hasSharedWavelengths = true;
  return arm;
}

function isMasked(mask: number, bits: number | undefined): boolean {
  return bits === undefined ? mask !== 0 : (mask & bits) !== 0;
}

const GOOD_PIXELS_BEYOND = 2;

/** Logarithms round, so that a pixel just at an end of the range is taken for one in it. */
const LOG10_MARGIN = 1e-12;

/** The pixels in the range, and those beyond its ends up to and with the second good one: [first, end). */
function neededPixels(
  { values, isLog10 }: Wavelengths,
  [fromAngstrom, toAngstrom]: readonly [number, number],
  isBad: (pixel: number) => boolean,
): [number, number] {
  const from = isLog10 ? Math.log10(Math.max(fromAngstrom, 0)) - LOG10_MARGIN : fromAngstrom;
  const to = isLog10 ? Math.log10(Math.max(toAngstrom, 0)) + LOG10_MARGIN : toAngstrom;
  let first = lowerBound(values, from);
  let end = Math.max(first, lowerBound(values, to));
  while (end < values.length && (values[end] ?? NaN) <= to) end++;
  for (let good = 0; first > 0 && good < GOOD_PIXELS_BEYOND;) if (!isBad(--first)) good++;
  for (let good = 0; end < values.length && good < GOOD_PIXELS_BEYOND;) if (!isBad(end++)) good++;
  return [first, end];
}

function angstromAt({ values, isLog10 }: Wavelengths, pixel: number): number {
  const value = values[pixel] ?? NaN;
  return isLog10 ? powerOf10(value) : value;
}

function takeWavelengths(wavelengths: Wavelengths, first: number, end: number, memory: Memory): Float64Array {
  const { values, isLog10, isShared } = wavelengths;
  if (!isLog10)
    return isShared && !memory.isReused ? values.slice(first, end) : take(values, first, end, memory);
  const angstrom = memory.floats(end - first);
  for (let i = 0; i < angstrom.length; i++) angstrom[i] = powerOf10(values[first + i] ?? NaN);
  return angstrom;
}

/** The values from `first` to before `end`; a part never keeps the whole in memory. */
function take(values: PixelValues, first: number, end: number, memory: Memory): Float64Array {
  if (!(values instanceof Float64Array)) return memory.decode(values, first, end);
  if (first === 0 && end === values.length) return values;
  return memory.isReused ? values.subarray(first, end) : values.slice(first, end);
}

const oneValue = new Float64Array(1);

function valueAt(values: PixelValues, pixel: number): number {
  const decoded =
    values instanceof Float64Array ? values[pixel] : decodeNumbers(values, pixel, pixel + 1, oneValue)[0];
  return decoded ?? NaN;
}

/** The pixels with a wavelength, in rising order of it, decoded. */
function inOrder(pixels: ArmPixels): ArmPixels {
  const { name, wavelengths, flux, ivar, mask, maskBits } = pixels;
  const { values } = wavelengths;
  const all = wavelengths.isLog10 ? values.map((log) => 10 ** log) : values;
  const keep = (_: number, i: number): boolean => isWavelength(all[i] ?? NaN);
  const whole = (source: PixelValues): Float64Array =>
    take(source, 0, source.length, OWN_MEMORY).filter(keep);
  const wave = all.filter(isWavelength);
  const ordered = [wave, whole(flux), ivar && whole(ivar), mask && whole(mask)] as const;
  if (wave.length < 2) throw new FitsError('not-a-spectrum', `${wave.length} pixels with a wavelength`);
  if ((wave[0] ?? 0) > (wave[wave.length - 1] ?? 0)) for (const array of ordered) array?.reverse();
  let before = 0;
  for (const [i, here] of wave.entries()) {
    if (here < before) throw new FitsError('not-a-spectrum', `wavelengths rise and fall (at pixel ${i + 1})`);
    before = here;
  }
  if (before === wave[0]) throw new FitsError('not-a-spectrum', `every wavelength is ${before} Å`);
  const [, orderedFlux, orderedIvar, orderedMask] = ordered;
  return {
    name,
    wavelengths: ownWavelengths(wave),
    flux: orderedFlux,
    ...(orderedIvar && { ivar: orderedIvar }),
    ...(orderedMask && { mask: orderedMask }),
    ...(maskBits !== undefined && { maskBits }),
  };
}

function isWavelength(value: number): boolean {
  return value > 0 && value < Infinity;
}
