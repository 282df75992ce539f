import { FitsError } from '../fits/error.ts';
import { fromLog10 } from './arm.ts';
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
      arms: [imageArm(hdu, (flux) => fromLog10(flux.map((_, i) => start + step * i)))],
      metadata: lamostMetadata(hdu.header),
    };
  },
};
