import { z } from 'zod';

/** Of u, g, r, i and z as the survey's files name them: SDSS-like, Pan-STARRS from LAMOST DR9 on. */
export const PHOTOMETRIC_BANDS = ['u', 'g', 'r', 'i', 'z'] as const;
const Band = z.enum(PHOTOMETRIC_BANDS);
export type PhotometricBand = z.infer<typeof Band>;

const Cone = z
  .strictObject({
    ra: z.number().min(0).max(360),
    dec: z.number().min(-90).max(90),
    radius_deg: z.number().positive().max(180),
  })
  .meta({ description: 'Around a position (ICRS) [deg]' });
const Box = z
  .strictObject({
    ra_min: z.number().min(0).max(360),
    ra_max: z.number().min(0).max(360),
    dec_min: z.number().min(-90).max(90),
    dec_max: z.number().min(-90).max(90),
  })
  .refine(({ dec_min, dec_max }) => dec_min <= dec_max, {
    path: ['dec_max'],
    message: 'must not be below dec_min',
  })
  .meta({
    description: 'Between right ascensions and declinations [deg]; over 0 h where ra_min is above ra_max',
  });

/**
 * Config key `cuts` of an ACTIVE_ML job: which spectra of `pool_data_path` the campaign works on. A spectrum has to pass
 * all; they are applied, and counted, in this order. Bounds are part of the range.
 */
export const PoolCuts = z
  .strictObject({
    class: z
      .array(z.string().min(1).max(100))
      .min(1)
      .optional()
      .meta({
        description: 'The survey’s own class is one of these, whatever its case',
        example: ['STAR'],
      }),
    snr: z
      .strictObject({ band: z.enum([...PHOTOMETRIC_BANDS, 'median']).default('median'), min: z.number() })
      .optional()
      .meta({
        description:
          'Least signal-to-noise ratio: that of a band in the header, or the median of the pixels on the grid',
      }),
    magnitude: z
      .strictObject({ band: Band, min: z.number().optional(), max: z.number().optional() })
      .refine(({ min, max }) => min !== undefined || max !== undefined, 'needs min, max or both')
      .refine(({ min, max }) => (min ?? -Infinity) <= (max ?? Infinity), {
        path: ['max'],
        message: 'must not be below min',
      })
      .optional(),
    sky: z.union([Cone, Box]).optional(),
    coverage: z
      .strictObject({ min: z.number().min(0).max(1) })
      .optional()
      .meta({ description: 'Least share of the grid that good pixels cover' }),
    missing: z.enum(['remove', 'keep']).default('remove').meta({
      description: 'A spectrum without the value that a cut needs: a reason to leave it out, or none',
    }),
  })
  .meta({ id: 'PoolCuts' });
export type PoolCuts = z.infer<typeof PoolCuts>;
