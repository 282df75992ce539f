import { z } from 'zod';
import { ObjectReference } from './reference.ts';

/**
 * `config.json` of a DATA_PREPROCESSING job: units and meanings as docs/preprocessing.md says.
 * Unknown keys are refused, so that no option is ever ignored in silence.
 */
export const PreprocessingConfig = z
  .strictObject({
    data_dir_path: z
      .string()
      .startsWith('/', 'must start with /')
      .meta({ description: 'Directory of the spectra archive, e.g. /M31011N44B2', example: '/' }),
    wave_start_point: z
      .number()
      .positive()
      .max(1e8)
      .meta({ description: 'First grid point [Å, vacuum]', example: 6519 }),
    wave_end_point: z
      .number()
      .positive()
      .max(1e8)
      .meta({ description: 'Last grid point [Å, vacuum]', example: 6732 }),
    wave_point_count: z
      .number()
      .int()
      .min(2)
      .max(100_000)
      .meta({ description: 'Number of grid points', example: 140 }),
    grid: z
      .enum(['linear', 'log'])
      .default('linear')
      .meta({ description: 'Equal steps in wavelength or in its logarithm' }),
    interpolation: z.enum(['linear']).default('linear').meta({ description: 'How flux gets onto the grid' }),
    bad_pixels: z
      .enum(['interpolate', 'keep'])
      .default('interpolate')
      .meta({ description: 'interpolate: leave out pixels marked bad; keep: use every pixel as it is' }),
    max_gap: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(5)
      .meta({ description: 'Longest run of bad pixels that is bridged [pixels]' }),
    min_coverage: z.number().min(0).max(1).optional().meta({
      description: 'Least share of grid points between good pixels; 0.5, or 0.9 for a grid under 500 Å',
    }),
    required_ranges: z
      .array(z.tuple([z.number(), z.number()]).refine(([from, to]) => from < to, 'must rise'))
      .default([])
      .meta({ description: 'Ranges [Å] that may hold no hole', example: [[6550, 6580]] }),
    outside: z
      .enum(['edge', 'nan', 'reject'])
      .default('edge')
      .meta({ description: 'Grid points beyond the data: the edge value, NaN, or reject the spectrum' }),
    medium: z
      .enum(['auto', 'air', 'vacuum'])
      .default('auto')
      .meta({ description: 'Wavelengths of the files: as each file declares, or all air, or all vacuum' }),
    scaling: z
      .enum(['minmax', 'minmax01', 'zscore', 'none'])
      .default('minmax')
      .meta({ description: 'Per spectrum: to [-1, 1], to [0, 1], to mean 0 and deviation 1, or not at all' }),
    max_reject_fraction: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .meta({ description: 'The job fails where more than this share of the files is rejected' }),
    recursive: z.boolean().default(true).meta({ description: 'Take directories below too' }),
  })
  .superRefine((config, context) => {
    if (config.wave_end_point <= config.wave_start_point)
      context.addIssue({
        code: 'custom',
        path: ['wave_end_point'],
        message: 'must be above wave_start_point',
      });
  })
  .meta({ id: 'PreprocessingConfig' });
export type PreprocessingConfig = z.infer<typeof PreprocessingConfig>;
export type PreprocessingConfigInput = z.input<typeof PreprocessingConfig>;

/** The files of a job: a manifest in the object store, cut into shards. */
export const ShardListing = z.object({
  /** JSON lines, one file each, in byte order of the archive path. */
  manifest: ObjectReference,
  /** Over path and size of every file; not their times, so that equal archives give equal results. */
  inputSha256: z.string(),
  totalFiles: z.number().int().nonnegative(),
  shardCount: z.number().int().nonnegative(),
});
export type ShardListing = z.infer<typeof ShardListing>;

/** Input of the preprocessing workflow. */
export const PreprocessWorkflowInput = z.object({
  jobId: z.uuid(),
  config: PreprocessingConfig,
  /** State carried over by continue-as-new. */
  resumed: z
    .object({
      listing: ShardListing,
      nextShard: z.number().int().nonnegative(),
      rows: z.number().int().nonnegative(),
      rejected: z.number().int().nonnegative(),
      paused: z.boolean(),
    })
    .optional(),
});
export type PreprocessWorkflowInput = z.input<typeof PreprocessWorkflowInput>;

/** Input of the workflow that reads the archive into the catalogue. */
export const ScanArchiveWorkflowInput = z.object({ dir: z.string().startsWith('/') });
export type ScanArchiveWorkflowInput = z.input<typeof ScanArchiveWorkflowInput>;
