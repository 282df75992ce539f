import { z } from 'zod';
import { ParentDirectoryQuery } from './file.ts';

/** Most values (spectra × points) that one call for fluxes answers with, 400 MB; rows beyond are left out. */
export const MAX_FLUX_VALUES = 100_000_000;

/** GET /files/{filename}/spectra: which rows of a `result.h5`, or of an HDF5 file like it. */
export const SpectraFileQuery = ParentDirectoryQuery.extend({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(0).max(10_000).default(1000),
  name: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .meta({ description: 'Only the first row of this file name, or of this path in the archive' }),
});

/** One row, with what the file says of it; columns that it lacks are absent. */
export const SpectraFileRow = z
  .object({
    index: z.number().int().nonnegative().meta({ description: 'Row of `fluxes`, from 0' }),
    filename: z.string(),
    path: z.string().optional().meta({ description: 'In the archive' }),
    targetname: z.string().optional(),
    type: z.string().optional(),
    subtype: z.string().optional(),
    z: z.number().optional(),
    sn_r: z.number().optional(),
  })
  .meta({ id: 'SpectraFileRow' });
export type SpectraFileRow = z.infer<typeof SpectraFileRow>;

export const SpectraFilePage = z
  .object({
    filename: z.string(),
    total: z.number().int().nonnegative().meta({ description: 'Spectra in the file' }),
    wave: z.array(z.number()).meta({ description: 'Wavelength of each point [Å]' }),
    offset: z.number().int().nonnegative(),
    limit: z.number().int().nonnegative(),
    spectra: z.array(SpectraFileRow),
  })
  .meta({ id: 'SpectraFilePage' });
export type SpectraFilePage = z.infer<typeof SpectraFilePage>;

/** GET /files/{filename}/fluxes: which rows. */
export const FluxesQuery = ParentDirectoryQuery.extend({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(0).max(1_000_000).default(5000),
});
