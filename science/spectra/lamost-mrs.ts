import { FitsError } from '../fits/error.ts';
import { type FitsFile, type Hdu, tableNamed } from '../fits/file.ts';
import { Table } from '../fits/table.ts';
import { armReading } from './arm.ts';
import { coaddArm, lamostMetadata } from './lamost.ts';
import type { Loader } from './loader.ts';

const ARMS = ['B', 'R'];

/** The co-added arms; the single exposures that the file holds too (B-84107311 …) are left alone. */
function coadds(file: FitsFile): Hdu[] {
  return ARMS.flatMap((arm) => tableNamed(file, `COADD_${arm}`) ?? []);
}

/**
 * LAMOST medium resolution: HDUs COADD_B (about 4950–5350 Å) and COADD_R (about 6300–6800 Å), one row a pixel, LOGLAM in
 * log10 Å. An arm without a combined spectrum is absent or empty. There is no CLASS.
 */
export const lamostMrs: Loader = {
  layout: 'lamost-mrs',
  identify: (file) => coadds(file).length > 0,
  read: (file, reading) => {
    const hdus = coadds(file);
    // The truncated part may be the other arm, and half a spectrum would pass for a whole one.
    const expected = ARMS.filter((arm) => file.hdus[0]?.header.get(`COMBIN_${arm}`) === true).length;
    if (file.damage && hdus.length < expected) throw file.damage;
    const tables = hdus.map((hdu) => ({
      table: new Table(hdu),
      arm: hdu.name.slice('COADD_'.length).toUpperCase(),
    }));
    const primary = file.hdus[0];
    const combined = tables.filter(({ table }) => table.rows > 0);
    if (!primary || combined.length === 0)
      throw new FitsError('not-a-spectrum', 'neither arm has a combined spectrum');
    const metadata = lamostMetadata(primary.header);
    const ofArms = armReading(reading, metadata);
    const arms = combined.map(({ table, arm }) => coaddArm(table, arm, ofArms));
    return { layout: 'lamost-mrs', medium: 'vacuum', arms, metadata };
  },
};
