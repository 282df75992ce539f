import { z } from 'zod';

/** Fewer grid points leave no continuum to be told from lines. */
const MIN_CONTINUUM_POINTS = 20;

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
    grid: z.enum(['linear', 'log']).default('linear').meta({
      description: 'Equal steps in wavelength (linear), or in its logarithm and so in velocity (log)',
    }),
    interpolation: z
      .enum(['linear', 'flux_conserving'])
      .default('linear')
      .meta({
        description:
          'How flux gets onto the grid. linear: between the two nearest good pixels, as numpy.interp. ' +
          'flux_conserving: the mean flux over each grid bin (SpectRes, Carnall 2017), for grids coarser than the pixels',
      }),
    resolution_from: z.number().positive().max(1e7).optional().meta({
      description:
        'Resolution λ/Δλ (FWHM) that the files have; with resolution_to, spectra are smoothed before resampling',
      example: 1800,
    }),
    resolution_to: z.number().positive().max(1e7).optional().meta({
      description: 'Resolution λ/Δλ (FWHM) to smooth to; below resolution_from',
      example: 1000,
    }),
    smoothing_sigma: z
      .number()
      .positive()
      .max(1000)
      .optional()
      .meta({
        description:
          'Standard deviation [Å, as observed] of a Gaussian that smooths before resampling; ' +
          'instead of resolution_from and resolution_to',
        example: 2.5,
      }),
    despike: z.boolean().default(false).meta({
      description:
        'Replace single pixels that stand far out from quiet neighbours (cosmic-ray hits) by the mean of the two beside it',
    }),
    rest_frame: z
      .boolean()
      .default(false)
      .meta({
        description:
          'Divide wavelengths by 1 + z, with the redshift z of the file; a file without one is rejected. ' +
          'Grid and required_ranges are then in the rest frame',
      }),
    bad_pixels: z
      .enum(['interpolate', 'keep'])
      .default('interpolate')
      .meta({
        description:
          'interpolate: leave out pixels marked bad; keep: use every pixel as it is, and then neither min_coverage nor ' +
          'required_ranges rejects',
      }),
    max_gap: z
      .number()
      .int()
      .min(0)
      .max(100_000)
      .default(5)
      .meta({ description: 'Longest run of bad pixels that is bridged [pixels]' }),
    min_coverage: z.number().min(0).max(1).optional().meta({
      description: 'Least share of grid points between good pixels; 0.5, or 0.9 for a grid under 500 Å',
      example: 0.9,
    }),
    required_ranges: z
      .array(z.tuple([z.number(), z.number()]).refine(([from, to]) => from < to, 'must rise'))
      .default([])
      .meta({ description: 'Ranges [Å] that may hold no hole', example: [[6550, 6580]] }),
    outside: z.enum(['edge', 'nan', 'reject']).default('edge').meta({
      description:
        'Grid points beyond the data or in a gap that is not bridged: the nearest good value, NaN, or reject the spectrum',
    }),
    medium: z.enum(['auto', 'air', 'vacuum']).default('auto').meta({
      description:
        'Wavelengths of the files: as each file declares, or all air, or all vacuum. Air is converted to vacuum (Ciddor 1996)',
    }),
    scaling: z.enum(['minmax', 'minmax01', 'zscore', 'continuum', 'none']).default('minmax').meta({
      description:
        'Per spectrum: to [-1, 1], to [0, 1], to mean 0 and deviation 1, divided by a fitted continuum, or not at all',
    }),
    compression: z.enum(['none', 'gzip']).default('none').meta({
      description: 'Of the fluxes in result.h5. gzip makes the file smaller and the job slower',
    }),
    max_reject_fraction: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .meta({ description: 'The job fails where more than this share of the files is rejected' }),
    reuse: z
      .enum(['metadata', 'content', 'never'])
      .default('metadata')
      .meta({
        description:
          'Which parts of earlier jobs of the same configuration are taken over: those whose input files have the same ' +
          'name, size and time of change (metadata), the same SHA-256 (content, reads every file), or none (never)',
      }),
    recursive: z.boolean().default(true).meta({ description: 'Take directories below too' }),
  })
  .superRefine((config, context) => {
    const refuse = (key: keyof typeof config, message: string) =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (config.wave_end_point <= config.wave_start_point)
      refuse('wave_end_point', 'must be above wave_start_point');
    const { resolution_from: from, resolution_to: to } = config;
    if (from !== undefined && to === undefined)
      refuse('resolution_to', 'is needed together with resolution_from');
    if (to !== undefined && from === undefined)
      refuse('resolution_from', 'is needed together with resolution_to');
    if (from !== undefined && to !== undefined && to >= from)
      refuse('resolution_to', 'must be below resolution_from: smoothing only lowers the resolution');
    if (config.smoothing_sigma !== undefined && (from !== undefined || to !== undefined))
      refuse('smoothing_sigma', 'either this, or resolution_from with resolution_to');
    if (config.scaling === 'continuum' && config.wave_point_count < MIN_CONTINUUM_POINTS)
      refuse('scaling', `a continuum needs a grid of at least ${MIN_CONTINUUM_POINTS} points`);
  })
  .meta({ id: 'PreprocessingConfig' });
export type PreprocessingConfig = z.infer<typeof PreprocessingConfig>;
export type PreprocessingConfigInput = z.input<typeof PreprocessingConfig>;

/** The files of a job, cut into shards, which are in the object store. */
export const ShardListing = z.object({
  /** Over path and size of every file; not their times, so that equal archives give equal results. */
  inputSha256: z.string(),
  totalFiles: z.number().int().nonnegative(),
  shardCount: z.number().int().nonnegative(),
});
export type ShardListing = z.infer<typeof ShardListing>;

/** Signal to the preprocessing workflow: this many shards can be worked on, while more are being listed. */
export const SHARDS_LISTED = 'shardsListed';

/** Type of the failure of a merge whose parts are gone or damaged; its detail are the shards to do again. */
export const PARTS_LOST = 'PartsLost';
export const LostShards = z.array(z.number().int().nonnegative()).min(1);

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
      /** Absent in runs that began before parts were reused. */
      reused: z.number().int().nonnegative().default(0),
      paused: z.boolean(),
    })
    .optional(),
});
export type PreprocessWorkflowInput = z.input<typeof PreprocessWorkflowInput>;

/** Input of the workflow that reads the archive into the catalogue. */
export const ScanArchiveWorkflowInput = z.object({ dir: z.string().startsWith('/') });
export type ScanArchiveWorkflowInput = z.input<typeof ScanArchiveWorkflowInput>;
