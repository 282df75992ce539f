import { FitsError } from '../fits/error.ts';
import { imageArm, lamostImage, lamostMetadata } from './lamost.ts';
import { armReading } from './arm.ts';
import type { Loader } from './loader.ts';
import { encodedWavelengths } from './wavelengths.ts';

/**
 * LAMOST DR2 to DR8, low resolution: an image of five rows, EXTEN0 "Flux, Inverse, Wavelength, Andmask, Ormask". Row 2
 * wins over the COEFF cards, which differ from it by up to 0.036 Å.
 */
export const lamostDr2: Loader = {
  layout: 'lamost-dr2-dr8',
  identify: (file) => lamostImage(file, /wavelength/i) !== undefined,
  read: (file, reading) => {
    const hdu = lamostImage(file, /wavelength/i);
    if (!hdu) throw new FitsError('not-a-spectrum', 'no image of LAMOST DR2 to DR8');
    const metadata = lamostMetadata(hdu.header);
    return {
      layout: 'lamost-dr2-dr8',
      medium: 'vacuum',
      arms: [
        imageArm(hdu, armReading(reading, metadata), (_, row2) => encodedWavelengths(row2(), reading.memory)),
      ],
      metadata,
    };
  },
};
