import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import { FitsError } from '../fits/error.ts';
import { type FitsFile, tableNamed } from '../fits/file.ts';
import type { Header } from '../fits/header.ts';
import type { Column } from '../fits/column.ts';
import { Table } from '../fits/table.ts';
import { armReading, makeArm, type PixelValues } from './arm.ts';
import type { Loader } from './loader.ts';
import { measured, present } from './metadata.ts';
import { encodedLog10Wavelengths } from './wavelengths.ts';

/**
 * Bits of and_mask that make a pixel bad (SPPIXMASK, https://www.sdss3.org/dr10/algorithms/bitmask_sppixmask.php):
 * the fibre was not plugged or its trace, flat or arc failed; the pixel was rejected in every exposure, or has no sky.
 * Left out: BRIGHTSKY (23), by far the most frequent, and NEARBADPIXEL (16), whose pixels are mostly good; NODATA (24),
 * "should be ignored in favor of flagging on INVVAR=0", which is done for every pixel.
 */
const BAD_BITS = {
  NOPLUG: 0,
  BADTRACE: 1,
  BADFLAT: 2,
  BADARC: 3,
  FULLREJECT: 18,
  NOSKY: 22,
  COMBINEREJ: 25,
} as const;
const BAD_MASK = Object.values(BAD_BITS).reduce<number>((mask, bit) => mask | (1 << bit), 0);

function coadd(file: FitsFile): Table | undefined {
  const hdu = tableNamed(file, 'COADD');
  const table = hdu && new Table(hdu);
  return table?.find('loglam') && table.find('flux') ? table : undefined;
}

/**
 * SDSS, SEGUE, BOSS and eBOSS from DR8 on: HDU COADD, one row a pixel: flux, loglam (log10 Å, vacuum), ivar, and_mask.
 * What the pipeline found stands in a table of one row, SPECOBJ (SDSS, SEGUE) or SPALL (BOSS).
 * https://data.sdss.org/datamodel/files/BOSS_SPECTRO_REDUX/RUN2D/spectra/PLATE4/spec.html
 */
export const sdss: Loader = {
  layout: 'sdss',
  identify: (file) => coadd(file) !== undefined,
  read: (file, reading) => {
    const table = coadd(file);
    const primary = file.hdus[0];
    if (!table || !primary) throw new FitsError('not-a-spectrum', 'no HDU COADD of SDSS');
    const column = (name: string): PixelValues | undefined => {
      const found = table.find(name);
      if (found && found.repeat !== 1) throw new FitsError('garbled', `column ${name} of COADD is a vector`);
      return found && table.encoded(found);
    };
    const flux = column('flux');
    const loglam = column('loglam');
    if (!flux || !loglam) throw new FitsError('garbled', 'COADD lacks flux or loglam');
    const ivar = column('ivar');
    const mask = column('and_mask');
    const wavelengths = encodedLog10Wavelengths(loglam, reading.memory);
    const metadata = sdssMetadata(file, primary.header);
    const pixels = { name: '', wavelengths, flux, ...(ivar ? { ivar } : {}) };
    const masked = { ...pixels, ...(mask ? { mask, maskBits: BAD_MASK } : {}) };
    return {
      layout: 'sdss',
      medium: 'vacuum',
      arms: [makeArm(masked, armReading(reading, metadata))],
      metadata,
    };
  },
};

function sdssMetadata(file: FitsFile, header: Header): SpectrumMetadata {
  const found = tableNamed(file, 'SPECOBJ') ?? tableNamed(file, 'SPALL');
  // A file that was cut after the spectrum is read without what the pipeline found.
  const table = found && found.index !== file.damage?.hdu ? new Table(found) : undefined;
  const numbers = (name: string): Float64Array => {
    const column = table?.find(name);
    return table && column && column.type !== 'A' ? table.numbers(column) : new Float64Array(0);
  };
  const number = (name: string): number | undefined => measured(numbers(name)[0] ?? header.number(name));
  const text = (name: string): string | undefined => {
    const column = table?.find(name);
    return (
      (table && column?.type === 'A' ? table.strings(column)[0]?.trim() : undefined) || header.text(name)
    );
  };
  const signalToNoise = numbers('SN_MEDIAN');
  // RA and DEC of the header are where the telescope points, up to 1.5° off.
  return present({
    observed_at: header.text('DATE-OBS'),
    type: text('CLASS')?.toUpperCase(),
    subtype: text('SUBCLASS'),
    ra: number('PLUG_RA'),
    dec: number('PLUG_DEC'),
    sn_u: measured(signalToNoise[0]),
    sn_g: measured(signalToNoise[1]),
    sn_r: measured(signalToNoise[2]),
    sn_i: measured(signalToNoise[3]),
    sn_z: measured(signalToNoise[4]),
    z: number('Z'),
    z_err: number('Z_ERR'),
    obsid: specobjid(table, table?.find('SPECOBJID')) ?? header.text('SPEC_ID'),
    header_filename: header.text('FILENAME'),
  });
}

/** Text in SPECOBJ, an integer beyond 2^53 in SPALL. */
function specobjid(table: Table | undefined, column: Column | undefined): string | undefined {
  if (column?.type === 'A') return table?.strings(column)[0]?.trim() || undefined;
  if (column?.type === 'K') return table?.bigIntegers(column)[0]?.toString();
  return undefined;
}
