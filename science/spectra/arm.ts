import { FitsError } from '../fits/error.ts';
import type { Arm } from './spectrum.ts';

export interface ArmPixels {
  name: string;
  wavelengthAngstrom: Float64Array;
  flux: Float64Array;
  ivar?: Float64Array;
  /** Not 0 where the layout's own mask says that a pixel is bad. */
  mask?: Float64Array;
}

/**
 * Makes an arm of a file's pixels: drops those without a wavelength (not finite, or not above 0: padding), turns
 * falling wavelengths round, and marks the bad pixels (IVAR=0 or not finite, flux not finite, masked).
 * @throws FitsError `not-a-spectrum` when fewer than two pixels remain or the wavelengths are in no order
 */
export function makeArm(pixels: ArmPixels): Arm {
  const { name, wavelengthAngstrom: wave, flux, ivar, mask } = withWavelength(pixels);
  if (wave.length < 2) throw new FitsError('not-a-spectrum', `${wave.length} pixels with a wavelength`);
  if ((wave[0] ?? 0) > (wave[wave.length - 1] ?? 0)) {
    wave.reverse();
    flux.reverse();
    ivar?.reverse();
    mask?.reverse();
  }
  const bad = new Uint8Array(wave.length);
  let before = 0;
  for (let i = 0; i < wave.length; i++) {
    const here = wave[i] ?? NaN;
    if (here < before) throw new FitsError('not-a-spectrum', `wavelengths rise and fall (at pixel ${i + 1})`);
    before = here;
    // A number less itself is 0 unless it is infinite or NaN; this loop is hot.
    const value = flux[i] ?? NaN;
    if (value - value !== 0) bad[i] = 1;
  }
  if (before === wave[0]) throw new FitsError('not-a-spectrum', `every wavelength is ${before} Å`);
  if (ivar) {
    for (let i = 0; i < bad.length; i++) {
      const weight = ivar[i] ?? NaN;
      if (weight === 0 || weight - weight !== 0) bad[i] = 1;
    }
  }
  if (mask) for (let i = 0; i < bad.length; i++) if (mask[i] !== 0) bad[i] = 1;
  return { name, wavelengthAngstrom: wave, flux, ...(ivar ? { ivar } : {}), bad };
}

function withWavelength(pixels: ArmPixels): ArmPixels {
  const wave = pixels.wavelengthAngstrom;
  let dropped = 0;
  for (let i = 0; i < wave.length; i++) if (!isWavelength(wave[i])) dropped++;
  if (dropped === 0) return pixels;
  const keep = (_: number, i: number): boolean => isWavelength(wave[i]);
  return {
    name: pixels.name,
    wavelengthAngstrom: wave.filter(isWavelength),
    flux: pixels.flux.filter(keep),
    ...(pixels.ivar ? { ivar: pixels.ivar.filter(keep) } : {}),
    ...(pixels.mask ? { mask: pixels.mask.filter(keep) } : {}),
  };
}

function isWavelength(value: number | undefined): boolean {
  return value !== undefined && value > 0 && value < Infinity;
}

/** Wavelength [Å] of log10(wavelength [Å]), in place. */
export function fromLog10(logWavelength: Float64Array): Float64Array {
  for (let i = 0; i < logWavelength.length; i++) logWavelength[i] = 10 ** (logWavelength[i] ?? NaN);
  return logWavelength;
}
