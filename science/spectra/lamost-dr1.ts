import { FitsError } from '../fits/error.ts';
import { imageArm, lamostImage, lamostMetadata } from './lamost.ts';
import type { Loader } from './loader.ts';

/**
 * LAMOST DR1, low resolution: an image of five rows, EXTEN0 "Flux Inverse Subcontinuum Andmask Ormask". No row is
 * wavelength: that is 10^(COEFF0 + COEFF1·i) Å, vacuum. (Row 2, where later releases keep it, is near 1 here.)
 */
export const lamostDr1: Loader = {
  layout: 'lamost-dr1',
  identify: (file) => lamostImage(file, 'subcont') !== undefined,
  read: (file) => {
    const hdu = lamostImage(file, 'subcont');
    if (!hdu) throw new FitsError('not-a-spectrum', 'no image of LAMOST DR1');
    const start = hdu.header.number('COEFF0');
    const step = hdu.header.number('COEFF1');
    if (start === undefined || step === undefined || step === 0) {
      throw new FitsError('garbled', 'COEFF0 and COEFF1 do not give the wavelengths', hdu.index);
    }
    return {
      layout: 'lamost-dr1',
      medium: 'vacuum',
      arms: [imageArm(hdu, (flux) => logGrid(start, step, flux.length))],
      metadata: lamostMetadata(hdu.header),
    };
  },
};

/** The grid made last: the files of a release share theirs, and 3,904 powers cost more than all the rest of a file. */
let last = { start: NaN, step: NaN, wavelengthAngstrom: new Float64Array(0) };

/** 10^(start + step·i) Å; a copy that belongs to the caller. */
function logGrid(start: number, step: number, length: number): Float64Array {
  if (last.start !== start || last.step !== step || last.wavelengthAngstrom.length !== length) {
    const wavelengthAngstrom = new Float64Array(length);
    for (let i = 0; i < length; i++) wavelengthAngstrom[i] = 10 ** (start + step * i);
    last = { start, step, wavelengthAngstrom };
  }
  return last.wavelengthAngstrom.slice();
}
