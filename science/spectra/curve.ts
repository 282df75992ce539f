import type { Arm } from './spectrum.ts';

/** A spectrum as it is drawn. Both arrays have the same length; a point that is not finite interrupts the line. */
export interface Curve {
  /** [Å] */
  wave: Float64Array;
  flux: Float64Array;
}

const firstWavelength = (arm: Arm): number => arm.wavelengthAngstrom[0] ?? Infinity;

/** The arms in order of wavelength. */
export function armsInOrder(arms: readonly Arm[]): Arm[] {
  return arms.toSorted((a, b) => firstWavelength(a) - firstWavelength(b));
}

/** The arms in order of wavelength as one curve, with a point without flux (NaN) in the middle of each gap. */
export function joinArms(arms: readonly Arm[]): Curve {
  const wave: number[] = [];
  const flux: number[] = [];
  for (const arm of armsInOrder(arms)) {
    const last = wave.at(-1);
    if (last !== undefined && arm.flux.length > 0) {
      wave.push((last + firstWavelength(arm)) / 2);
      flux.push(Number.NaN);
    }
    for (const wavelength of arm.wavelengthAngstrom) wave.push(wavelength);
    for (const value of arm.flux) flux.push(value);
  }
  return { wave: Float64Array.from(wave), flux: Float64Array.from(flux) };
}
