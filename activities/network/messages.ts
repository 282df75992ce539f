import { z } from 'zod';
import { TrainingConfig, TrainingReport } from '../../contracts/training.ts';

/** Train on the spectra of an HDF5, and leave the model's files in a directory. Paths are host paths. */
export const TrainTask = z.object({
  kind: z.literal('train'),
  config: TrainingConfig,
  dataPath: z.string(),
  labelsPath: z.string().optional(),
  /** Root of the object store, and the checkpoint's key in it. */
  objectsDir: z.string(),
  checkpointKey: z.string(),
  /** Empty; the model's files go here. */
  modelDir: z.string(),
  scratchDir: z.string(),
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

export const NetworkTask = z.discriminatedUnion('kind', [TrainTask, ScoreTask]);
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
  z.object({
    kind: z.literal('failed'),
    message: z.string(),
    trace: z.string(),
    /** What is wrong with the data or the network stays wrong. */
    retryable: z.boolean(),
  }),
]);
export type ChildMessage = z.infer<typeof ChildMessage>;
export type Tell = (message: ChildMessage) => void;
