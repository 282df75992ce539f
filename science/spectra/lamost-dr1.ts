import { FitsError } from '../fits/error.ts';
import { imageArm, lamostImage, lamostMetadata } from './lamost.ts';
import { armReading } from './arm.ts';
import type { Loader } from './loader.ts';
import {
  isRising,
  LONGEST_SHARED_GRID,
  ownWavelengths,
  sharedWavelengths,
  type Wavelengths,
} from './wavelengths.ts';

/**
 * LAMOST DR1, low resolution: an image of five rows, EXTEN0 "Flux Inverse Subcontinuum Andmask Ormask". No row is
 * wavelength: that is 10^(COEFF0 + COEFF1·i) Å, vacuum. (Row 2, where later releases keep it, is near 1 here.)
 */
export const lamostDr1: Loader = {
  layout: 'lamost-dr1',
  identify: (file) => lamostImage(file, /subcont/i) !== undefined,
  read: (file, reading) => {
    const hdu = lamostImage(file, /subcont/i);
    if (!hdu) throw new FitsError('not-a-spectrum', 'no image of LAMOST DR1');
    const start = hdu.header.number('COEFF0');
    const step = hdu.header.number('COEFF1');
    if (start === undefined || step === undefined || step === 0) {
      throw new FitsError('garbled', 'COEFF0 and COEFF1 do not give the wavelengths', hdu.index);
    }
    const metadata = lamostMetadata(hdu.header);
    return {
      layout: 'lamost-dr1',
      medium: 'vacuum',
      arms: [imageArm(hdu, armReading(reading, metadata), (pixels) => logGrid(start, step, pixels))],
      metadata,
    };
  },
};

/** The grid made last: the files of a release share theirs, and 3,904 powers cost more than all the rest of a file. */
let last = { start: NaN, step: NaN, angstrom: new Float64Array(0) };

/** 10^(start + step·i) Å. */
function logGrid(start: number, step: number, pixels: number): Wavelengths {
  if (last.start !== start || last.step !== step || last.angstrom.length < pixels) {
    const angstrom = new Float64Array(pixels);
    for (let i = 0; i < pixels; i++) angstrom[i] = 10 ** (start + step * i);
    if (!isRising(angstrom, false) || pixels > LONGEST_SHARED_GRID) return ownWavelengths(angstrom);
    last = { start, step, angstrom };
  }
  const { angstrom } = last;
  return sharedWavelengths(pixels === angstrom.length ? angstrom : angstrom.subarray(0, pixels));
}
