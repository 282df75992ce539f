import { setImmediate as turn } from 'node:timers/promises';
import type { FittingOptions } from '../../contracts/network.ts';
import { EarlyStopping, type EarlyStoppingState } from './early-stopping.ts';
import { NetworkError } from './error.ts';
import type { NetworkPlan } from './architecture.ts';
import { Random } from './random.ts';
import type { BatchResult, NamedArrays, Trainer, TrainerState } from './trainer.ts';
import { checkBatch } from './trainer-inputs.ts';

/** Rows of one call where nothing is learnt. */
const EVALUATION_ROWS = 512;

/** Spectra and their classes in memory: rows × points × 4 bytes. */
export interface LabelledSpectra {
  readonly spectra: Float32Array;
  readonly labels: Int32Array;
}

export interface EpochMetrics {
  /** 1 for the first. */
  readonly epoch: number;
  readonly learningRate: number;
  /** Means over the epoch's batches, as they were trained on: with dropout, weights changing, class weights. */
  readonly loss: number;
  readonly accuracy: number;
  /** On the held-out spectra after the epoch; absent without any. */
  readonly validation?: { readonly loss: number; readonly accuracy: number };
  readonly trainingSpectraPerSecond: number;
}

/** A training between two epochs: all that is needed to go on as if nothing had happened. */
export interface Checkpoint {
  /** Order and dropout of an epoch follow from the seed and the step, so that no generator's state is in it. */
  readonly trainer: TrainerState;
  readonly earlyStopping: EarlyStoppingState;
  readonly bestWeights: NamedArrays;
  readonly history: readonly EpochMetrics[];
}

export interface BatchProgress {
  readonly epoch: number;
  /** 1 for the first. */
  readonly batch: number;
  readonly batches: number;
  /** Mean of the epoch so far. */
  readonly loss: number;
}

export interface FitHooks {
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly onBatch?: (progress: BatchProgress) => void;
  /** After each epoch, awaited. `checkpoint` copies the state, so it is called only where one is to be kept. */
  readonly onEpoch?: (metrics: EpochMetrics, checkpoint: () => Checkpoint) => void | Promise<void>;
  /** Ends the training after the batch that runs. */
  readonly signal?: AbortSignal;
}

export interface FitResult {
  readonly history: readonly EpochMetrics[];
  /** Whose weights the trainer has at the end. */
  readonly bestEpoch: number;
  readonly stoppedEarly: boolean;
}

/**
 * Trains a network until early stopping or the last epoch; the trainer then has the weights of the best epoch. Equal
 * data, options and trainer give equal weights; a training that goes on from a checkpoint ends as one that was left in
 * peace, bit by bit where the trainer's arithmetic is the same.
 * @param data.validation needed where `val_loss` is monitored
 * @param from goes on from here; the trainer's own state does not matter then
 * @throws NetworkError `diverged` where the loss is no number any more; the signal's reason where it ended the training
 */
export async function fit(
  trainer: Trainer,
  plan: NetworkPlan,
  data: { readonly training: LabelledSpectra; readonly validation?: LabelledSpectra },
  options: FittingOptions,
  hooks: FitHooks,
  from?: Checkpoint,
): Promise<FitResult> {
  const { training, validation } = data;
  const rows = checkBatch(plan, training);
  const { monitor } = options.early_stopping;
  if (validation !== undefined) checkBatch(plan, validation);
  else if (monitor === 'val_loss')
    throw new NetworkError('bad-data', 'val_loss cannot be monitored: no spectra are held out');
  const classWeights = classWeightsOf(training.labels, plan.classes, options.class_weights);
  const stopping = new EarlyStopping(options.early_stopping, from?.earlyStopping);
  const history = [...(from?.history ?? [])];
  if (from !== undefined) trainer.setState(from.trainer);
  let bestWeights = from?.bestWeights ?? trainer.getWeights();
  const batches = Math.ceil(rows / options.batch_size);
  const buffers = new BatchBuffers(plan.points, options.batch_size);

  for (let epoch = history.length + 1; epoch <= options.epochs && !stopping.stopped; epoch++) {
    const order = epochOrder(rows, options.seed, epoch);
    const learningRate = learningRateOf(options, epoch);
    let lossSum = 0;
    let correct = 0;
    const began = hooks.now();
    for (let batch = 0; batch < batches; batch++) {
      const chosen = order.subarray(batch * options.batch_size, (batch + 1) * options.batch_size);
      const result = trainer.step(buffers.gather(training, chosen, classWeights), learningRate);
      lossSum += result.lossSum;
      correct += result.correct;
      if (!Number.isFinite(lossSum))
        throw new NetworkError(
          'diverged',
          `The loss is ${lossSum} in epoch ${epoch}: lower the learning rate`,
        );
      const seen = Math.min(rows, (batch + 1) * options.batch_size);
      hooks.onBatch?.({ epoch, batch: batch + 1, batches, loss: lossSum / seen });
      await turn();
      hooks.signal?.throwIfAborted();
    }
    const seconds = (hooks.now() - began) / 1000;
    const held = validation && evaluateAll(trainer, validation, plan.points);
    const metrics: EpochMetrics = {
      epoch,
      learningRate,
      loss: lossSum / rows,
      accuracy: correct / rows,
      ...(held === undefined
        ? {}
        : {
            validation: {
              loss: held.lossSum / held.rows,
              accuracy: held.correct / held.rows,
            },
          }),
      trainingSpectraPerSecond: rows / seconds,
    };
    history.push(metrics);
    const monitored = monitor === 'val_loss' ? metrics.validation?.loss : metrics.loss;
    if (stopping.observe(epoch, monitored ?? NaN)) bestWeights = trainer.getWeights();
    await hooks.onEpoch?.(metrics, () => ({
      trainer: trainer.getState(),
      earlyStopping: stopping.state,
      bestWeights,
      history: [...history],
    }));
    hooks.signal?.throwIfAborted();
  }
  trainer.setState({ ...trainer.getState(), weights: bestWeights });
  return { history, bestEpoch: stopping.state.bestEpoch, stoppedEarly: stopping.stopped };
}

/** The rows in the order of an epoch: one of its own for each, whatever came before. */
function epochOrder(rows: number, seed: number, epoch: number): Int32Array {
  const random = new Random(Math.imul(seed, 0x85ebca6b) ^ Math.imul(epoch, 0xc2b2ae35));
  return random.shuffle(Int32Array.from({ length: rows }, (_, row) => row));
}

/** Learning rate of an epoch; the first is 1. */
export function learningRateOf(
  { learning_rate, learning_rate_schedule: schedule }: FittingOptions,
  epoch: number,
): number {
  switch (schedule.kind) {
    case 'constant':
      return learning_rate;
    case 'step':
      return learning_rate * schedule.factor ** Math.floor((epoch - 1) / schedule.every_epochs);
    case 'cosine':
      return (
        (learning_rate / 2) *
        (1 + Math.cos((Math.PI * Math.min(epoch - 1, schedule.epochs)) / schedule.epochs))
      );
  }
}

/** Weights by class; `balanced` as scikit-learn: rows / (classes that occur · rows of the class). */
export function classWeightsOf(
  labels: Int32Array,
  classes: number,
  kind: FittingOptions['class_weights'],
): Float32Array {
  if (kind === 'none') return new Float32Array(classes).fill(1);
  const counts = new Float64Array(classes);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  const occurring = counts.filter((count) => count > 0).length;
  return Float32Array.from(counts, (count) => (count === 0 ? 0 : labels.length / (occurring * count)));
}

function evaluateAll(
  trainer: Trainer,
  { spectra, labels }: LabelledSpectra,
  points: number,
): BatchResult & { rows: number } {
  let lossSum = 0;
  let correct = 0;
  for (let at = 0; at < labels.length; at += EVALUATION_ROWS) {
    const end = Math.min(at + EVALUATION_ROWS, labels.length);
    const result = trainer.evaluate({
      spectra: spectra.subarray(at * points, end * points),
      labels: labels.subarray(at, end),
    });
    lossSum += result.lossSum;
    correct += result.correct;
  }
  return { lossSum, correct, rows: labels.length };
}

/** Memory of one batch, used again for each. */
class BatchBuffers {
  readonly #points: number;
  readonly #spectra: Float32Array;
  readonly #labels: Int32Array;
  readonly #weights: Float32Array;

  constructor(points: number, rows: number) {
    this.#points = points;
    this.#spectra = new Float32Array(rows * points);
    this.#labels = new Int32Array(rows);
    this.#weights = new Float32Array(rows);
  }

  gather(
    { spectra, labels }: LabelledSpectra,
    rows: Int32Array,
    classWeights: Float32Array,
  ): { spectra: Float32Array; labels: Int32Array; weights: Float32Array } {
    const points = this.#points;
    rows.forEach((row, at) => {
      this.#spectra.set(spectra.subarray(row * points, (row + 1) * points), at * points);
      const label = labels[row] ?? NaN;
      this.#labels[at] = label;
      this.#weights[at] = classWeights[label] ?? NaN;
    });
    return {
      spectra: this.#spectra.subarray(0, rows.length * points),
      labels: this.#labels.subarray(0, rows.length),
      weights: this.#weights.subarray(0, rows.length),
    };
  }
}
