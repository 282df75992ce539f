import { z } from 'zod';

/** Config key `objects` of an ACTIVE_ML job: which spectra of the pool are of one object. */
export const ObjectGrouping = z
  .discriminatedUnion('by', [
    z
      .strictObject({ by: z.literal('designation') })
      .meta({ description: 'Spectra with the same designation; one without stands for itself' }),
    z
      .strictObject({
        by: z.literal('position'),
        radius_arcsec: z.number().positive().max(60).default(3).meta({
          description:
            'Spectra no farther apart than this, and those that such neighbours connect; one without a position stands for itself',
        }),
      })
      .meta({ description: 'Spectra at the same place of the sky' }),
  ])
  .meta({ id: 'ObjectGrouping' });
export type ObjectGrouping = z.infer<typeof ObjectGrouping>;
