import { FitsError } from '../fits/error.ts';

const ANGSTROM_PER: Record<string, number> = {
  angstrom: 1,
  angstroms: 1,
  ang: 1,
  a: 1,
  å: 1,
  '0.1nm': 1,
  '0.1 nm': 1,
  nm: 10,
  nanometer: 10,
  nanometers: 10,
  nanometre: 10,
  um: 1e4,
  µm: 1e4,
  micron: 1e4,
  microns: 1e4,
  micrometer: 1e4,
  mm: 1e7,
  cm: 1e8,
  m: 1e10,
  meter: 1e10,
};

/** How many Å one `unit` is; `undefined` when it is no unit of length. */
export function angstromPer(unit: string): number | undefined {
  return ANGSTROM_PER[unit.toLowerCase().trim()];
}

/** Below this a wavelength without a unit may be one in nm or µm. */
const LEAST_ANGSTROM_WITHOUT_UNIT = 1000;

/**
 * Turns wavelengths into Å, in place. Without a unit they are taken for Å, as IRAF does, but only where they cannot be
 * optical wavelengths in nm or µm, or the logarithm of one.
 * @throws FitsError `not-a-spectrum` when the unit is no length, or is missing and the values do not tell
 */
export function toAngstrom(wavelengths: Float64Array, unit: string | undefined, from: string): Float64Array {
  if (unit === undefined) {
    const middle = wavelengths[wavelengths.length >> 1] ?? NaN;
    if (!(middle >= LEAST_ANGSTROM_WITHOUT_UNIT)) {
      throw new FitsError(
        'not-a-spectrum',
        `${from} has no unit, and values like ${middle.toPrecision(5)} do not tell it`,
      );
    }
    return wavelengths;
  }
  const factor = angstromPer(unit);
  if (factor === undefined)
    throw new FitsError('not-a-spectrum', `${from} is in ${unit}, which is no wavelength`);
  if (factor !== 1)
    for (let i = 0; i < wavelengths.length; i++) wavelengths[i] = (wavelengths[i] ?? NaN) * factor;
  return wavelengths;
}
