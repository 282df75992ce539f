import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import type { FitsFile, Hdu } from '../fits/file.ts';
import { FitsError } from '../fits/error.ts';
import type { Header } from '../fits/header.ts';
import { encodedPixels } from '../fits/image.ts';
import { type EncodedNumbers, partOf } from '../fits/numbers.ts';
import type { Table } from '../fits/table.ts';
import { type ArmPixels, type ArmReading, makeArm, type PixelValues } from './arm.ts';
import { declination, measured, measuredUnless99, present, rightAscension } from './metadata.ts';
import type { Arm } from './spectrum.ts';
import { encodedLog10Wavelengths, encodedWavelengths, type Wavelengths } from './wavelengths.ts';

/** Rows of the image in DR1 to DR8; what row 2 holds differs. */
const FLUX_ROW = 0;
const IVAR_ROW = 1;
const WAVELENGTH_ROW = 2;
const ANDMASK_ROW = 3;

/** The primary HDU, when it is a LAMOST image whose EXTEN0 card names `row` among its rows. */
export function lamostImage(file: FitsFile, row: RegExp): Hdu | undefined {
  const primary = file.hdus[0];
  if (primary?.kind !== 'image' || primary.axes.length !== 2) return undefined;
  const rows = primary.header.text('EXTEN0');
  return rows !== undefined && row.test(rows) ? primary : undefined;
}

/** The spectrum of a LAMOST image; `wavelengths` makes those of all pixels, of the image's row 2 where it wants it. */
export function imageArm(
  hdu: Hdu,
  reading: ArmReading,
  wavelengths: (pixels: number, row2: () => EncodedNumbers) => Wavelengths,
): Arm {
  const [pixels = 0, rows = 0] = hdu.axes;
  const image = encodedPixels(hdu, 0, pixels * rows);
  const row = (index: number): EncodedNumbers => {
    if (index >= rows)
      throw new FitsError('garbled', `the image has ${rows} rows, no row ${index}`, hdu.index);
    return partOf(image, index * pixels, pixels);
  };
  const flux = row(FLUX_ROW);
  const all: ArmPixels = {
    name: '',
    wavelengths: wavelengths(pixels, () => row(WAVELENGTH_ROW)),
    flux,
    ivar: row(IVAR_ROW),
  };
  if (rows > ANDMASK_ROW) all.mask = row(ANDMASK_ROW);
  return makeArm(all, reading);
}

/**
 * A co-added spectrum in a LAMOST table: one row of vector columns, or one row a pixel. Wavelength is WAVELENGTH [Å] or
 * LOGLAM (log10 Å).
 */
export function coaddArm(table: Table, name: string, reading: ArmReading): Arm {
  const column = (keyword: string): PixelValues | undefined => {
    const found = table.find(keyword);
    return found && table.encoded(found);
  };
  const flux = column('FLUX');
  const ivar = column('IVAR');
  const mask = column('ANDMASK');
  const wavelength = column('WAVELENGTH');
  const logWavelength = wavelength ? undefined : column('LOGLAM');
  const axis = wavelength ?? logWavelength;
  if (!flux || !ivar || !axis) {
    throw new FitsError(
      'garbled',
      `the table ${name} lacks a column of FLUX, IVAR, and WAVELENGTH or LOGLAM`,
    );
  }
  if (table.rows > 1 && flux.length !== table.rows) {
    throw new FitsError('not-a-spectrum', `the table ${name} holds ${table.rows} spectra, not one`);
  }
  if ([ivar, axis, mask ?? ivar].some(({ length }) => length !== flux.length)) {
    throw new FitsError('garbled', `the columns of the table ${name} differ in length`);
  }
  const wavelengths = (wavelength ? encodedWavelengths : encodedLog10Wavelengths)(axis, reading.memory);
  return makeArm({ name, wavelengths, flux, ivar, ...(mask ? { mask } : {}) }, reading);
}

/** The catalogue's columns, from the primary header of any LAMOST release. */
export function lamostMetadata(header: Header): SpectrumMetadata {
  const obsid = header.get('OBSID');
  const isPanStarrs = header.get('MAG_PS_G') !== undefined;
  const magnitudes = isPanStarrs ? PAN_STARRS_MAGNITUDES : SEVEN_MAGNITUDES;
  const magnitude = (index: number): number | undefined => {
    const keyword = magnitudes[index];
    return keyword === undefined ? undefined : measuredUnless99(header.number(keyword));
  };
  return present({
    targetname: header.text('DESIG'),
    observed_at: header.text('DATE-OBS'),
    type: header.text('CLASS')?.toUpperCase(),
    subtype: header.text('SUBCLASS'),
    ra: rightAscension(header),
    dec: declination(header),
    magtype: header.text('MAGTYPE') ?? (isPanStarrs ? 'grizy' : undefined),
    mag_1: magnitude(0),
    mag_2: magnitude(1),
    mag_3: magnitude(2),
    mag_4: magnitude(3),
    mag_5: magnitude(4),
    mag_6: magnitude(5),
    mag_7: magnitude(6),
    sn_u: signalToNoise(header, 'SNRU', 'SN_U'),
    sn_g: signalToNoise(header, 'SNRG', 'SN_G'),
    sn_r: signalToNoise(header, 'SNRR', 'SN_R'),
    sn_i: signalToNoise(header, 'SNRI', 'SN_I'),
    sn_z: signalToNoise(header, 'SNRZ', 'SN_Z'),
    z: measuredUnless99(header.number('Z')),
    z_err: measuredUnless99(header.number('Z_ERR')),
    obsid:
      typeof obsid === 'string' || typeof obsid === 'number' ? String(obsid).trim() || undefined : undefined,
    header_filename: header.text('FILENAME'),
  });
}

const SEVEN_MAGNITUDES = ['MAG1', 'MAG2', 'MAG3', 'MAG4', 'MAG5', 'MAG6', 'MAG7'];
/** From DR9 on, without MAGTYPE: Pan-STARRS g, r, i, z, y. */
const PAN_STARRS_MAGNITUDES = ['MAG_PS_G', 'MAG_PS_R', 'MAG_PS_I', 'MAG_PS_Z', 'MAG_PS_Y'];

/** SNRU … from DR3 on, SN_U … before. */
function signalToNoise(header: Header, keyword: string, older: string): number | undefined {
  return measured(header.number(keyword) ?? header.number(older));
}
