import { z } from 'zod';
import { DEFAULT_NETWORK, EarlyStopping, FittingOptions, NetworkArchitecture } from './network.ts';

const StorePath = z.string().startsWith('/', 'must start with /').max(4096);
const ClassName = z.string().min(1).max(30);

/** `config.json` of a TRAINING job. Unknown keys are refused, so that no option is ever ignored in silence. */
export const TrainingConfig = z
  .strictObject({
    training_data_path: StorePath.meta({
      description:
        'HDF5 in the file store with filenames, fluxes and wave: a preprocessing job’s result.h5, or a file that has labels too',
      example: '/JOBS/job_survey_…/result.h5',
    }),
    labels_path: StorePath.optional().meta({
      description:
        'CSV in the file store with the columns filename and label (others are passed over); rows without a label are not ' +
        'trained on. Needed where the HDF5 has no labels',
    }),
    classes: z
      .array(ClassName)
      .min(2)
      .max(1000)
      .refine((names) => new Set(names).size === names.length, 'must all be different')
      .optional()
      .meta({
        description:
          'Names of the classes in the order of the network’s outputs. Absent: the labels that occur, sorted; numeric labels by number',
        example: ['other', 'single peak', 'double peak'],
      }),
    network: NetworkArchitecture.default(DEFAULT_NETWORK),
    fitting: FittingOptions.extend({
      validation_fraction: FittingOptions.shape.validation_fraction.unwrap().default(0.2),
      early_stopping: EarlyStopping.extend({
        monitor: EarlyStopping.shape.monitor.unwrap().default('val_loss'),
        patience: EarlyStopping.shape.patience.unwrap().default(20),
      }).prefault({}),
    }).prefault({}),
    accelerator: z.enum(['auto', 'gpu', 'cpu']).default('auto').meta({
      description: 'Which workers train: those with a GPU, those without, or a GPU where one is alive',
    }),
    pool_data_path: StorePath.optional().meta({
      description:
        'HDF5 with fluxes on the same grid, to be classified with the trained network: predictions.h5',
    }),
    batch_size_predict: z.int().min(1).max(1_000_000).default(16_384),
  })
  .superRefine(({ fitting }, context) => {
    if (fitting.early_stopping.monitor === 'val_loss' && fitting.validation_fraction === 0)
      context.addIssue({
        code: 'custom',
        path: ['fitting', 'early_stopping', 'monitor'],
        message: 'val_loss needs a validation_fraction above 0',
      });
  });
export type TrainingConfig = z.infer<typeof TrainingConfig>;

/** What a TRAINING workflow is started with. */
export const TrainWorkflowInput = z.object({ jobId: z.uuid(), config: TrainingConfig });
export type TrainWorkflowInput = z.infer<typeof TrainWorkflowInput>;

const ClassReport = z.object({
  name: z.string(),
  labelled: z.int(),
  predicted: z.int(),
  precision: z.number().optional(),
  recall: z.number().optional(),
});

/** Counts, accuracy, precision and recall on labelled spectra. */
export const EvaluationReport = z.object({
  n: z.int(),
  accuracy: z.number(),
  balancedAccuracy: z.number(),
  /** Row: the labelled class; column: the predicted one. */
  confusion: z.array(z.array(z.int())),
  perClass: z.array(ClassReport),
});
export type EvaluationReport = z.infer<typeof EvaluationReport>;

/** `training.json` in a TRAINING job's directory: what came of it, for its page and for scripts. */
export const TrainingReport = z.object({
  classes: z.array(z.string()),
  points: z.int(),
  trainingRows: z.int(),
  validationRows: z.int(),
  /** Of the fit that was kept; the next after the configured one where that collapsed. */
  seed: z.int(),
  collapsed: z.boolean(),
  bestEpoch: z.int(),
  epochs: z.int(),
  stoppedEarly: z.boolean(),
  backend: z.string(),
  /** `graph` or `op-by-op`. */
  way: z.string(),
  /** Threads that TensorFlow computed with: other numbers of them give other roundings. */
  threads: z.int(),
  weightsSha256: z.string(),
  /** On the spectra that were held out; absent without any. */
  validation: EvaluationReport.optional(),
  training: EvaluationReport,
});
export type TrainingReport = z.infer<typeof TrainingReport>;

/** Names of the metrics of an epoch in events and `/metrics`; `step` is the epoch. */
export const EPOCH_METRICS = [
  'loss',
  'accuracy',
  'val_loss',
  'val_accuracy',
  'learning_rate',
  'spectra_per_second',
] as const;
export type EpochMetric = (typeof EPOCH_METRICS)[number];
