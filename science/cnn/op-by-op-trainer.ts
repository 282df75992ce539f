import type { Rank, Scalar, Tensor, Tensor2D, Tensor4D, Variable } from '@tensorflow/tfjs';
import { ADAM, betaPowers } from './adam.ts';
import type { NetworkPlan, Parameter } from './architecture.ts';
import { NetworkError } from './error.ts';
import type { Tensorflow } from './tensorflow.ts';
import { checkBatch, checkSpectra, checkState, dropoutMasks } from './trainer-inputs.ts';
import type { Batch, BatchResult, NamedArrays, Trainer, TrainerState } from './trainer.ts';

/** Rows a call of `predict`. */
const PREDICT_ROWS = 512;

/** Weights and moments of a parameter, shaped as `Parameter.shape` says. */
interface Variables {
  readonly weights: Variable;
  readonly first: Variable;
  readonly second: Variable;
}

/**
 * A trainer that calls TensorFlow.js for every operation, so that it runs on any backend, and slowly. What it works out
 * is the graph's to rounding, dropout included.
 */
export function createOpByOpTrainer(
  tf: Tensorflow,
  plan: NetworkPlan,
  { initial, dropoutSeed }: { initial: TrainerState; dropoutSeed: number },
): OpByOpTrainer {
  checkState(plan, initial);
  const trainer = new OpByOp(tf, plan, dropoutSeed);
  trainer.setState(initial);
  return trainer;
}

/** What acquisition functions need besides. */
export interface OpByOpTrainer extends Trainer {
  /** What goes into the output layer. @param spectra rows × points @returns rows × width */
  embed(spectra: Float32Array): Float32Array;
  /**
   * Monte-Carlo dropout (Gal & Ghahramani 2016): units are dropped as in training.
   * @param draw which of the draws; each has masks of its own, by the trainer's seed
   * @returns rows × classes
   */
  predictWithDropout(spectra: Float32Array, draw: number): Float32Array;
}

class OpByOp implements OpByOpTrainer {
  readonly way = 'op-by-op';
  readonly #tf: Tensorflow;
  readonly #plan: NetworkPlan;
  readonly #dropoutSeed: number;
  readonly #variables = new Map<string, Variables>();
  #step = 0;

  constructor(tf: Tensorflow, plan: NetworkPlan, dropoutSeed: number) {
    this.#tf = tf;
    this.#plan = plan;
    this.#dropoutSeed = dropoutSeed;
    for (const { name, shape } of plan.parameters) {
      const make = (): Variable => tf.tidy(() => tf.variable(tf.zeros([...shape])));
      this.#variables.set(name, { weights: make(), first: make(), second: make() });
    }
  }

  step(batch: Batch, learningRate: number): BatchResult {
    const tf = this.#tf;
    const next = this.#step + 1;
    const powers = betaPowers(next);
    const alpha = (learningRate * Math.sqrt(1 - powers.second)) / (1 - powers.first);
    const result = tf.tidy(() => {
      const { gradients, lossSum, correct } = this.#backward(batch);
      for (const parameter of this.#plan.parameters) {
        const gradient = gradients[this.#of(parameter).weights.name];
        if (gradient === undefined) throw new NetworkError('bad-state', `no gradient of ${parameter.name}`);
        const { weights, first, second } = this.#of(parameter);
        first.assign(first.add(gradient.sub(first).mul(1 - ADAM.beta1)));
        second.assign(
          second.add(
            gradient
              .square()
              .sub(second)
              .mul(1 - ADAM.beta2),
          ),
        );
        weights.assign(weights.sub(first.mul(alpha).div(second.sqrt().add(ADAM.epsilon))));
      }
      return { lossSum: lossSum.dataSync()[0] ?? NaN, correct: correct.dataSync()[0] ?? NaN };
    });
    this.#step = next;
    return result;
  }

  evaluate(batch: Batch): BatchResult {
    checkBatch(this.#plan, batch);
    return this.#tf.tidy(() => {
      const { lossSum, correct } = this.#loss(batch, this.#forward(batch.spectra));
      return { lossSum: lossSum.dataSync()[0] ?? NaN, correct: correct.dataSync()[0] ?? NaN };
    });
  }

  predict(spectra: Float32Array): Float32Array {
    const rows = checkSpectra(this.#plan, spectra);
    return this.#inBlocks(spectra, (block) => this.#forward(block).softmax().dataSync<'float32'>(), rows);
  }

  embed(spectra: Float32Array): Float32Array {
    const rows = checkSpectra(this.#plan, spectra);
    return this.#inBlocks(
      spectra,
      (block) => {
        const { activations } = this.#pass(block);
        return activations.reshape([block.length / this.#plan.points, -1]).dataSync<'float32'>();
      },
      rows,
    );
  }

  predictWithDropout(spectra: Float32Array, draw: number): Float32Array {
    const rows = checkSpectra(this.#plan, spectra);
    return this.#inBlocks(
      spectra,
      (block, first) => {
        // A block's masks are those of a training step of its own.
        const step = draw * Math.ceil(rows / PREDICT_ROWS) + first / PREDICT_ROWS;
        const drawn = dropoutMasks(this.#plan, this.#dropoutSeed, step, block.length / this.#plan.points);
        const masks = new Map(drawn.map(({ layer, keep }) => [layer, keep]));
        return this.#forward(block, masks).softmax().dataSync<'float32'>();
      },
      rows,
    );
  }

  gradients(batch: Batch): NamedArrays {
    return this.#tf.tidy(() => {
      const { gradients } = this.#backward(batch);
      return Object.fromEntries(
        this.#plan.parameters.map((parameter) => {
          const values = gradients[this.#of(parameter).weights.name]?.dataSync<'float32'>();
          if (values === undefined) throw new NetworkError('bad-state', `no gradient of ${parameter.name}`);
          return [parameter.name, values.slice()];
        }),
      );
    });
  }

  getWeights(): NamedArrays {
    return this.#copy('weights');
  }

  getState(): TrainerState {
    return {
      step: this.#step,
      weights: this.#copy('weights'),
      firstMoments: this.#copy('first'),
      secondMoments: this.#copy('second'),
    };
  }

  setState(state: TrainerState): void {
    checkState(this.#plan, state);
    this.#tf.tidy(() => {
      for (const parameter of this.#plan.parameters) {
        const { weights, first, second } = this.#of(parameter);
        for (const [variable, values] of [
          [weights, state.weights[parameter.name]],
          [first, state.firstMoments[parameter.name]],
          [second, state.secondMoments[parameter.name]],
        ] as const)
          // A copy, because the JavaScript backend keeps the array that it is given.
          if (values !== undefined)
            variable.assign(this.#tf.tensor(values.slice(), [...parameter.shape], 'float32'));
      }
    });
    this.#step = state.step;
  }

  dispose(): void {
    for (const { weights, first, second } of this.#variables.values())
      for (const one of [weights, first, second]) one.dispose();
    this.#variables.clear();
  }

  /** What `compute` gives for each block of rows, one after another. */
  #inBlocks(
    spectra: Float32Array,
    compute: (block: Float32Array, firstRow: number) => Float32Array,
    rows: number,
  ): Float32Array {
    const { points } = this.#plan;
    let all: Float32Array | undefined;
    for (let from = 0; from < rows; from += PREDICT_ROWS) {
      const block = spectra.subarray(from * points, Math.min(from + PREDICT_ROWS, rows) * points);
      const values = this.#tf.tidy(() => compute(block, from));
      const width = values.length / (block.length / points);
      all ??= new Float32Array(rows * width);
      all.set(values, from * width);
    }
    return all ?? new Float32Array(0);
  }

  #copy(which: keyof Variables): NamedArrays {
    return Object.fromEntries(
      this.#plan.parameters.map((one) => [one.name, this.#of(one)[which].dataSync<'float32'>().slice()]),
    );
  }

  #of({ name }: Parameter): Variables {
    const found = this.#variables.get(name);
    if (found === undefined) throw new NetworkError('bad-state', `no weights of ${name}: disposed?`);
    return found;
  }

  /** Gradients by the names of the TensorFlow.js variables; loss and correct rows of the same pass. */
  #backward(batch: Batch): {
    gradients: Record<string, Tensor>;
    lossSum: Scalar;
    correct: Scalar;
  } {
    const rows = checkBatch(this.#plan, batch);
    const tf = this.#tf;
    const masks = new Map(
      dropoutMasks(this.#plan, this.#dropoutSeed, this.#step, rows).map(({ layer, keep }) => [layer, keep]),
    );
    let passed: { lossSum: Scalar; correct: Scalar } | undefined;
    const { grads } = tf.variableGrads(
      () => {
        const logits = this.#forward(batch.spectra, masks);
        const { lossSum, correct } = this.#loss(batch, logits);
        passed = { lossSum: tf.keep(lossSum), correct: tf.keep(correct) };
        return lossSum.div<Scalar>(rows);
      },
      this.#plan.parameters.map((one) => this.#of(one).weights),
    );
    if (passed === undefined) throw new NetworkError('bad-state', 'TensorFlow.js did not run the network');
    // Kept out of the inner scope, they are freed with the outer one.
    const { lossSum, correct } = passed;
    const result = { gradients: grads, lossSum: lossSum.clone(), correct: correct.clone() };
    lossSum.dispose();
    correct.dispose();
    return result;
  }

  #loss({ labels, weights }: Batch, logits: Tensor2D): { lossSum: Scalar; correct: Scalar } {
    const tf = this.#tf;
    const expected = tf.tensor1d(labels, 'int32');
    const oneHot = tf.oneHot(expected, this.#plan.classes).toFloat();
    const entropy = tf.logSoftmax(logits).mul(oneHot).sum(1).neg();
    const weighted = weights === undefined ? entropy : entropy.mul(tf.tensor1d(weights, 'float32'));
    return {
      lossSum: weighted.sum<Scalar>(),
      correct: logits.argMax(1).equal(expected).sum<Scalar>(),
    };
  }

  /** Logits of the rows; with masks, as in training. */
  #forward(spectra: Float32Array, masks?: ReadonlyMap<string, Uint8Array>): Tensor2D {
    return this.#pass(spectra, masks).logits;
  }

  /** Logits, and what went into the output layer. */
  #pass(
    spectra: Float32Array,
    masks?: ReadonlyMap<string, Uint8Array>,
  ): { logits: Tensor2D; activations: Tensor } {
    const tf = this.#tf;
    const { points, layers } = this.#plan;
    const rows = spectra.length / points;
    // As the JavaScript backend keeps the array that it is given, and the caller may go on to fill it again.
    let at: Tensor<Rank> = tf.tensor4d(spectra.slice(), [rows, 1, points, 1], 'float32');
    let activations = at;
    for (const { layer, parameters, outputShape, name } of layers) {
      if (layer.kind === 'output') activations = at;
      const [kernel, bias] = parameters.map((one) => this.#of(one).weights);
      switch (layer.kind) {
        case 'max_pooling1d': {
          const window: [number, number] = [1, layer.pool_size];
          at = tf.maxPool(at.as4D(...shape4(at)), window, window, 'valid');
          break;
        }
        case 'flatten':
          at = at.reshape([rows, ...outputShape]);
          break;
        case 'dropout': {
          const keep = masks?.get(name);
          if (keep !== undefined)
            at = at.mul(tf.tensor(Float32Array.from(keep), at.shape).mul(1 / (1 - layer.rate)));
          break;
        }
        case 'conv1d':
        case 'dense':
        case 'output': {
          if (kernel === undefined || bias === undefined)
            throw new NetworkError('bad-state', `Layer ${name} has no weights`);
          const linear =
            layer.kind === 'conv1d'
              ? tf.conv2d(at.as4D(...shape4(at)), imageKernel(kernel), 1, layer.padding)
              : tf.matMul(at, kernel);
          at = linear.add(bias);
          if (layer.kind !== 'output' && layer.activation === 'relu') at = at.relu();
        }
      }
    }
    return { logits: at.as2D(rows, this.#plan.classes), activations };
  }
}

/** The kernel of an image one pixel high. */
function imageKernel(kernel: Tensor): Tensor4D {
  const [size = 0, inputs = 0, outputs = 0] = kernel.shape;
  return kernel.as4D(1, size, inputs, outputs);
}

function shape4({ shape }: Tensor): [number, number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0] = shape;
  return [a, b, c, d];
}
