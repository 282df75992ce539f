import type { Arm, Medium } from '../spectra/spectrum.ts';
import { airToVacuum } from './air.ts';
import { byteAt, floatAt, lowerBound } from './elements.ts';

/**
 * The pixels of a spectrum that a grid needs: those from `first` up to `end` of the arrays, several arms joined. One
 * such object serves all spectra of a plan, so that none of them leaves garbage behind.
 */
export interface Pixels {
  /** [Å, vacuum], in the rest frame where that is asked for. */
  wavelengthAngstrom: Float64Array;
  /** The wavelengths are a stretch of memory that many spectra share and nothing changes. */
  haveSharedWavelengths: boolean;
  flux: Float64Array;
  ivar: Float64Array | undefined;
  /** 1 where the file says that a pixel is bad. */
  bad: Uint8Array;
  /** 1 where a pixel is not to be used: `bad`, or nowhere (`bad_pixels: keep`). */
  skipped: Uint8Array;
  first: number;
  end: number;
  /** First pixels of the second and later arms. */
  breaks: number[];
  /** Runs of pixels without an unbridged gap: indices of first and last pixel, both used. */
  segmentFirst: Int32Array;
  segmentLast: Int32Array;
  segments: number;
}

/** Memory that is used again for every spectrum; it grows to the longest one. */
export interface PixelMemory {
  wavelengthAngstrom: Float64Array;
  flux: Float64Array;
  ivar: Float64Array;
  bad: Uint8Array;
  /** All 0. */
  none: Uint8Array;
}

export function emptyPixels(): Pixels {
  return {
    wavelengthAngstrom: new Float64Array(),
    haveSharedWavelengths: false,
    flux: new Float64Array(),
    ivar: undefined,
    bad: new Uint8Array(),
    skipped: new Uint8Array(),
    first: 0,
    end: 0,
    breaks: [],
    segmentFirst: new Int32Array(),
    segmentLast: new Int32Array(),
    segments: 0,
  };
}

export function emptyPixelMemory(): PixelMemory {
  return {
    wavelengthAngstrom: new Float64Array(),
    flux: new Float64Array(),
    ivar: new Float64Array(),
    bad: new Uint8Array(),
    none: new Uint8Array(),
  };
}

export interface Selection {
  arms: readonly Arm[];
  medium: Medium;
  /** 1 + z where wavelengths are shifted to the rest frame, else 1. */
  stretch: number;
  /** The grid's range [Å]: the one arm that covers it is taken, else all arms that touch it. */
  startAngstrom: number;
  endAngstrom: number;
  keepBad: boolean;
}

/** Puts all pixels of the arms that a grid needs into `pixels`. A single arm that needs no conversion is not copied. */
export function selectPixels(pixels: Pixels, memory: PixelMemory, selection: Selection): void {
  const { arms, medium, stretch, startAngstrom, endAngstrom } = selection;
  const inFrame = (angstrom: number) => (medium === 'air' ? airToVacuum(angstrom) : angstrom) / stretch;
  const startsBefore = (arm: Arm, angstrom: number) => inFrame(arm.reachAngstrom[0]) <= angstrom;
  const endsAfter = (arm: Arm, angstrom: number) => inFrame(arm.reachAngstrom[1]) >= angstrom;
  let whole = arms.length === 1 ? arms[0] : undefined;
  for (let i = 0; i < arms.length && !whole; i++) {
    const arm = arms[i];
    if (arm && startsBefore(arm, startAngstrom) && endsAfter(arm, endAngstrom)) whole = arm;
  }
  pixels.breaks.length = 0;
  pixels.first = 0;
  if (whole) takeArm(pixels, whole);
  else {
    const touching = arms.filter((arm) => startsBefore(arm, endAngstrom) && endsAfter(arm, startAngstrom));
    joinArms(pixels, memory, touching.length > 0 ? touching : arms.slice(0, 1));
  }
  if (medium === 'air' || stretch !== 1) {
    const from = pixels.wavelengthAngstrom;
    memory.wavelengthAngstrom = atLeast(memory.wavelengthAngstrom, pixels.end);
    const to = memory.wavelengthAngstrom;
    for (let i = 0; i < pixels.end; i++)
      to[i] = (medium === 'air' ? airToVacuum(floatAt(from, i)) : floatAt(from, i)) / stretch;
    pixels.wavelengthAngstrom = to;
    pixels.haveSharedWavelengths = false;
  }
  if (selection.keepBad && memory.none.length < pixels.end) memory.none = new Uint8Array(2 * pixels.end);
  pixels.skipped = selection.keepBad ? memory.none : pixels.bad;
}

function takeArm(pixels: Pixels, arm: Arm): void {
  pixels.wavelengthAngstrom = arm.wavelengthAngstrom;
  pixels.haveSharedWavelengths = arm.hasSharedWavelengths === true;
  pixels.flux = arm.flux;
  pixels.ivar = arm.ivar;
  pixels.bad = arm.bad;
  pixels.end = arm.flux.length;
}

function joinArms(pixels: Pixels, memory: PixelMemory, arms: readonly Arm[]): void {
  const length = arms.reduce((sum, arm) => sum + arm.flux.length, 0);
  memory.wavelengthAngstrom = atLeast(memory.wavelengthAngstrom, length);
  memory.flux = atLeast(memory.flux, length);
  memory.ivar = atLeast(memory.ivar, length);
  if (memory.bad.length < length) memory.bad = new Uint8Array(2 * length);
  let offset = 0;
  let haveIvar = true;
  for (const arm of arms) {
    if (offset > 0) pixels.breaks.push(offset);
    memory.wavelengthAngstrom.set(arm.wavelengthAngstrom, offset);
    memory.flux.set(arm.flux, offset);
    memory.bad.set(arm.bad, offset);
    if (arm.ivar) memory.ivar.set(arm.ivar, offset);
    else haveIvar = false;
    offset += arm.flux.length;
  }
  pixels.wavelengthAngstrom = memory.wavelengthAngstrom;
  pixels.haveSharedWavelengths = false;
  pixels.flux = memory.flux;
  pixels.ivar = haveIvar ? memory.ivar : undefined;
  pixels.bad = memory.bad;
  pixels.end = length;
}

/** `array`, or a new one at least as long as `length`; what it held is then lost. */
export function atLeast(array: Float64Array, length: number): Float64Array {
  return array.length >= length ? array : new Float64Array(2 * length);
}

/**
 * Narrows the pixels to those from `from` to `to` [Å] and, beyond either end, all up to and with the next two used
 * ones: a grid point at the end then has the same neighbours as in the whole spectrum, and a bin its edges.
 */
export function crop(pixels: Pixels, from: number, to: number): void {
  const { wavelengthAngstrom: wave, skipped } = pixels;
  let first = lowerBound(wave, from, pixels.first, pixels.end);
  let used = 0;
  while (first > pixels.first && used < 2) if (byteAt(skipped, --first) === 0) used++;
  let end = lowerBound(wave, to, pixels.first, pixels.end);
  while (end < pixels.end && floatAt(wave, end) === to) end++;
  used = 0;
  while (end < pixels.end && used < 2) if (byteAt(skipped, end++) === 0) used++;
  pixels.first = first;
  pixels.end = end;
}

export function startsArm(pixels: Pixels, i: number): boolean {
  const { breaks } = pixels;
  for (let k = 0; k < breaks.length; k++) if (breaks[k] === i) return true;
  return false;
}

/** Whether a line may be drawn from used pixel `a` to the next used one, `b`. */
export function isBridged({ breaks }: Pixels, a: number, b: number, maxGap: number): boolean {
  if (b - a - 1 > maxGap) return false;
  for (let k = 0; k < breaks.length; k++) {
    const first = breaks[k] ?? NaN;
    if (a < first && first <= b) return false;
  }
  return true;
}

/** Finds the segments: every used pixel lies in one, and gaps that are bridged lie within. */
export function findSegments(pixels: Pixels, maxGap: number): void {
  const { skipped, first, end } = pixels;
  let segments = 0;
  let before = -1;
  for (let i = first; i < end; i++) {
    if (byteAt(skipped, i) !== 0) continue;
    const joined =
      before >= 0 &&
      (i === before + 1 && pixels.breaks.length === 0 ? true : isBridged(pixels, before, i, maxGap));
    if (!joined) {
      if (segments === pixels.segmentFirst.length) {
        pixels.segmentFirst = longer(pixels.segmentFirst);
        pixels.segmentLast = longer(pixels.segmentLast);
      }
      pixels.segmentFirst[segments] = i;
      segments++;
    }
    pixels.segmentLast[segments - 1] = i;
    before = i;
  }
  pixels.segments = segments;
}

function longer(array: Int32Array): Int32Array {
  const grown = new Int32Array(Math.max(16, 2 * array.length));
  grown.set(array);
  return grown;
}
