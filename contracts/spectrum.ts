import { z } from 'zod';
import { PHOTOMETRIC_BANDS } from './cuts.ts';
import { TableFormatQuery } from './table-format.ts';
import { DirectoryPath } from './file.ts';
import { Offset, wholeNumber } from './parameter.ts';
import { AnyText, text } from './text.ts';

export const SPECTRUM_TYPES = ['STAR', 'GALAXY', 'QSO', 'UNKNOWN'] as const;

/** The catalogue's columns of one spectrum, as its file says them; what a release does not carry is absent. */
export const SpectrumMetadata = z.object({
  targetname: z.string().optional().meta({ description: 'Designation (DESIG)' }),
  observed_at: z.string().optional().meta({ description: 'DATE-OBS' }),
  type: z.string().optional().meta({ description: 'CLASS in upper case: STAR, GALAXY, QSO, UNKNOWN' }),
  subtype: z.string().optional().meta({ description: 'SUBCLASS' }),
  ra: z.number().optional().meta({ description: 'Right ascension [deg, ICRS]' }),
  dec: z.number().optional().meta({ description: 'Declination [deg, ICRS]' }),
  magtype: z.string().optional(),
  mag_1: z.number().optional(),
  mag_2: z.number().optional(),
  mag_3: z.number().optional(),
  mag_4: z.number().optional(),
  mag_5: z.number().optional(),
  mag_6: z.number().optional(),
  mag_7: z.number().optional(),
  sn_u: z.number().optional(),
  sn_g: z.number().optional(),
  sn_r: z.number().optional(),
  sn_i: z.number().optional(),
  sn_z: z.number().optional(),
  z: z.number().optional().meta({ description: 'Redshift' }),
  z_err: z.number().optional(),
  obsid: z.string().optional(),
  header_filename: z.string().optional().meta({ description: 'The FILENAME card' }),
});
export type SpectrumMetadata = z.infer<typeof SpectrumMetadata>;

const ENTRY_EXAMPLE = {
  filename: 'spec-55859-F5902_sp01-001.fits',
  path: '55859/F5902/spec-55859-F5902_sp01-001.fits',
  layout: 'lamost-dr1',
  targetname: 'J220848.54-020324.3',
  observed_at: '2011-10-24T11:50:00',
  type: 'STAR',
  subtype: 'F5',
  ra: 332.202274,
  dec: -2.056767,
  sn_g: 14.5,
  sn_r: 24.2,
  z: -0.00014,
};

/** One row of the catalogue. `path` is its key: the path in the archive, without a leading slash. */
export const CatalogueEntry = SpectrumMetadata.extend({
  filename: z.string(),
  path: z.string(),
  layout: z.string().optional().meta({ example: 'lamost-dr1' }),
  size: z.number().int().nonnegative().optional(),
  modified_at: z.string().optional(),
}).meta({ id: 'CatalogueEntry', examples: [ENTRY_EXAMPLE] });
export type CatalogueEntry = z.infer<typeof CatalogueEntry>;

/** GET /spectra/{filename}: every field beside the two arrays is a scalar (old clients print each key). */
export const Spectrum = CatalogueEntry.extend({
  medium: z.enum(['air', 'vacuum', 'unknown']).optional(),
  wave: z.array(z.number().nullable()).meta({ description: 'Wavelength [Å]' }),
  flux: z.array(z.number().nullable()).meta({ description: 'Flux as in the file; null where not finite' }),
}).meta({
  id: 'Spectrum',
  examples: [
    { ...ENTRY_EXAMPLE, medium: 'vacuum', wave: [6560.5, 6562, 6563.5], flux: [812.1, 1290.4, null] },
  ],
});
export type Spectrum = z.infer<typeof Spectrum>;

export const SpectrumQuery = z.object({
  format: z
    .enum(['json', 'binary', 'votable', 'fits', 'csv'])
    .optional()
    .meta({
      description:
        'Of the answer; absent: what the Accept header asks for, JSON where it takes any. binary: little-endian float32, ' +
        'all of wave, then all of flux',
    }),
  max_points: wholeNumber({ min: 2, max: 1_000_000 })
    .optional()
    .meta({ description: 'Of JSON and binary: fewer points that draw the same shape' }),
});

const SORT_COLUMNS = [
  'filename',
  'path',
  'type',
  'subtype',
  'ra',
  'dec',
  'z',
  'sn_g',
  'sn_r',
  'observed_at',
] as const;

export const CatalogueQuery = z
  .object({
    offset: Offset,
    limit: wholeNumber({ max: 2 ** 31 - 1 })
      .optional()
      .meta({ description: 'Absent: 50 as JSON, which has 1000 at most; all of them in the other formats' }),
    format: TableFormatQuery,
    dir: AnyText.optional().meta({ description: 'Only below this directory of the archive' }),
    type: AnyText.optional(),
    subtype: AnyText.optional().meta({ description: 'Prefix of SUBCLASS, e.g. A' }),
    min_sn_g: z.coerce.number().optional(),
    z_min: z.coerce.number().optional(),
    z_max: z.coerce.number().optional(),
    mag_band: z.enum(PHOTOMETRIC_BANDS).default('r').meta({
      description: 'Band of mag_min and mag_max; spectra whose MAGTYPE does not have it are left out',
    }),
    mag_min: z.coerce.number().optional().meta({ description: 'No brighter than this magnitude' }),
    mag_max: z.coerce.number().optional().meta({ description: 'No fainter than this magnitude' }),
    ra: z.coerce.number().min(0).max(360).optional(),
    dec: z.coerce.number().min(-90).max(90).optional(),
    radius: z.coerce.number().positive().max(180).optional().meta({ description: 'Cone radius [deg]' }),
    q: text({ max: 200 }).optional().meta({ description: 'Part of file name or designation' }),
    sort: z
      .string()
      .regex(
        new RegExp(`^-?(${SORT_COLUMNS.join('|')})$`),
        `one of ${SORT_COLUMNS.join(', ')}, - before it for descending`,
      )
      .default('path'),
  })
  .refine(
    (query) =>
      [query.ra, query.dec, query.radius].every((v) => v === undefined) ||
      [query.ra, query.dec, query.radius].every((v) => v !== undefined),
    {
      message: 'ra, dec and radius belong together',
      path: ['radius'],
    },
  );
export type CatalogueQuery = z.infer<typeof CatalogueQuery>;

export const CataloguePage = z
  .object({
    total: z.number().int().nonnegative(),
    offset: z.number().int().nonnegative(),
    limit: z.number().int().nonnegative(),
    spectra: z.array(CatalogueEntry),
  })
  .meta({ id: 'CataloguePage', examples: [{ total: 1, offset: 0, limit: 50, spectra: [ENTRY_EXAMPLE] }] });
export type CataloguePage = z.infer<typeof CataloguePage>;

export const HeaderCard = z.object({
  keyword: z.string(),
  value: z.union([z.string(), z.number(), z.boolean(), z.null()]).optional(),
  comment: z.string().optional(),
});
export const SpectrumHeader = z
  .object({
    filename: z.string(),
    hdus: z.array(
      z.object({ index: z.number().int(), name: z.string(), kind: z.string(), cards: z.array(HeaderCard) }),
    ),
  })
  .meta({ id: 'SpectrumHeader' });
export type SpectrumHeader = z.infer<typeof SpectrumHeader>;

/** POST /spectra/scan: reads the archive into the catalogue, as a workflow. */
export const ScanRequest = z.object({ dir: DirectoryPath.default('/') });
export const ScanStarted = z.object({ workflow_id: z.string() }).meta({ id: 'ScanStarted' });
