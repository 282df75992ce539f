import { z } from 'zod';
import { Offset, wholeNumber } from './parameter.ts';
import { TableFormatQuery } from './table-format.ts';

/** A spectrum that a campaign takes for one of its candidate classes; the columns of its catalogue. */
export const Candidate = z
  .object({
    filename: z.string(),
    designation: z.string().optional(),
    ra: z.number().optional().meta({ description: 'Right ascension [deg, ICRS]' }),
    dec: z.number().optional().meta({ description: 'Declination [deg, ICRS]' }),
    class: z.string().meta({ description: 'Predicted by the newest network; without one the label' }),
    probability: z.number().optional().meta({ description: 'Of this class, not calibrated' }),
    label: z.string().optional().meta({ description: 'The newest that a person gave' }),
    labelled_by: z.string().optional(),
    iteration: z.int().optional().meta({ description: 'In which it was labelled' }),
  })
  .meta({ id: 'Candidate' });
export type Candidate = z.infer<typeof Candidate>;

export const CandidatePage = z
  .object({
    job_id: z.uuid(),
    total: z.int().nonnegative(),
    offset: z.int().nonnegative(),
    limit: z.int().nonnegative(),
    candidates: z.array(Candidate),
  })
  .meta({
    id: 'CandidatePage',
    examples: [
      {
        job_id: '7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0',
        total: 1,
        offset: 0,
        limit: 100,
        candidates: [
          {
            filename: 'spec-55859-F5902_sp01-001.fits',
            designation: 'J220848.54-020324.3',
            ra: 332.202274,
            dec: -2.056767,
            class: 'double peak',
            probability: 0.97,
          },
        ],
      },
    ],
  });
export type CandidatePage = z.infer<typeof CandidatePage>;

export const CandidateQuery = z.object({
  offset: Offset,
  limit: wholeNumber({ max: 10_000 }).default(100).meta({ description: 'Of JSON; tables hold them all' }),
  format: TableFormatQuery,
});
