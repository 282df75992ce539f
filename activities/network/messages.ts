import { z } from 'zod';
import { AcquisitionStrategy } from '../../contracts/active-learning.ts';
import { PoolCuts } from '../../contracts/cuts.ts';
import { ObjectGrouping } from '../../contracts/objects.ts';
import { StorageLocation } from '../../contracts/storage-location.ts';
import { SpectrumSet } from '../../contracts/labelling.ts';
import { TrainingConfig, TrainingReport } from '../../contracts/training.ts';

/** Train on the spectra of an HDF5, and leave the model's files in a directory. Paths are host paths. */
export const TrainTask = z.object({
  kind: z.literal('train'),
  config: TrainingConfig,
  dataPath: z.string(),
  labelsPath: z.string().optional(),
  /** Where the object store is, and the checkpoint's key in it. */
  objects: StorageLocation,
  checkpointKey: z.string(),
  /** Empty; the model's files go here. */
  modelDir: z.string(),
  scratchDir: z.string(),
  /** Makes the file at `dataPath` first: of labelled files, and of rows of a pool. */
  assemble: z
    .object({
      /** Labelled HDF5s, the older first. */
      earlierPaths: z.array(z.string()),
      poolPath: z.string(),
      /** JSON: PoolLabels. */
      labelsPath: z.string(),
    })
    .optional(),
  oversampling: z.enum(['smote', 'none']),
  /** Model of the iteration before: a fit that does much worse has collapsed. */
  predecessorDir: z.string().optional(),
});
export type TrainTask = z.infer<typeof TrainTask>;

/** Classify all spectra of an HDF5 with a model. */
export const ScoreTask = z.object({
  kind: z.literal('score'),
  modelDir: z.string(),
  poolPath: z.string(),
  /** The HDF5 to write. */
  target: z.string(),
  batchSize: z.int().positive(),
  scratchDir: z.string(),
});
export type ScoreTask = z.infer<typeof ScoreTask>;

/** The classes as they were when an iteration began: people may change them meanwhile. */
const IterationClasses = {
  classListVersion: z.int(),
  classes: z.array(z.string()),
  candidateClasses: z.array(z.string()),
};

const RowLabels = z.object({ rows: z.array(z.int()), labels: z.array(z.int()) });

/** Labels of spectra of a pool, as numbers of classes. */
export const PoolLabels = RowLabels.extend({
  /** Labels from earlier work are of names: a row's own label comes before. */
  named: z.object({ names: z.array(z.string()), labels: z.array(z.int()) }),
});
export type PoolLabels = z.infer<typeof PoolLabels>;

/** `labels.json` of an iteration: what its network learns from. */
export const IterationLabels = PoolLabels.extend(IterationClasses);
export type IterationLabels = z.infer<typeof IterationLabels>;

/** What of a pool is labelled already when a campaign begins, or a step. */
export const PreparedPool = z.object({
  rows: z.int(),
  points: z.int(),
  /** Rows of spectra that stand in the labelled files. */
  known: z.array(z.int()),
  /** Labels given by file name in JSON. */
  added: RowLabels,
  /** Spectra in the labelled files. */
  trainingRows: z.int(),
});
export type PreparedPool = z.infer<typeof PreparedPool>;

/** Find the spectra of a pool that have labels before its first batch. Needs no TensorFlow. */
export const PrepareTask = z.object({
  kind: z.literal('prepare'),
  poolPath: z.string(),
  earlierPaths: z.array(z.string()),
  oracleDataPath: z.string().optional(),
  classes: z.array(z.string()),
  cuts: PoolCuts.optional(),
  objects: ObjectGrouping.optional(),
  /** Empty; pool.json, pool-cut.bin and pool-objects.bin go here. */
  targetDir: z.string(),
});
export type PrepareTask = z.infer<typeof PrepareTask>;

/** A spectrum of a batch. */
export const SelectedSpectrum = z.object({
  row: z.int(),
  filename: z.string(),
  set: SpectrumSet,
  /** Predicted class; absent where there is no model. */
  prediction: z.string().optional(),
  probabilities: z.array(z.number()).optional(),
  /** What spectra of one object have in common. */
  object: z.string().optional(),
});

/** `selection.json`: a batch, and what the predictions of an iteration look like. */
export const Selection = z.object({
  iteration: z.int(),
  ...IterationClasses,
  strategy: z.string(),
  /** Of an audit: how many spectra of the pool each candidate class has, of which its sample was drawn. */
  audit: z.record(z.string(), z.int()).optional(),
  spectra: z.array(SelectedSpectrum),
  candidates: z.int(),
  /** Absent without a model. */
  predictions: z
    .object({
      /** Spectra of the pool by predicted class. */
      perClass: z.array(z.int()),
      unclassified: z.int(),
      meanEntropy: z.number(),
      /** Counts in bins of equal width from 0 to ln(classes). */
      entropyHistogram: z.array(z.int()),
      /** Against the iteration before; absent where that had no model, or other classes. */
      kappa: z.number().optional(),
      changed: z.number().optional(),
    })
    .optional(),
});
export type Selection = z.infer<typeof Selection>;

/** Spectra that cannot be chosen: labelled, skipped. */
export const ExcludedSpectra = z.object({ rows: z.array(z.int()), names: z.array(z.string()) });
export type ExcludedSpectra = z.infer<typeof ExcludedSpectra>;

/** Choose the spectra of a batch. Needs TensorFlow for some acquisition functions only. */
export const SelectTask = z.object({
  kind: z.literal('select'),
  iteration: z.int(),
  poolPath: z.string(),
  /** Absent without a model: the batch is drawn from the spectra alone. */
  scored: z
    .object({
      predictionsPath: z.string(),
      modelDir: z.string(),
      trainingDataPath: z.string(),
      /** result.h5 of the iteration before. */
      previousPath: z.string().optional(),
    })
    .optional(),
  /** JSON: ExcludedSpectra. */
  excludedPath: z.string(),
  /** Directory of what was prepared. */
  preparedDir: z.string(),
  /** Whether the batch is to show the precision of the model and nothing else. */
  audit: z.boolean(),
  ...IterationClasses,
  strategy: AcquisitionStrategy,
  firstBatch: z.enum(['diverse', 'random']),
  oracleSize: z.int(),
  performanceSize: z.int(),
  /** Most candidates that become labellings. */
  candidatesShown: z.int(),
  seed: z.int(),
  /** Empty; result.h5, prep_spectra.json and selection.json go here. */
  targetDir: z.string(),
  scratchDir: z.string(),
});
export type SelectTask = z.infer<typeof SelectTask>;

/** Map a training set in two dimensions. Needs no TensorFlow. */
export const EmbedTask = z.object({
  kind: z.literal('embed'),
  trainingDataPath: z.string(),
  classes: z.array(z.string()),
  seed: z.int(),
  /** The dim_reduc.json to write. */
  target: z.string(),
});
export type EmbedTask = z.infer<typeof EmbedTask>;

/** A label of the campaign, for the catalogue. */
export const CatalogueLabel = z.object({
  /** Row of the pool, or the name of a spectrum whose label was imported. */
  row: z.int().optional(),
  filename: z.string(),
  label: z.string(),
  labelledBy: z.string().optional(),
  iteration: z.int(),
});
export type CatalogueLabel = z.infer<typeof CatalogueLabel>;

/** Write the catalogue of candidates. Needs no TensorFlow. */
export const CatalogueTask = z.object({
  kind: z.literal('catalogue'),
  jobId: z.string(),
  poolPath: z.string(),
  /** Absent where there never was a model. */
  predictionsPath: z.string().optional(),
  candidateClasses: z.array(z.string()),
  preparedDir: z.string(),
  /** JSON: CatalogueLabel[]. */
  labelsPath: z.string(),
  precision: z.array(
    z.object({
      class: z.string(),
      n: z.int(),
      right: z.int(),
      precision: z.number().optional(),
      lower: z.number(),
      upper: z.number(),
      confidence: z.number(),
      method: z.string(),
    }),
  ),
  /** Empty. */
  targetDir: z.string(),
});
export type CatalogueTask = z.infer<typeof CatalogueTask>;

export const NetworkTask = z.discriminatedUnion('kind', [
  TrainTask,
  ScoreTask,
  PrepareTask,
  SelectTask,
  EmbedTask,
  CatalogueTask,
]);
export type NetworkTask = z.infer<typeof NetworkTask>;

const EpochReport = z.object({
  epoch: z.int(),
  learningRate: z.number(),
  loss: z.number(),
  accuracy: z.number(),
  validation: z.object({ loss: z.number(), accuracy: z.number() }).optional(),
  trainingSpectraPerSecond: z.number(),
});

/** What the child says; each task ends with `trained` or `scored`, or with `failed`. */
export const ChildMessage = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('log'),
    level: z.enum(['info', 'warning']),
    message: z.string(),
    key: z.string(),
  }),
  z.object({
    kind: z.literal('progress'),
    /** Which fit; more than 1 where the one before collapsed. */
    attempt: z.int(),
    epoch: z.int(),
    batch: z.int(),
    batches: z.int(),
    loss: z.number(),
    /** Since the message before. */
    spectraPerSecond: z.number(),
  }),
  /** The epoch's checkpoint is kept by then. */
  z.object({ kind: z.literal('epoch'), attempt: z.int(), epochs: z.int(), metrics: EpochReport }),
  z.object({ kind: z.literal('scoring'), done: z.int(), total: z.int() }),
  z.object({ kind: z.literal('trained'), report: TrainingReport, files: z.array(z.string()) }),
  z.object({ kind: z.literal('scored'), rows: z.int(), bytes: z.int(), sha256: z.string() }),
  /** There are labels, but of fewer than two classes. */
  z.object({ kind: z.literal('untrainable'), rows: z.int() }),
  z.object({ kind: z.literal('prepared'), pool: z.object({ rows: z.int(), labelled: z.int() }) }),
  z.object({ kind: z.literal('selected'), spectra: z.int() }),
  z.object({ kind: z.literal('embedded') }),
  z.object({ kind: z.literal('catalogued'), spectra: z.int(), objects: z.int() }),
  z.object({
    kind: z.literal('failed'),
    message: z.string(),
    trace: z.string(),
    /** What is wrong with the data or the network stays wrong. */
    retryable: z.boolean(),
  }),
]);
export type ChildMessage = z.infer<typeof ChildMessage>;
/** How a task ends. */
export const ENDINGS = [
  'trained',
  'scored',
  'untrainable',
  'prepared',
  'selected',
  'embedded',
  'catalogued',
  'failed',
] as const;
export type Ending = Extract<ChildMessage, { kind: (typeof ENDINGS)[number] }>;
export function isEnding(message: ChildMessage): message is Ending {
  return ENDINGS.some((kind) => kind === message.kind);
}
export type Tell = (message: ChildMessage) => void;
