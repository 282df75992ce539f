import type { CatalogueEntry } from '../../contracts/spectrum.ts';
import type { CatalogueColumn, CatalogueParameter, CatalogueTable } from './table.ts';

/** A spectrum of the archive as the API shows it, or as the database has it, where a value may be null. */
export type SpectrumRow = { readonly [Name in keyof CatalogueEntry]?: string | number | null | undefined };

/** A column, and the card that says the same of one spectrum in its FITS header. */
type Description = Omit<CatalogueColumn<never>, 'name' | 'value'> & {
  name: keyof CatalogueEntry;
  keyword: string;
};

const band = (name: 'u' | 'g' | 'r' | 'i' | 'z', ucd: string): Description => ({
  name: `sn_${name}`,
  keyword: `SNR_${name.toUpperCase()}`,
  type: 'double',
  ucd: `stat.snr;${ucd}`,
  description: `Signal-to-noise ratio in ${name}`,
});
const magnitude = (number: 1 | 2 | 3 | 4 | 5 | 6 | 7): Description => ({
  name: `mag_${number}`,
  keyword: `MAG${number}`,
  type: 'double',
  unit: 'mag',
  ucd: 'phot.mag',
  description: `Magnitude ${number}, in the system and band that magtype says`,
});

const DESCRIPTIONS: readonly Description[] = [
  {
    name: 'filename',
    keyword: 'FILENAME',
    type: 'text',
    ucd: 'meta.id;meta.file;meta.main',
    description: 'Name of the file',
  },
  {
    name: 'path',
    keyword: 'PATH',
    type: 'text',
    ucd: 'meta.id;meta.file',
    description: 'Path in the archive',
  },
  { name: 'targetname', keyword: 'OBJECT', type: 'text', ucd: 'meta.id;src', description: 'Designation' },
  {
    name: 'obsid',
    keyword: 'OBSID',
    type: 'text',
    ucd: 'meta.id;obs',
    description: 'Number of the observation',
  },
  {
    name: 'observed_at',
    keyword: 'OBSERVED',
    type: 'text',
    ucd: 'time.epoch;obs',
    description: 'DATE-OBS of the file',
  },
  {
    name: 'ra',
    keyword: 'RA',
    type: 'double',
    unit: 'deg',
    ucd: 'pos.eq.ra;meta.main',
    description: 'Right ascension (ICRS)',
  },
  {
    name: 'dec',
    keyword: 'DEC',
    type: 'double',
    unit: 'deg',
    ucd: 'pos.eq.dec;meta.main',
    description: 'Declination (ICRS)',
  },
  {
    name: 'type',
    keyword: 'CLASS',
    type: 'text',
    ucd: 'src.class',
    description: 'Class that the survey gave',
  },
  {
    name: 'subtype',
    keyword: 'SUBCLASS',
    type: 'text',
    ucd: 'src.spType',
    description: 'Subclass that the survey gave',
  },
  { name: 'z', keyword: 'Z', type: 'double', ucd: 'src.redshift', description: 'Redshift' },
  {
    name: 'z_err',
    keyword: 'Z_ERR',
    type: 'double',
    ucd: 'stat.error;src.redshift',
    description: 'Error of the redshift',
  },
  band('u', 'em.opt.U'),
  band('g', 'em.opt'),
  band('r', 'em.opt.R'),
  band('i', 'em.opt.I'),
  band('z', 'em.opt'),
  {
    name: 'magtype',
    keyword: 'MAGTYPE',
    type: 'text',
    ucd: 'meta.code;phot.mag',
    description: 'Bands of the magnitudes',
  },
  ...([1, 2, 3, 4, 5, 6, 7] as const).map(magnitude),
  { name: 'layout', keyword: 'LAYOUT', type: 'text', ucd: 'meta.code', description: 'Layout of the file' },
  {
    name: 'header_filename',
    keyword: 'HDRNAME',
    type: 'text',
    ucd: 'meta.id;meta.file',
    description: 'FILENAME card of the file',
  },
  {
    name: 'size',
    keyword: 'FILESIZE',
    type: 'double',
    unit: 'byte',
    ucd: 'meta.number;meta.file',
    description: 'Length of the file',
  },
  {
    name: 'modified_at',
    keyword: 'MODIFIED',
    type: 'text',
    ucd: 'time;meta.file',
    description: 'When the file was changed (UTC)',
  },
];

/** The catalogue of the archive: a row a spectrum. */
export const SPECTRA_TABLE: CatalogueTable<SpectrumRow> = {
  name: 'spectra',
  description: 'Spectra of the archive, as their files say them',
  columns: DESCRIPTIONS.map(({ name, type, unit, ucd, description }) => ({
    name,
    type,
    ...(unit === undefined ? {} : { unit }),
    ucd,
    description,
    value: (row) => row[name] ?? undefined,
  })),
};

/** What the catalogue says of one spectrum, as parameters of its table. */
export function parametersOfSpectrum(row: SpectrumRow): CatalogueParameter[] {
  return DESCRIPTIONS.flatMap((parameter) => {
    const value = row[parameter.name] ?? undefined;
    return value === undefined ? [] : [{ ...parameter, value }];
  });
}
