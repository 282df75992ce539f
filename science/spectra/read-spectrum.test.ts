import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  card,
  type CardValues,
  column,
  fitsFile,
  header,
  imageHdu,
  tableHdu,
} from '../../test/fits/make-fits.ts';
import { readHeaders, readSpectrum } from './read-spectrum.ts';

const SAMPLES = path.resolve(import.meta.dirname, '../../samples/spectra');

function sample(name: string): Uint8Array {
  return readFileSync(path.join(SAMPLES, name));
}

/** The one arm of a spectrum, as plain arrays. */
function armOf(bytes: Uint8Array) {
  const { layout, medium, arms, metadata } = readSpectrum(bytes);
  const [arm] = arms;
  if (!arm) throw new Error('no arm');
  const { wavelengthAngstrom, flux, bad } = arm;
  return { layout, medium, metadata, wave: [...wavelengthAngstrom], flux: [...flux], bad: [...bad] };
}

const notASpectrum = (reason: string | RegExp) =>
  expect.objectContaining({ code: 'not-a-spectrum', message: expect.stringMatching(reason) });

const EMPTY_PRIMARY = imageHdu({ bitpix: 16, axes: [] });

describe('LAMOST samples', () => {
  it('reads every sample, with wavelengths from 3700 to about 9080 Å', () => {
    for (const [folder, layout] of [
      ['dr1', 'lamost-dr1'],
      ['dr7', 'lamost-dr2-dr8'],
    ] as const) {
      const names = readdirSync(path.join(SAMPLES, folder));
      expect(names.length).toBeGreaterThan(40);
      for (const name of names) {
        const spectrum = armOf(sample(`${folder}/${name}`));
        expect([spectrum.layout, spectrum.medium]).toEqual([layout, 'vacuum']);
        expect(spectrum.wave[0]).toBeCloseTo(3699.985, 1);
        expect(spectrum.wave.at(-1)).toBeGreaterThan(9070);
        expect(`${spectrum.metadata.header_filename ?? ''}.gz`).toBe(name);
        expect(spectrum.metadata.type).toMatch(/^(STAR|GALAXY|UNKNOWN)$/);
      }
    }
  });

  it('has the metadata of the header, without what is missing', () => {
    expect(readSpectrum(sample('dr1/spec-55862-B6212_sp06-005.fits.gz')).metadata).toEqual({
      targetname: 'LAMOST J063759.87+270908.4',
      observed_at: '2011-10-27T20:02:34.19',
      type: 'STAR',
      subtype: 'M0',
      ra: 99.499478,
      dec: 27.152342,
      magtype: 'ugrizjh',
      mag_2: 17.57,
      mag_3: 16.16,
      mag_4: 15.45,
      sn_u: 2.36,
      sn_g: 6.19,
      sn_r: 19.68,
      sn_i: 35.63,
      sn_z: 33.76,
      z: -0.0002856,
      z_err: 0.00004297,
      header_filename: 'spec-55862-B6212_sp06-005.fits',
    });
    const unknown = readSpectrum(sample('dr7/spec-58575-HD103621N361936B01_sp03-195.fits.gz')).metadata;
    expect(unknown).toMatchObject({ type: 'UNKNOWN', subtype: 'Non', obsid: '740103195' });
    expect(unknown).not.toHaveProperty('z');
  });

  it('lists the cards', () => {
    const [primary] = readHeaders(sample('dr1/spec-55862-B6212_sp06-005.fits.gz'));
    expect(primary?.cards.find(({ keyword }) => keyword === 'CLASS')).toMatchObject({ value: 'STAR' });
    expect(primary).toMatchObject({ index: 0, name: 'PRIMARY', kind: 'image' });
  });
});

/** A LAMOST image of four pixels. */
function lamostImage(exten0: string, row2: number[], cards: CardValues = {}): Uint8Array {
  const rows = [[1, 2, NaN, 4], [1, 0, 1, 1], row2, [0, 0, 0, 64], [0, 0, 0, 0]];
  return imageHdu({ bitpix: -32, axes: [4, 5], values: rows.flat(), cards: { EXTEN0: exten0, ...cards } });
}

describe('LAMOST layouts', () => {
  // The WCS cards of real files are wrong in both layouts.
  const wcs = { CTYPE1: 'LINEAR', CRVAL1: 1, CDELT1: 1, CRPIX1: -9999 };

  it('DR1: wavelength from COEFF0 and COEFF1, not row 2', () => {
    const bytes = lamostImage('Flux Inverse Subcontinuum', [1, 0.9, 1.1, -519], {
      COEFF0: 3.5,
      COEFF1: 0.1,
      ...wcs,
    });
    const { wave, bad } = armOf(bytes);
    expect(wave.map((value) => Math.log10(value).toFixed(6))).toEqual([
      '3.500000',
      '3.600000',
      '3.700000',
      '3.800000',
    ]);
    expect(bad).toEqual([0, 1, 1, 1]);
  });

  it('DR2 to DR8: wavelength from row 2, not COEFF0 and COEFF1', () => {
    const bytes = lamostImage('Flux, Inverse, Wavelength', [4000, 4001, 4002, 4003], {
      COEFF0: 3.5,
      COEFF1: 0.1,
      ...wcs,
    });
    expect(armOf(bytes).wave).toEqual([4000, 4001, 4002, 4003]);
  });

  it('drops padding without wavelength and turns falling wavelengths round', () => {
    const { wave, flux, bad } = armOf(lamostImage('Wavelength', [4002, 4001, 4000, 0]));
    expect([wave, flux, bad]).toEqual([
      [4000, 4001, 4002],
      [NaN, 2, 1],
      [1, 1, 0],
    ]);
  });

  it('refuses wavelengths in no order, or none', () => {
    expect(() => readSpectrum(lamostImage('Wavelength', [1, 3, 2, 4]))).toThrow(
      notASpectrum('rise and fall'),
    );
    expect(() => readSpectrum(lamostImage('Wavelength', [NaN, 0, -1, 5]))).toThrow(notASpectrum('1 pixels'));
    expect(() => readSpectrum(lamostImage('Wavelength', [5, 5, 5, 5]))).toThrow(
      notASpectrum('every wavelength'),
    );
  });

  it('refuses an image that lacks the rows it names', () => {
    const bytes = imageHdu({
      bitpix: -32,
      axes: [4, 2],
      values: Array(8).fill(1),
      cards: { EXTEN0: 'Wavelength' },
    });
    expect(() => readSpectrum(bytes)).toThrow('the image has 2 rows');
  });

  it('DR9: a table of one row, with Pan-STARRS magnitudes', () => {
    const primary = header([
      ...[card('SIMPLE', true), card('BITPIX', 16), card('NAXIS', 0), card('NAXIS1', 3), card('NAXIS2', 5)],
      ...[
        card('CLASS', 'qso'),
        card('MAG_PS_G', 15.5),
        card('MAG_PS_R', 99),
        card('SNRG', 99),
        card('SNRR', -9999),
      ],
      ...[card('RA', '05:19:00.0'), card('DEC', '-00:30:00')],
    ]);
    const table = tableHdu(
      [
        column('FLUX', '3E', [1, 2, 3]),
        column('IVAR', '3E', [1, NaN, 1]),
        column('WAVELENGTH', '3E', [4000, 4001, 4002]),
        column('ANDMASK', '3E', [0, 0, 2]),
      ],
      { EXTNAME: 'COADD' },
    );
    const { layout, wave, bad, metadata } = armOf(fitsFile(primary, table));
    expect([layout, wave, bad]).toEqual(['lamost-dr9', [4000, 4001, 4002], [0, 1, 1]]);
    expect(metadata).toEqual({ type: 'QSO', magtype: 'grizy', mag_1: 15.5, sn_g: 99, ra: 79.75, dec: -0.5 });
  });

  const mrsArm = (name: string, loglam: number[]) =>
    tableHdu(
      [
        column(
          'FLUX',
          'E',
          loglam.map(() => 1),
        ),
        column(
          'IVAR',
          'E',
          loglam.map(() => 1),
        ),
        column('LOGLAM', 'D', loglam),
        column(
          'ANDMASK',
          'I',
          loglam.map(() => 0),
        ),
      ],
      { EXTNAME: name },
    );

  it('medium resolution: both arms in order of wavelength, without the exposures', () => {
    const red = mrsArm('COADD_R', [3.8, 3.81]);
    const blue = mrsArm('COADD_B', [3.7, 3.71]);
    const { layout, arms, metadata } = readSpectrum(
      fitsFile(EMPTY_PRIMARY, red, mrsArm('B-84107311', [3, 4]), blue),
    );
    expect(layout).toBe('lamost-mrs');
    expect(
      arms.map(({ name, wavelengthAngstrom }) => [name, Math.round(wavelengthAngstrom[0] ?? 0)]),
    ).toEqual([
      ['B', 5012],
      ['R', 6310],
    ]);
    expect(metadata).not.toHaveProperty('type');
  });

  it('medium resolution: a file cut before its red arm is truncated, not blue', () => {
    const primary = imageHdu({ bitpix: 16, axes: [], cards: { COMBIN_B: true, COMBIN_R: true } });
    const whole = fitsFile(primary, mrsArm('COADD_B', [3.7, 3.71]), mrsArm('COADD_R', [3.8, 3.81]));
    expect(() => readSpectrum(whole.subarray(0, whole.length - 5000))).toThrow(
      expect.objectContaining({ code: 'truncated' }),
    );
  });
});

describe('SDSS', () => {
  it('takes wavelength from loglam, bad pixels from the documented bits, metadata from SPECOBJ', () => {
    const coadd = tableHdu(
      [
        column('flux', 'E', [1, 2, 3, 4]),
        column('loglam', 'D', [3.6, 3.61, 3.62, 3.63]),
        column('ivar', 'E', [1, 1, 1, 0]),
        column('and_mask', 'J', [0, 1 << 23, 1 << 22, 0]),
      ],
      { EXTNAME: 'COADD' },
    );
    const specobj = tableHdu(
      [
        column('CLASS', '6A', ['STAR']),
        column('Z', 'E', [0.5]),
        column('PLUG_RA', 'D', [10.5]),
        column('SN_MEDIAN', '5E', [1, 2, 3, 4, 5]),
        column('SPECOBJID', 'K', [2 ** 62]),
      ],
      { EXTNAME: 'SPECOBJ' },
    );
    const { layout, medium, bad, metadata } = armOf(fitsFile(EMPTY_PRIMARY, coadd, specobj));
    expect([layout, medium, bad]).toEqual(['sdss', 'vacuum', [0, 0, 1, 1]]);
    expect(metadata).toMatchObject({
      type: 'STAR',
      z: 0.5,
      ra: 10.5,
      sn_u: 1,
      sn_z: 5,
      obsid: '4611686018427387904',
    });
  });
});

describe('images of one dimension', () => {
  const image = (cards: CardValues, values = [1, 2, 3]) =>
    imageHdu({ bitpix: -32, axes: [values.length], values, cards });

  it.each<[string, CardValues, number[], string]>([
    ['linear', { CRVAL1: 4000, CDELT1: 2, CRPIX1: 1 }, [4000, 4002, 4004], 'unknown'],
    [
      'CD1_1 and another reference pixel',
      { CRVAL1: 4000, CD1_1: 2, CRPIX1: 2 },
      [3998, 4000, 4002],
      'unknown',
    ],
    ['falling', { CRVAL1: 4004, CDELT1: -2 }, [4000, 4002, 4004], 'unknown'],
    [
      'nanometres in air',
      { CRVAL1: 400, CDELT1: 1, CUNIT1: 'nm', CTYPE1: 'AWAV' },
      [4000, 4010, 4020],
      'air',
    ],
    ['vacuum', { CRVAL1: 4000, CDELT1: 1, CTYPE1: 'WAVE', CUNIT1: 'Angstrom' }, [4000, 4001, 4002], 'vacuum'],
    ['unit in CTYPE1', { CRVAL1: 500, CDELT1: 1, CTYPE1: 'WAVELENGTH [nm]' }, [5000, 5010, 5020], 'unknown'],
    [
      'unit of IRAF',
      { CRVAL1: 900, CDELT1: 1, WAT1_001: 'wtype=linear units=angstroms' },
      [900, 901, 902],
      'unknown',
    ],
    ['log10', { CRVAL1: 3, CDELT1: 1, 'DC-FLAG': 1, VACUUM: true }, [1000, 10000, 100000], 'vacuum'],
    ['VACUUM = F', { CRVAL1: 4000, CDELT1: 1, VACUUM: false }, [4000, 4001, 4002], 'air'],
  ])('%s', (_, cards, wave, medium) => {
    const spectrum = armOf(image(cards));
    expect([spectrum.layout, spectrum.medium]).toEqual(['image-1d', medium]);
    expect(spectrum.wave.map((value) => Number(value.toFixed(6)))).toEqual(wave);
  });

  it('natural logarithm of WCS paper III', () => {
    const { wave } = armOf(image({ CRVAL1: 4000, CDELT1: 4000, CTYPE1: 'WAVE-LOG', CUNIT1: 'Angstrom' }));
    expect(wave[1]).toBeCloseTo(4000 * Math.E, 6);
  });

  it.each<[string, CardValues, RegExp]>([
    ['no WCS', {}, /without a wavelength/],
    [
      'velocity',
      { CTYPE1: 'VRAD', CUNIT1: 'km/s', CRVAL1: 4000, CDELT1: 1 },
      /VRAD \(km\/s\), not wavelength/,
    ],
    ['frequency unit', { CUNIT1: 'Hz', CRVAL1: 4000, CDELT1: 1 }, /no wavelength/],
    ['no unit', { CRVAL1: 400, CDELT1: 1 }, /has no unit/],
    ['a logarithm undeclared', { CRVAL1: 3.55, CDELT1: 0.0001, CUNIT1: 'Angstrom' }, /looks like log10/],
    ['one pixel', { CRVAL1: 4000, CDELT1: 0 }, /without a wavelength/],
  ])('refuses %s', (_, cards, reason) => {
    expect(() => readSpectrum(image(cards))).toThrow(notASpectrum(reason));
  });

  it('refuses images of several orders', () => {
    const bytes = imageHdu({
      bitpix: 8,
      axes: [2, 3],
      values: Array(6).fill(1),
      cards: { CRVAL1: 4000, CDELT1: 1 },
    });
    expect(() => readSpectrum(bytes)).toThrow(notASpectrum('an image of 2 × 3'));
  });

  it('takes the flux from an extension when the primary HDU is empty', () => {
    const cards = { CRVAL1: 4000, CDELT1: 1 };
    const error = imageHdu({
      bitpix: -32,
      axes: [2],
      values: [9, 9],
      cards: { EXTNAME: 'ERR', ...cards },
      extension: true,
    });
    const flux = imageHdu({
      bitpix: -32,
      axes: [2],
      values: [1, 2],
      cards: { EXTNAME: 'SCI', ...cards },
      extension: true,
    });
    expect(armOf(fitsFile(EMPTY_PRIMARY, error, flux)).flux).toEqual([1, 2]);
  });
});

describe('tables', () => {
  const file = (...columns: Parameters<typeof tableHdu>[0]) => fitsFile(EMPTY_PRIMARY, tableHdu(columns));
  const withUnit = (unit: string) =>
    fitsFile(
      EMPTY_PRIMARY,
      tableHdu([column('spectral', 'D', [0.4, 0.5]), column('flux', 'D', [1, 2])], { TUNIT1: unit }),
    );

  it('reads spectral and flux with the unit of TUNIT', () => {
    expect(armOf(withUnit('um'))).toMatchObject({ layout: 'table', wave: [4000, 5000], flux: [1, 2] });
    expect(() => readSpectrum(withUnit('GHz'))).toThrow(notASpectrum('no wavelength'));
  });

  it('reads vectors of one row, and arrays of variable length', () => {
    expect(armOf(file(column('WAVE', '2D', [4000, 4001]), column('FLUX', '2E', [1, 2]))).wave).toEqual([
      4000, 4001,
    ]);
    expect(
      armOf(file(column('wavelength', 'PD(2)', [[4000, 4001]]), column('flux', 'PE(2)', [[1, 2]]))).flux,
    ).toEqual([1, 2]);
  });

  it('is not hindered by a damaged table after it, and tells the damage where it is the only one', () => {
    const good = file(column('wave', 'D', [4000, 4001]), column('flux', 'D', [1, 2]));
    const damaged = Buffer.from(tableHdu([column('x', 'J', [1])]));
    damaged.write('Z', damaged.indexOf('TFORM1') + 11);
    expect(armOf(fitsFile(good, damaged)).flux).toEqual([1, 2]);
    expect(() => readSpectrum(fitsFile(EMPTY_PRIMARY, damaged))).toThrow(
      expect.objectContaining({ code: 'garbled' }),
    );
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['no flux', file(column('wave', 'D', [4000, 4001]), column('counts', 'D', [1, 2])), /no layout/],
    ['no unit', file(column('wave', 'D', [400, 401]), column('flux', 'D', [1, 2])), /has no unit/],
    [
      'two fluxes',
      file(column('wave', 'D', [4e3, 5e3]), column('flux', 'D', [1, 2]), column('flam', 'D', [1, 2])),
      /no layout/,
    ],
    [
      'many spectra',
      file(column('wave', '2D', [1, 2, 3, 4]), column('flux', '2D', [1, 2, 3, 4])),
      /2 spectra/,
    ],
    ['events', file(column('TIME', 'D', [1, 2]), column('ENERGY', 'E', [1, 2])), /no layout/],
  ])('refuses a table with %s', (_, bytes, reason) => {
    expect(() => readSpectrum(bytes)).toThrow(notASpectrum(reason));
  });
});
