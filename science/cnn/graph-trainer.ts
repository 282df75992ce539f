import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedTensorMap, Tensor } from '@tensorflow/tfjs';
import { ADAM_KERNEL, betaPowers } from './adam.ts';
import type { NetworkPlan } from './architecture.ts';
import { NetworkError } from './error.ts';
import { variableShape } from './graph/passes.ts';
import { maskPort, PORTS, statePorts, trainingGraph } from './graph/training-graph.ts';
import type { NativeFunctions, NativeTensorflow, SavedSignature, Tensorflow } from './tensorflow.ts';
import { checkBatch, checkSpectra, checkState, dropoutMasks } from './trainer-inputs.ts';
import type { Batch, BatchResult, NamedArrays, Trainer, TrainerState } from './trainer.ts';

/** Rows a call: more fill no core better, and fall out of the caches. */
const PREDICT_ROWS = 512;
const SIGNATURES = ['init', 'state', 'weights', 'train', 'gradients', 'evaluate', 'predict'] as const;
type SignatureName = (typeof SIGNATURES)[number];

/**
 * A trainer whose step is one call of a TensorFlow graph. Weights and moments are variables of its own session.
 * @param initial weights, moments and step to begin with
 * @param dropoutSeed of the masks; step t has the same ones whatever came before
 * @param scratchDirectory where the graph is put for a moment, as TensorFlow loads it from a file
 */
export async function createGraphTrainer(
  tf: NativeTensorflow,
  plan: NetworkPlan,
  {
    initial,
    dropoutSeed,
    scratchDirectory,
  }: { initial: TrainerState; dropoutSeed: number; scratchDirectory: string },
): Promise<Trainer> {
  checkState(plan, initial);
  const signatures = await load(tf.node, trainingGraph(plan), scratchDirectory);
  const trainer = new GraphTrainer(tf, plan, signatures, dropoutSeed);
  trainer.setState(initial);
  return trainer;
}

/** tfjs-node shares a session among the signatures of one path, so each trainer's graph has a path of its own. */
async function load(
  native: NativeFunctions,
  graph: Uint8Array,
  scratchDirectory: string,
): Promise<Record<SignatureName, SavedSignature>> {
  await mkdir(scratchDirectory, { recursive: true });
  const directory = await mkdtemp(join(scratchDirectory, 'graph-'));
  try {
    await writeFile(join(directory, 'saved_model.pb'), graph);
    const one = (name: SignatureName): Promise<SavedSignature> =>
      native.loadSavedModel(directory, ['serve'], name);
    return {
      init: await one('init'),
      state: await one('state'),
      weights: await one('weights'),
      train: await one('train'),
      gradients: await one('gradients'),
      evaluate: await one('evaluate'),
      predict: await one('predict'),
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

class GraphTrainer implements Trainer {
  readonly way = 'graph';
  readonly #tf: Tensorflow;
  readonly #plan: NetworkPlan;
  readonly #signatures: Record<SignatureName, SavedSignature>;
  readonly #dropoutSeed: number;
  #step = 0;

  constructor(
    tf: Tensorflow,
    plan: NetworkPlan,
    signatures: Record<SignatureName, SavedSignature>,
    dropoutSeed: number,
  ) {
    this.#tf = tf;
    this.#plan = plan;
    this.#signatures = signatures;
    this.#dropoutSeed = dropoutSeed;
  }

  step(batch: Batch, learningRate: number): BatchResult {
    const next = this.#step + 1;
    const powers = betaPowers(next);
    const scalar = (value: number): Tensor => this.#tf.scalar(value, 'float32');
    const result = this.#run('train', {
      ...this.#batch(batch),
      ...this.#masks(batch.labels.length),
      [PORTS.learningRate]: scalar(learningRate * ADAM_KERNEL.rateFactor),
      [PORTS.firstPower]: scalar(powers.first),
      [PORTS.secondPower]: scalar(powers.second),
    });
    this.#step = next;
    return batchResult(result);
  }

  evaluate(batch: Batch): BatchResult {
    return batchResult(this.#run('evaluate', this.#batch(batch)));
  }

  predict(spectra: Float32Array): Float32Array {
    const { points, classes } = this.#plan;
    const rows = checkSpectra(this.#plan, spectra);
    const probabilities = new Float32Array(rows * classes);
    for (let from = 0; from < rows; from += PREDICT_ROWS) {
      const block = spectra.subarray(from * points, Math.min(from + PREDICT_ROWS, rows) * points);
      const result = this.#run('predict', { [PORTS.spectra]: this.#rows(block) });
      probabilities.set(valueOf(result, PORTS.probabilities), from * classes);
    }
    return probabilities;
  }

  gradients(batch: Batch): NamedArrays {
    const result = this.#run('gradients', { ...this.#batch(batch), ...this.#masks(batch.labels.length) });
    return Object.fromEntries(this.#plan.parameters.map(({ name }) => [name, valueOf(result, name)]));
  }

  getWeights(): NamedArrays {
    const result = this.#run('weights', {});
    return Object.fromEntries(
      this.#plan.parameters.map((one) => [one.name, valueOf(result, statePorts(one).weights)]),
    );
  }

  getState(): TrainerState {
    const result = this.#run('state', {});
    const part = (which: 'weights' | 'first' | 'second'): NamedArrays =>
      Object.fromEntries(
        this.#plan.parameters.map((one) => [one.name, valueOf(result, statePorts(one)[which])]),
      );
    return {
      step: this.#step,
      weights: part('weights'),
      firstMoments: part('first'),
      secondMoments: part('second'),
    };
  }

  setState(state: TrainerState): void {
    checkState(this.#plan, state);
    const inputs: NamedTensorMap = {};
    for (const parameter of this.#plan.parameters) {
      const ports = statePorts(parameter);
      const shape = [...variableShape(parameter)];
      for (const [port, values] of [
        [ports.weights, state.weights[parameter.name]],
        [ports.first, state.firstMoments[parameter.name]],
        [ports.second, state.secondMoments[parameter.name]],
      ] as const)
        if (values !== undefined) inputs[port] = this.#tf.tensor(toBeCopied(values), shape, 'float32');
    }
    this.#run('init', inputs);
    this.#step = state.step;
  }

  dispose(): void {
    for (const name of SIGNATURES) this.#signatures[name].dispose();
  }

  #batch(batch: Batch): NamedTensorMap {
    const rows = checkBatch(this.#plan, batch);
    return {
      [PORTS.spectra]: this.#rows(batch.spectra),
      [PORTS.labels]: this.#tf.tensor1d(batch.labels, 'int32'),
      [PORTS.weights]: this.#tf.tensor1d(batch.weights ?? new Float32Array(rows).fill(1), 'float32'),
    };
  }

  #rows(spectra: Float32Array): Tensor {
    return this.#tf.tensor2d(spectra, [spectra.length / this.#plan.points, this.#plan.points], 'float32');
  }

  #masks(rows: number): NamedTensorMap {
    return Object.fromEntries(
      dropoutMasks(this.#plan, this.#dropoutSeed, this.#step, rows).map(({ layer, keep }) => [
        maskPort(layer),
        this.#tf.tensor2d(keep, [rows, keep.length / rows], 'bool'),
      ]),
    );
  }

  /** Runs a signature, frees what was fed and fetched, and returns the values. */
  #run(name: SignatureName, inputs: NamedTensorMap): Map<string, Float32Array> {
    let outputs: Tensor | Tensor[] | NamedTensorMap = {};
    try {
      outputs = this.#signatures[name].predict(inputs, {});
      if (outputs instanceof this.#tf.Tensor || Array.isArray(outputs))
        throw new NetworkError('bad-state', 'TensorFlow gave values without names');
      return new Map(Object.entries(outputs).map(([key, tensor]) => [key, tensor.dataSync<'float32'>()]));
    } finally {
      this.#tf.dispose(inputs);
      this.#tf.dispose(outputs);
    }
  }
}

function valueOf(result: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
  const values = result.get(name);
  if (values === undefined) throw new NetworkError('bad-state', `TensorFlow gave no ${name}`);
  return values;
}

function batchResult(result: ReadonlyMap<string, Float32Array>): BatchResult {
  const scalar = (name: string): number => valueOf(result, name)[0] ?? NaN;
  return { lossSum: scalar(PORTS.lossSum), correct: scalar(PORTS.correct) };
}

/**
 * The values where TensorFlow has to copy them. Of an array at an address divisible by 64 tfjs-node makes a tensor that
 * shares JavaScript's memory. A variable keeps such a tensor, and a thread of TensorFlow gives its reference back later,
 * which Node-API forbids: the heap is damaged, and the process dies by SIGABRT now and then.
 */
function toBeCopied(values: Float32Array): Float32Array {
  const copy = new Float32Array(new ArrayBuffer(values.byteLength + 4), 4);
  copy.set(values);
  return copy;
}
