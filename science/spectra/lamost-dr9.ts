import { FitsError } from '../fits/error.ts';
import { type FitsFile, tableNamed } from '../fits/file.ts';
import { Table } from '../fits/table.ts';
import { armReading } from './arm.ts';
import { coaddArm, lamostMetadata } from './lamost.ts';
import type { Loader } from './loader.ts';

function coadd(file: FitsFile): Table | undefined {
  const hdu = tableNamed(file, 'COADD');
  const table = hdu && new Table(hdu);
  // SDSS calls its table COADD too, and its mask AND_MASK.
  return table?.find('ANDMASK') ? table : undefined;
}

/**
 * LAMOST DR9 and later, low resolution: HDU COADD, one row of vector columns FLUX, IVAR, WAVELENGTH, ANDMASK, ORMASK,
 * NORMALIZATION. The primary HDU has no data (NAXIS=0), and NAXIS1 and NAXIS2 cards all the same.
 */
export const lamostDr9: Loader = {
  layout: 'lamost-dr9',
  identify: (file) => coadd(file) !== undefined,
  read: (file, reading) => {
    const table = coadd(file);
    const primary = file.hdus[0];
    if (!table || !primary) throw new FitsError('not-a-spectrum', 'no HDU COADD of LAMOST');
    const metadata = lamostMetadata(primary.header);
    return {
      layout: 'lamost-dr9',
      medium: 'vacuum',
      arms: [{ ...coaddArm(table, 'COADD', armReading(reading, metadata)), name: '' }],
      metadata,
    };
  },
};
