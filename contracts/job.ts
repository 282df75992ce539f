import { z } from 'zod';
import { ActiveLearningConfig } from './active-learning.ts';
import { Offset, wholeNumber } from './parameter.ts';
import { PreprocessingConfig } from './preprocessing.ts';
import { AnyText, text } from './text.ts';
import { TrainingConfig } from './training.ts';

export const JobType = z.enum(['DATA_PREPROCESSING', 'ACTIVE_ML', 'TRAINING']);
export type JobType = z.infer<typeof JobType>;

/** The schema of `config.json` for each job type. */
export const JOB_CONFIG_SCHEMAS: Record<JobType, z.ZodType> = {
  DATA_PREPROCESSING: PreprocessingConfig,
  ACTIVE_ML: ActiveLearningConfig,
  TRAINING: TrainingConfig,
};

export const JobPhase = z.enum(['PENDING', 'PROCESSING', 'COMPLETED', 'ERROR', 'ABORTED']);
export type JobPhase = z.infer<typeof JobPhase>;
export const ENDED_PHASES: readonly JobPhase[] = ['COMPLETED', 'ERROR', 'ABORTED'];

export const Progress = z.object({
  done: z.number().int().nonnegative(),
  total: z.number().int().nonnegative(),
  unit: z.string(),
  rejected: z.number().int().nonnegative().optional(),
});
export type Progress = z.infer<typeof Progress>;

export const JobError = z.object({ message: z.string(), trace: z.string().optional() });
export type JobError = z.infer<typeof JobError>;

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
const Json: z.ZodType<Json> = z.lazy(() =>
  z.union([AnyText, z.number(), z.boolean(), z.null(), z.array(Json), z.record(AnyText, Json)]),
);
/** Any JSON object: a job's configuration before its own schema has seen it. */
export const JsonObject = z.record(AnyText, Json);
export type JsonObject = z.infer<typeof JsonObject>;

const Label = text({ min: 1, max: 50 }).meta({ example: 'Be stars' });
/** An empty one, as forms send it, is none. */
const Description = text({ max: 255 }).transform((description) => description || null);

const JOB_EXAMPLE = {
  job_id: '7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0',
  dir_path: '/JOBS/job_be_stars_7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0',
  type: 'DATA_PREPROCESSING',
  phase: 'PROCESSING',
  label: 'Be stars',
  created_at: '2026-03-01T09:00:00.000Z',
  started_at: '2026-03-01T09:00:05.120Z',
  progress: { done: 4096, total: 12_000, unit: 'spectra', rejected: 3 },
  config: { data_dir_path: '/', wave_start_point: 6519, wave_end_point: 6732, wave_point_count: 140 },
};
export const Job = z
  .object({
    job_id: z.guid(),
    dir_path: z.string().meta({ example: '/JOBS/job_be_stars_7f9c…' }),
    type: JobType,
    phase: JobPhase,
    label: z.string(),
    description: z.string().optional(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().optional(),
    ended_at: z.iso.datetime().optional(),
    execution_duration: z
      .number()
      .nonnegative()
      .optional()
      .meta({ description: 'Seconds from start to end' }),
    status_detail: z.string().optional(),
    progress: Progress.optional(),
    waiting_for: z.enum(['labels', 'worker', 'resume']).optional(),
    workflow_id: z.string().optional(),
    config: JsonObject.optional(),
    error: JobError.optional(),
  })
  .meta({ id: 'Job', examples: [JOB_EXAMPLE] });
export type Job = z.infer<typeof Job>;

export const CreateJob = z
  .object({
    type: JobType,
    label: Label,
    description: Description.nullish(),
    config: JsonObject.optional(),
  })
  .meta({
    id: 'CreateJob',
    examples: [{ type: 'DATA_PREPROCESSING', label: 'Be stars', config: JOB_EXAMPLE.config }],
  });
export type CreateJob = z.infer<typeof CreateJob>;

export const PatchJob = z
  .object({ description: Description.nullable() })
  .meta({ id: 'PatchJob', examples: [{ description: 'The region around Hα' }] });
export const CloneJob = z
  .object({ label: Label.optional(), config: JsonObject.optional() })
  .meta({ id: 'CloneJob', examples: [{ label: 'Finer grid', config: { wave_point_count: 280 } }] });

/** Without an offset, as old clients send it, it is UTC. */
const GivenTime = z.iso
  .datetime({ offset: true, local: true })
  .regex(/^(19[7-9]|[2-9]\d\d)\d-/, 'must be a time since 1970');
export const EndJob = z
  .object({ started_at: GivenTime.nullish(), ended_at: GivenTime.nullish() })
  .meta({ id: 'EndJob', examples: [{ ended_at: '2026-03-01T10:00:00Z' }] });

export const JobAction = z.enum(['RUN', 'ABORT', 'PAUSE', 'RESUME']);
export type JobAction = z.infer<typeof JobAction>;
export const JobEnd = z.enum(['COMPLETE', 'ERROR']);
export type JobEnd = z.infer<typeof JobEnd>;

const JobSort = z.enum([
  'created_at',
  '-created_at',
  'label',
  '-label',
  'type',
  '-type',
  'phase',
  '-phase',
  'progress',
  '-progress',
  'duration',
  '-duration',
]);
export const JobListQuery = z.object({
  offset: Offset,
  limit: wholeNumber({ max: 1000 }).default(10),
  phase: JobPhase.optional(),
  type: JobType.optional(),
  sort: JobSort.optional().meta({
    description: 'Column, - before it for descending; newest first where absent',
  }),
  q: text({ max: 200 }).optional().meta({ description: 'Part of label, description or id' }),
});
export type JobListQuery = z.infer<typeof JobListQuery>;

export const JobPage = z
  .object({
    total: z.number().int().nonnegative(),
    offset: z.number().int().nonnegative(),
    limit: z.number().int().nonnegative(),
    jobs: z.array(Job),
  })
  .meta({ id: 'JobPage', examples: [{ total: 1, offset: 0, limit: 10, jobs: [JOB_EXAMPLE] }] });
export type JobPage = z.infer<typeof JobPage>;

/** What a job's event stream carries; `data` of each by its kind. Ids count up per job, without gaps that hide an event. */
export const JOB_EVENT_KINDS = ['phase', 'progress', 'log', 'metric', 'iteration', 'labels'] as const;
export const JobEventKind = z.enum(JOB_EVENT_KINDS);
export type JobEventKind = z.infer<typeof JobEventKind>;

export const LogLevel = z.enum(['info', 'warning', 'error']);
export type LogLevel = z.infer<typeof LogLevel>;
export const LogLine = z
  .object({ id: z.number().int(), at: z.iso.datetime(), level: LogLevel, message: z.string() })
  .meta({ id: 'LogLine' });
export type LogLine = z.infer<typeof LogLine>;
export const LogPage = z.object({ job_id: z.guid(), lines: z.array(LogLine) }).meta({ id: 'LogPage' });

export const Metric = z.object({
  id: z.number().int(),
  at: z.iso.datetime(),
  name: z.string(),
  step: z.number().int().optional().meta({ description: 'Epoch or iteration' }),
  iteration: z
    .number()
    .int()
    .optional()
    .meta({ description: 'Of a campaign, whose networks have epochs each' }),
  value: z.number(),
});
export const MetricPage = z.object({ job_id: z.guid(), metrics: z.array(Metric) }).meta({ id: 'MetricPage' });

export const Artifact = z
  .object({
    path: z.string().meta({ description: 'Below the job’s directory', example: 'result.h5' }),
    media_type: z.string(),
    bytes: z.number().int().nonnegative(),
    sha256: z.string().optional().meta({
      description:
        'Of the result of a preprocessing it is there a little after the job has completed: about a second for each 1.5 GB',
    }),
  })
  .meta({ id: 'Artifact' });
export type Artifact = z.infer<typeof Artifact>;
export const ArtifactPage = z
  .object({ job_id: z.guid(), dir_path: z.string(), artifacts: z.array(Artifact) })
  .meta({ id: 'ArtifactPage' });

export const Reject = z.object({ path: z.string(), reason: z.string() }).meta({ id: 'Reject' });
export type Reject = z.infer<typeof Reject>;
export const RejectPage = z
  .object({ job_id: z.guid(), total: z.number().int().nonnegative(), rejects: z.array(Reject) })
  .meta({ id: 'RejectPage' });

/**
 * `preview.json` in a preprocessing job's directory: a few rows of result.h5, evenly spread, so that a page can
 * draw them over their raw spectra without reading HDF5.
 */
export const PreprocessingPreview = z.object({
  wave: z.array(z.number()).meta({ description: 'Grid [Å, vacuum]' }),
  spectra: z.array(
    z.object({ filename: z.string(), path: z.string(), flux: z.array(z.number().nullable()) }),
  ),
});
export type PreprocessingPreview = z.infer<typeof PreprocessingPreview>;
