import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { EvaluationReport, TrainingReport } from '../../contracts/training.ts';
import { VERSION } from '../../contracts/version.ts';
import { type NetworkPlan, planNetwork } from '../../science/cnn/architecture.ts';
import { createTrainer } from '../../science/cnn/create-trainer.ts';
import { type Evaluation, evaluate } from '../../science/cnn/evaluation.ts';
import { fit, type LabelledSpectra } from '../../science/cnn/fit.ts';
import { weightsSha256, writeModelFiles } from '../../science/cnn/model-files.ts';
import { fitUntilSound } from '../../science/cnn/refit.ts';
import { stratifiedSplit } from '../../science/cnn/split.ts';
import type { Tensorflow } from '../../science/cnn/tensorflow.ts';
import type { Trainer } from '../../science/cnn/trainer.ts';
import { readTrainingSet } from '../../science/hdf5/labelled-spectra.ts';
import { parseLabelsCsv } from '../../science/labels/labels-csv.ts';
import { createLocalDiskStore } from '../../storage/local-disk.ts';
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
const PROGRESS_MS = 250;

/**
 * Trains a network, in the child process; goes on from the checkpoint where there is one of this very training.
 * @throws NetworkError where data or network will not do
 */
export async function trainNetwork(
  { tf, backend, version, threads }: Computer,
  task: TrainTask,
  tell: Tell,
): Promise<void> {
  const { config, checkpointKey, scratchDir } = task;
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
    log('info', 'network-unlabelled', `${set.unlabelled} spectra have no label and are left out`);
  if (set.unknown > 0)
    log('warning', 'network-unknown', `${set.unknown} labels are of no spectrum in the file`);
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
  const training = rowsOf(plan, set, split.training);
  const validation = split.validation.length > 0 ? rowsOf(plan, set, split.validation) : undefined;
  const identity = createHash('sha256')
    .update(JSON.stringify([set.sha256, config.network, config.fitting, backend, version, threads]))
    .digest('hex');
  const store = createLocalDiskStore(task.objectsDir);
  const saved = await loadCheckpoint(store, checkpointKey, plan, identity);
  if (saved) {
    const { epoch = 0 } = saved.checkpoint.history.at(-1) ?? {};
    // Its key has the attempt of the moment, so that each going-on is told.
    log(
      'info',
      `network-resumed-${saved.attempt}-${epoch}`,
      `goes on after epoch ${epoch}, from its checkpoint`,
    );
  }

  const fitted = await fitUntilSound(
    async (seed, attempt) => {
      const trainer = await createTrainer(tf, plan, { seed, scratchDirectory: scratchDir });
      try {
        let told = 0;
        const result = await fit(
          trainer,
          plan,
          { training, ...(validation ? { validation } : {}) },
          { ...config.fitting, seed },
          {
            now: () => performance.now(),
            onBatch: (progress) => {
              if (performance.now() - told < PROGRESS_MS) return;
              told = performance.now();
              tell({ kind: 'progress', attempt, ...progress });
            },
            onEpoch: async (metrics, checkpoint) => {
              await saveCheckpoint(store, checkpointKey, plan, {
                training: identity,
                attempt,
                checkpoint: checkpoint(),
              });
              tell({ kind: 'epoch', attempt, epochs: config.fitting.epochs, metrics });
            },
          },
          saved?.attempt === attempt ? saved.checkpoint : undefined,
        );
        const held = validation && evaluateOn(trainer, plan, validation);
        const own = evaluateOn(trainer, plan, training);
        const model = { result, held, own, weights: trainer.getWeights(), way: trainer.way };
        return { model, evaluation: held ?? own };
      } finally {
        trainer.dispose();
      }
    },
    {
      seed: config.fitting.seed,
      firstAttempt: saved?.attempt ?? 1,
      onFailedFit: ({ seed, attempt, reason }) =>
        log(
          'warning',
          `network-failed-${attempt}`,
          `fit ${attempt} with seed ${seed} ${reason}; the next seed is tried`,
        ),
    },
  );
  const { result, held, own, weights, way } = fitted.model;
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
    training: reportOf(own, classes),
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

function evaluateOn(trainer: Trainer, { points, classes }: NetworkPlan, data: LabelledSpectra): Evaluation {
  const rows = data.labels.length;
  const probabilities = new Float32Array(rows * classes);
  for (let first = 0; first < rows; first += PREDICTED_AT_ONCE) {
    const end = Math.min(rows, first + PREDICTED_AT_ONCE);
    probabilities.set(trainer.predict(data.spectra.subarray(first * points, end * points)), first * classes);
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
