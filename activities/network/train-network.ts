import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { EvaluationReport, TrainingReport } from '../../contracts/training.ts';
import { VERSION } from '../../contracts/version.ts';
import { type NetworkPlan, planNetwork } from '../../science/cnn/architecture.ts';
import { createTrainer } from '../../science/cnn/create-trainer.ts';
import { NetworkError } from '../../science/cnn/error.ts';
import { type Evaluation, evaluate } from '../../science/cnn/evaluation.ts';
import { fit, type LabelledSpectra } from '../../science/cnn/fit.ts';
import { initialState } from '../../science/cnn/initialize.ts';
import { readModelFiles, weightsSha256, writeModelFiles } from '../../science/cnn/model-files.ts';
import { fitUntilSound } from '../../science/cnn/refit.ts';
import { Random } from '../../science/cnn/random.ts';
import { stratifiedSplit } from '../../science/cnn/split.ts';
import type { Tensorflow } from '../../science/cnn/tensorflow.ts';
import type { Trainer } from '../../science/cnn/trainer.ts';
import { smote } from '../../science/sampling/smote.ts';
import { readTrainingSet } from '../../science/hdf5/labelled-spectra.ts';
import { parseLabelsCsv } from '../../science/labels/labels-csv.ts';
import { openObjectStore } from '../../storage/open-object-store.ts';
import { assembleTrainingData } from './assemble-training-data.ts';
import { loadCheckpoint, saveCheckpoint } from './checkpoint.ts';
import type { Tell, TrainTask } from './messages.ts';

/** What computes: for the report, as other ones round otherwise. */
export interface Computer {
  tf: Tensorflow;
  backend: string;
  /** Of the native library, or of tfjs. */
  version: string;
  threads: number;
}

const PREDICTED_AT_ONCE = 4096;
/** A heartbeat's worth: more often nobody looks. */
export const PROGRESS_MS = 250;

/**
 * Trains a network, in the child process; goes on from the checkpoint where there is one of this very training.
 * @param computer is asked for only where there is something to train on: loading TensorFlow takes a second
 * @throws NetworkError where data or network will not do
 */
export async function trainNetwork(
  computer: () => Promise<Computer>,
  task: TrainTask,
  tell: Tell,
): Promise<void> {
  const { config, checkpointKey, scratchDir } = task;
  if (task.assemble) {
    const assembled = await assembleTrainingData(task.dataPath, task.assemble, config.classes ?? []);
    if (assembled.classes < 2) {
      tell({ kind: 'untrainable', rows: assembled.rows });
      return;
    }
  }
  const { tf, backend, version, threads } = await computer();
  const labels = task.labelsPath && parseLabelsCsv(await readFile(task.labelsPath, 'utf8'));
  const set = await readTrainingSet(task.dataPath, {
    ...(labels ? { labels } : {}),
    ...(config.classes ? { classes: config.classes } : {}),
  });
  const { classes } = set;
  const log = (level: 'info' | 'warning', key: string, message: string) =>
    tell({ kind: 'log', level, key, message });
  log(
    'info',
    'network-data',
    `${set.labels.length} labelled spectra × ${set.wavelengthAngstrom.length} points, ${classes.length} classes: ${countsOf(set.labels, classes)}`,
  );
  if (set.unlabelled > 0)
    log('info', 'network-unlabelled', `spectra without a label, left out: ${set.unlabelled}`);
  if (set.unknown > 0) log('warning', 'network-unknown', `labels of no spectrum in the file: ${set.unknown}`);
  if (set.notFinite > 0)
    log(
      'warning',
      'network-not-finite',
      `${set.notFinite} labelled spectra have values that are no finite numbers and are left out`,
    );

  const plan = planNetwork(config.network, {
    points: set.wavelengthAngstrom.length,
    classes: classes.length,
  });
  const split = stratifiedSplit(set.labels, {
    fraction: config.fitting.validation_fraction,
    seed: config.fitting.seed,
    ...(set.groups ? { groups: set.groups } : {}),
  });
  const own = rowsOf(plan, set, split.training);
  // Validation is held out before: spectra made of others must not be judged by these.
  const training =
    task.oversampling === 'smote'
      ? smote(own, { points: plan.points, random: new Random(config.fitting.seed) })
      : own;
  if (training.labels.length > own.labels.length)
    log(
      'info',
      'network-oversampled',
      `SMOTE: ${training.labels.length - own.labels.length} spectra added between labelled ones, ${training.labels.length} to learn from`,
    );
  const validation = split.validation.length > 0 ? rowsOf(plan, set, split.validation) : undefined;
  const identity = createHash('sha256')
    .update(JSON.stringify([set.sha256, task.oversampling, config.network, config.fitting]))
    .digest('hex');
  const store = await openObjectStore(task.objects);
  const saved = await loadCheckpoint(store, checkpointKey, plan, identity);
  const { epochs } = config.fitting;
  const computedBy = `${backend} ${version}, ${threads} threads`;
  const computers = [...new Set([...(saved?.computers ?? []), computedBy])];
  if (saved) {
    const { history } = saved.checkpoint;
    const { epoch = 0 } = history.at(-1) ?? {};
    // Its key has the attempt of the moment, so that each going-on is told.
    log(
      'info',
      `network-resumed-${saved.attempt}-${epoch}`,
      `goes on after epoch ${epoch}, from its checkpoint`,
    );
    if (computers.length > 1)
      log(
        'warning',
        `network-computers-${computers.length}`,
        `trained by ${computers.join(', then by ')}: these round otherwise, so the weights will not be those of one of them`,
      );
    // Whoever listened may have died before it was written down.
    for (const metrics of history) tell({ kind: 'epoch', attempt: saved.attempt, epochs, metrics });
  }

  const predecessor =
    task.predecessorDir &&
    (await evaluatePredecessor({ tf, scratchDir }, task.predecessorDir, {
      plan,
      classes,
      data: validation ?? own,
    }));
  const fitted = await fitUntilSound(
    async (seed, attempt) => {
      const trainer = await createTrainer(tf, plan, { seed, scratchDirectory: scratchDir });
      try {
        let told: { at: number; batches: number } | undefined;
        const began = performance.now();
        const result = await fit(
          trainer,
          plan,
          { training, ...(validation ? { validation } : {}) },
          { ...config.fitting, seed },
          {
            now: () => performance.now(),
            onBatch: (progress) => {
              const at = performance.now();
              const batches = (progress.epoch - 1) * progress.batches + progress.batch;
              const before = told ?? { at: began, batches: batches - 1 };
              if (told && at - told.at < PROGRESS_MS) return;
              told = { at, batches };
              const rows = (batches - before.batches) * config.fitting.batch_size;
              const spectraPerSecond = (1000 * rows) / Math.max(1, at - before.at);
              tell({ kind: 'progress', attempt, ...progress, spectraPerSecond });
            },
            onEpoch: async (metrics, checkpoint) => {
              // The last step of an epoch shows in nothing but the held-out spectra yet.
              if (metrics.validation && !Number.isFinite(metrics.validation.loss))
                throw new NetworkError(
                  'diverged',
                  `The loss on held-out spectra is ${metrics.validation.loss} after epoch ${metrics.epoch}: lower the learning rate`,
                );
              await saveCheckpoint(store, checkpointKey, plan, {
                training: identity,
                computers,
                attempt,
                checkpoint: checkpoint(),
              });
              tell({ kind: 'epoch', attempt, epochs, metrics });
            },
          },
          saved?.attempt === attempt ? saved.checkpoint : undefined,
        );
        const held = validation && (await evaluateOn(trainer, plan, validation));
        const learnt = await evaluateOn(trainer, plan, own);
        const model = { result, held, learnt, weights: trainer.getWeights(), way: trainer.way };
        return { model, evaluation: held ?? learnt };
      } finally {
        trainer.dispose();
      }
    },
    {
      seed: config.fitting.seed,
      firstAttempt: saved?.attempt ?? 1,
      ...(predecessor && { predecessor }),
      onFailedFit: ({ seed, attempt, reason }) =>
        log(
          'warning',
          `network-failed-${attempt}`,
          `fit ${attempt} with seed ${seed} ${reason}; the next seed is tried`,
        ),
    },
  );
  const { result, held, learnt, weights, way } = fitted.model;
  const report: TrainingReport = {
    classes: [...classes],
    points: plan.points,
    trainingRows: split.training.length,
    validationRows: split.validation.length,
    seed: fitted.seed,
    collapsed: fitted.collapsed,
    bestEpoch: result.bestEpoch,
    epochs: result.history.length,
    stoppedEarly: result.stoppedEarly,
    backend: `${backend} (${version})`,
    way,
    threads,
    weightsSha256: weightsSha256(plan, weights),
    ...(held ? { validation: reportOf(held, classes) } : {}),
    training: reportOf(learnt, classes),
  };
  const files = await writeModelFiles(task.modelDir, {
    plan,
    architecture: config.network,
    weights,
    classes,
    wavelengthAngstrom: set.wavelengthAngstrom,
    metadata: {
      software: `Spectrolabe ${VERSION}`,
      scaling: set.scaling ?? null,
      trainingSetSha256: set.sha256,
      fitting: config.fitting,
      computers,
      report,
    },
  });
  tell({ kind: 'trained', report, files });
}

function countsOf(labels: Int32Array, classes: readonly string[]): string {
  const counts = new Array<number>(classes.length).fill(0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return classes.map((name, label) => `${counts[label]} ${name}`).join(', ');
}

function rowsOf(
  { points }: NetworkPlan,
  set: { spectra: Float32Array; labels: Int32Array },
  rows: Int32Array,
): LabelledSpectra {
  const spectra = new Float32Array(rows.length * points);
  rows.forEach((row, at) => spectra.set(set.spectra.subarray(row * points, (row + 1) * points), at * points));
  return { spectra, labels: rows.map((row) => set.labels[row] ?? NaN) };
}

/** What the model before says of the same spectra; undefined where it is of another network, or other classes. */
async function evaluatePredecessor(
  { tf, scratchDir }: { tf: Tensorflow; scratchDir: string },
  directory: string,
  { plan, classes, data }: { plan: NetworkPlan; classes: readonly string[]; data: LabelledSpectra },
): Promise<Evaluation | undefined> {
  const model = await readModelFiles(directory);
  const shapes = ({ parameters }: NetworkPlan) =>
    JSON.stringify(parameters.map(({ name, shape }) => [name, shape]));
  const before = planNetwork(model.architecture, {
    points: model.wavelengthAngstrom.length,
    classes: model.classes.length,
  });
  if (shapes(before) !== shapes(plan) || model.classes.join('\n') !== classes.join('\n')) return undefined;
  const trainer = await createTrainer(tf, plan, {
    seed: 0,
    scratchDirectory: scratchDir,
    initial: { ...initialState(plan, 0), weights: model.weights },
  });
  try {
    return await evaluateOn(trainer, plan, data);
  } finally {
    trainer.dispose();
  }
}

async function evaluateOn(
  trainer: Trainer,
  { points, classes }: NetworkPlan,
  data: LabelledSpectra,
): Promise<Evaluation> {
  const rows = data.labels.length;
  const probabilities = new Float32Array(rows * classes);
  for (let first = 0; first < rows; first += PREDICTED_AT_ONCE) {
    const end = Math.min(rows, first + PREDICTED_AT_ONCE);
    probabilities.set(trainer.predict(data.spectra.subarray(first * points, end * points)), first * classes);
    // Otherwise the process would not hear that its worker is gone.
    await turn();
  }
  return evaluate(data.labels, probabilities, classes);
}

function reportOf(
  { n, accuracy, balancedAccuracy, confusion, perClass }: Evaluation,
  classes: readonly string[],
): EvaluationReport {
  return {
    n,
    accuracy,
    balancedAccuracy,
    confusion: confusion.map((row) => [...row]),
    perClass: perClass.map((one, index) => ({ name: classes[index] ?? String(index), ...one })),
  };
}
