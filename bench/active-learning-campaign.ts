import { createHash } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import { FittingOptions, NetworkArchitecture } from '../contracts/network.ts';
import type { AcquisitionFunctionName } from '../science/acquisition/functions.ts';
import { selectRows } from '../science/acquisition/select-rows.ts';
import { planNetwork, type NetworkPlan } from '../science/cnn/architecture.ts';
import { createTrainer } from '../science/cnn/create-trainer.ts';
import { evaluate, type Evaluation } from '../science/cnn/evaluation.ts';
import { fit, type LabelledSpectra } from '../science/cnn/fit.ts';
import { initialState } from '../science/cnn/initialize.ts';
import { createOpByOpTrainer, type OpByOpTrainer } from '../science/cnn/op-by-op-trainer.ts';
import { Random } from '../science/cnn/random.ts';
import { fitUntilSound } from '../science/cnn/refit.ts';
import type { Tensorflow } from '../science/cnn/tensorflow.ts';
import type { NamedArrays, Trainer } from '../science/cnn/trainer.ts';
import { randomSample } from '../science/sampling/random-sample.ts';
import { smote } from '../science/sampling/smote.ts';
import { CLASSES, injectLines, type Host, type InjectedSpectra } from './injected-lines.ts';

/** How a campaign goes; results of other settings are not mixed with its own. */
export const SETTINGS = {
  poolRows: 10_000,
  testRows: 4_000,
  /** Share of the hosts that test spectra alone are made of. */
  testHosts: 0.3,
  /**
   * Labels in each iteration. The first batch is drawn at random, the same for all strategies of a seed: k-means++ finds
   * rare spectra too, and what it saves would be taken for the strategy's. Random learns so slowly that it gets more
   * labels, to end where others are compared with it.
   */
  labels: [50, 75, 100, 150, 200, 250, 300, 350],
  labelsOfRandom: [50, 100, 200, 350, 500, 700, 1000],
  dropoutDraws: 10,
  /** Much smaller than the default network, which multiplies some seventy times as often. */
  network: NetworkArchitecture.parse({
    layers: [
      ...[16, 32].flatMap((filters) => [
        { kind: 'conv1d', filters, kernel_size: 5 },
        { kind: 'max_pooling1d' },
      ]),
      { kind: 'flatten' },
      { kind: 'dense', units: 64 },
      { kind: 'dropout' },
    ],
  }),
  fitting: FittingOptions.parse({
    epochs: 40,
    early_stopping: { monitor: 'loss', min_delta: 1e-3, patience: 10 },
  }),
} as const;

export interface CampaignKey {
  readonly strategy: AcquisitionFunctionName;
  readonly rareFraction: number;
  readonly seed: number;
}

/** What a network trained on so many labels does on test spectra of stars that it has seen none of. */
export interface CurvePoint {
  readonly labels: number;
  /** Mean of the F1 of the rare classes; 0 for one that is never rightly predicted. */
  readonly f1: number;
  readonly f1PerClass: readonly number[];
  readonly labelledPerClass: readonly number[];
  /** Fits that collapsed or diverged and were made again. */
  readonly failedFits: number;
  /** All four fits collapsed; the last one was taken. */
  readonly collapsed: boolean;
}

export interface Campaign extends CampaignKey {
  readonly seconds: number;
  readonly curve: readonly CurvePoint[];
}

export interface CampaignSets {
  readonly pool: InjectedSpectra;
  readonly test: InjectedSpectra;
}

/** Pool and test set of different stars, the same for all strategies of a seed. */
export function makeSets(hosts: readonly Host[], key: CampaignKey): CampaignSets {
  const random = randomOf(sharedBy(key), 'sets');
  const order = random.shuffle(Array.from(hosts, (_, i) => i)).flatMap((i) => hosts[i] ?? []);
  const testHosts = Math.round(SETTINGS.testHosts * hosts.length);
  const { rareFraction } = key;
  return {
    test: injectLines(order.slice(0, testHosts), { count: SETTINGS.testRows, rareFraction, random }),
    pool: injectLines(order.slice(testHosts), { count: SETTINGS.poolRows, rareFraction, random }),
  };
}

/**
 * A campaign without people: labels are those that were injected. First batches and seeds of the networks are the same
 * for all strategies, so that these can be compared seed by seed.
 * @param sets those of the key
 * @param scratchDirectory where TensorFlow's graph is put for a moment
 */
export async function runCampaign(
  tf: Tensorflow,
  { pool, test }: CampaignSets,
  key: CampaignKey,
  scratchDirectory: string,
  signal: AbortSignal,
): Promise<Campaign> {
  const began = performance.now();
  const seed = randomOf(sharedBy(key), 'dropout').uint32();
  const model = await Model.create(tf, pool.points, seed, scratchDirectory);
  try {
    const labelled = new Set<number>();
    const curve: CurvePoint[] = [];
    let isTrained = false;
    const schedule = key.strategy === 'random' ? SETTINGS.labelsOfRandom : SETTINGS.labels;
    for (const [iteration, labels] of schedule.entries()) {
      const n = labels - labelled.size;
      const chosen = isTrained
        ? await chooseByModel(model, pool, labelled, n, key, iteration)
        : await chooseWithoutModel(pool, labelled, n, key, iteration);
      for (const row of chosen) labelled.add(row);
      const rows = Int32Array.from(labelled);
      const classes = rows.map((row) => pool.labels[row] ?? NaN);
      const labelledPerClass = CLASSES.map((_, one) => classes.filter((label) => label === one).length);
      const known = { spectra: rowsOf(pool.spectra, rows, pool.points), labels: classes };
      const canTrain = new Set(classes).size > 1;
      const fitted = canTrain ? await model.train(known, isTrained, key, iteration, signal) : NO_FIT;
      isTrained ||= canTrain;
      const f1PerClass = isTrained
        ? f1Of(evaluate(test.labels, model.predict(test.spectra), CLASSES.length))
        : [0, 0, 0];
      const rare = f1PerClass.slice(1);
      curve.push({
        labels,
        f1: rare.reduce((sum, value) => sum + value / rare.length, 0),
        f1PerClass,
        labelledPerClass,
        ...fitted,
      });
    }
    return { ...key, seconds: (performance.now() - began) / 1000, curve };
  } finally {
    model.dispose();
  }
}

const NO_FIT = { failedFits: 0, collapsed: false };

function chooseWithoutModel(
  { labels }: InjectedSpectra,
  labelled: ReadonlySet<number>,
  n: number,
  key: CampaignKey,
  iteration: number,
): Promise<Int32Array> {
  return randomSample([{ firstRow: 0, rows: labels.length }], {
    n,
    random: randomOf(sharedBy(key), `first ${iteration}`),
    isExcluded: (row) => labelled.has(row),
  });
}

async function chooseByModel(
  model: Model,
  pool: InjectedSpectra,
  labelled: ReadonlySet<number>,
  n: number,
  key: CampaignKey,
  iteration: number,
): Promise<Int32Array> {
  const spectraOf = (rows: Int32Array): Float32Array => rowsOf(pool.spectra, rows, pool.points);
  const selected = await selectRows([{ firstRow: 0, probabilities: model.predict(pool.spectra) }], {
    strategy: key.strategy,
    n,
    classes: CLASSES.length,
    random: randomOf(key, `choice ${iteration}`),
    isExcluded: ({ row }) => labelled.has(row),
    embeddingsOf: async (rows) => model.network().embed(spectraOf(rows)),
    labelledEmbeddings: async () => model.network().embed(spectraOf(Int32Array.from(labelled))),
    dropoutProbabilitiesOf: async (rows) => {
      const spectra = spectraOf(rows);
      const network = model.network();
      const draws = SETTINGS.dropoutDraws;
      const size = rows.length * CLASSES.length;
      const probabilities = new Float32Array(draws * size);
      for (let draw = 0; draw < draws; draw++)
        probabilities.set(network.predictWithDropout(spectra, draw), draw * size);
      return { draws, probabilities };
    },
  });
  return Int32Array.from(selected, ({ row }) => row);
}

/** A network that is trained anew in each iteration. */
class Model {
  readonly #tf: Tensorflow;
  readonly #plan: NetworkPlan;
  readonly #trainer: Trainer;
  readonly #dropoutSeed: number;
  #network: OpByOpTrainer | undefined;

  private constructor(tf: Tensorflow, plan: NetworkPlan, trainer: Trainer, dropoutSeed: number) {
    this.#tf = tf;
    this.#plan = plan;
    this.#trainer = trainer;
    this.#dropoutSeed = dropoutSeed;
  }

  static async create(
    tf: Tensorflow,
    points: number,
    seed: number,
    scratchDirectory: string,
  ): Promise<Model> {
    const plan = planNetwork(SETTINGS.network, { points, classes: CLASSES.length });
    return new Model(tf, plan, await createTrainer(tf, plan, { seed, scratchDirectory }), seed);
  }

  /**
   * From fresh weights, with SMOTE, and again where the fit collapsed on the labelled spectra themselves, against the
   * model before.
   */
  async train(
    known: LabelledSpectra,
    hasPredecessor: boolean,
    key: CampaignKey,
    iteration: number,
    signal: AbortSignal,
  ): Promise<{ failedFits: number; collapsed: boolean }> {
    const { points } = this.#plan;
    const shared = sharedBy(key);
    const training = smote(known, { points, random: randomOf(shared, `smote ${iteration}`) });
    const evaluation = (): Evaluation => evaluate(known.labels, this.predict(known.spectra), CLASSES.length);
    let failedFits = 0;
    const result = await fitUntilSound<NamedArrays>(
      async (seed) => {
        this.#trainer.setState(initialState(this.#plan, seed));
        const options = { ...SETTINGS.fitting, seed };
        await fit(this.#trainer, this.#plan, { training }, options, { now: () => performance.now(), signal });
        return { model: this.#trainer.getWeights(), evaluation: evaluation() };
      },
      {
        seed: randomOf(shared, `fit ${iteration}`).uint32(),
        predecessor: hasPredecessor ? evaluation() : undefined,
        onFailedFit: () => failedFits++,
      },
    );
    // Not always of the last fit: that one may have diverged.
    this.#trainer.setState({ ...this.#trainer.getState(), weights: result.model });
    return { failedFits, collapsed: result.collapsed };
  }

  predict(spectra: Float32Array): Float32Array {
    return this.#trainer.predict(spectra);
  }

  /** The trained network, for embeddings and dropout, which the trainer's graph does not give. */
  network(): OpByOpTrainer {
    const initial = { ...initialState(this.#plan, 0), weights: this.#trainer.getWeights() };
    if (this.#network) this.#network.setState(initial);
    else
      this.#network = createOpByOpTrainer(this.#tf, this.#plan, { initial, dropoutSeed: this.#dropoutSeed });
    return this.#network;
  }

  dispose(): void {
    this.#trainer.dispose();
    this.#network?.dispose();
  }
}

function f1Of({ perClass }: Evaluation): number[] {
  return perClass.map(({ precision = 0, recall = 0 }) =>
    precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
  );
}

function rowsOf(spectra: Float32Array, rows: Int32Array, points: number): Float32Array {
  const some = new Float32Array(rows.length * points);
  rows.forEach((row, i) => some.set(spectra.subarray(row * points, (row + 1) * points), i * points));
  return some;
}

/** For draws that all strategies of a seed have in common. */
function sharedBy(key: CampaignKey): CampaignKey {
  return { ...key, strategy: 'random' };
}

/** Independent draws for each purpose of a campaign. */
function randomOf({ strategy, rareFraction, seed }: CampaignKey, purpose: string): Random {
  const text = `${strategy}/${rareFraction}/${seed}/${purpose}`;
  return new Random(createHash('sha256').update(text).digest().readUInt32LE());
}
