import { ADAM, ADAM_KERNEL } from '../adam.ts';
import type { NetworkPlan, Parameter, PlannedLayer } from '../architecture.ts';
import type { Attribute, GraphBuilder, Output } from './graph-builder.ts';

// The network forth and back, as nodes of a graph. Convolutions are of images one pixel high, as in Keras.

/** Attributes by which nodes know that they work on float32, and on images whose channels come last. */
export const FLOAT = { T: { type: 'float32' } } as const;
const IMAGE = { ...FLOAT, data_format: { string: 'NHWC' } } as const;
const SHAPE = { ...FLOAT, out_type: { type: 'int32' } } as const;

/** Variables of a parameter, which live in the session: weights, and Adam's moments. */
export interface Variables {
  readonly weights: Output;
  readonly first: Output;
  readonly second: Output;
}

/** Values of a layer's weights, as read for a pass. */
interface LayerWeights {
  readonly kernel: Parameter;
  readonly kernelValue: Output;
  readonly bias: Parameter;
  readonly biasValue: Output;
}

/** A layer as it ran forward: what the way back needs to know. */
interface Ran {
  readonly planned: PlannedLayer;
  readonly input: Output;
  readonly output: Output;
  readonly weights?: LayerWeights;
  /** Of a dropout layer in training: 0, or 1 / (1 − rate). */
  readonly scale?: Output;
}

/** A gradient, and the node that must have run before its weights change, for it reads them. */
export interface Gradient {
  readonly parameter: Parameter;
  readonly value: Output;
  readonly after?: Output;
}

/** Shape of a parameter's variable: the kernel of a convolution is one of an image one pixel high. */
export function variableShape({ shape }: Parameter): readonly number[] {
  return shape.length === 3 ? [1, ...shape] : shape;
}

/**
 * @param spectra batch × points
 * @param read gives the value of a parameter
 * @param masks by dropout layer: true where a value stays, batch × values; absent where nothing is dropped
 */
export function forward(
  graph: GraphBuilder,
  plan: NetworkPlan,
  spectra: Output,
  read: (parameter: Parameter) => Output,
  masks?: ReadonlyMap<string, Output>,
): { ran: readonly Ran[]; logits: Output } {
  const ran: Ran[] = [];
  let at = reshape(graph, spectra, [1, plan.points, 1]);
  for (const planned of plan.layers) {
    const { layer, outputShape, name } = planned;
    const input = at;
    switch (layer.kind) {
      case 'conv1d':
      case 'dense':
      case 'output': {
        const weights = readWeights(planned, read);
        const { kernelValue, biasValue } = weights;
        const product =
          layer.kind === 'conv1d'
            ? graph.node('Conv2D', [input, kernelValue], convolution(layer.padding))
            : graph.node('MatMul', [input, kernelValue], FLOAT);
        at = graph.node('BiasAdd', [product, biasValue], IMAGE);
        if (hasRelu(planned)) at = graph.node('Relu', [at], FLOAT);
        ran.push({ planned, input, output: at, weights });
        break;
      }
      case 'max_pooling1d':
        at = graph.node('MaxPool', [input], pool(layer.pool_size));
        ran.push({ planned, input, output: at });
        break;
      case 'flatten':
        at = reshape(graph, input, outputShape);
        ran.push({ planned, input, output: at });
        break;
      case 'dropout': {
        const mask = masks?.get(name);
        if (mask === undefined) break;
        const kept = graph.node('Cast', [mask], { SrcT: { type: 'bool' }, DstT: { type: 'float32' } });
        const flat = graph.node('Mul', [kept, graph.float32(1 / (1 - layer.rate))], FLOAT);
        const scale = outputShape.length === 1 ? flat : reshape(graph, flat, [1, ...outputShape]);
        at = graph.node('Mul', [input, scale], FLOAT);
        ran.push({ planned, input, output: at, scale });
        break;
      }
    }
  }
  return { ran, logits: at };
}

/**
 * Softmax and cross-entropy.
 * @param labels class of each row
 * @param weights of each row
 * @returns sum of weight · cross-entropy, rows predicted as labelled, and the gradient of the mean loss
 */
export function loss(
  graph: GraphBuilder,
  logits: Output,
  labels: Output,
  weights: Output,
): { lossSum: Output; correct: Output; logitsGradient: Output } {
  const entropy = graph.node('SparseSoftmaxCrossEntropyWithLogits', [logits, labels], {
    ...FLOAT,
    Tlabels: { type: 'int32' },
  });
  const sum = (input: Output): Output =>
    graph.node('Sum', [input, graph.int32s([0])], {
      ...FLOAT,
      Tidx: { type: 'int32' },
      keep_dims: { bool: false },
    });
  const predicted = graph.node('ArgMax', [logits, graph.int32s([1], [])], {
    ...FLOAT,
    Tidx: { type: 'int32' },
    output_type: { type: 'int32' },
  });
  const equal = graph.node('Equal', [predicted, labels], { T: { type: 'int32' } });
  const rows = graph.node('Cast', [graph.node('Size', [weights], SHAPE)], {
    SrcT: { type: 'int32' },
    DstT: { type: 'float32' },
  });
  const share = graph.node(
    'ExpandDims',
    [graph.node('RealDiv', [weights, rows], FLOAT), graph.int32s([1], [])],
    {
      ...FLOAT,
      Tdim: { type: 'int32' },
    },
  );
  return {
    lossSum: sum(graph.node('Mul', [entropy, weights], FLOAT)),
    correct: sum(graph.node('Cast', [equal], { SrcT: { type: 'bool' }, DstT: { type: 'float32' } })),
    // The second output of the entropy is its gradient.
    logitsGradient: graph.node('Mul', [`${entropy}:1`, share], FLOAT),
  };
}

/** Gradients from the last layer to the first; none is worked out for the spectra themselves. */
export function backward(graph: GraphBuilder, ran: readonly Ran[], logitsGradient: Output): Gradient[] {
  const gradients: Gradient[] = [];
  const firstTrained = ran.findIndex(({ weights }) => weights !== undefined);
  let flowing = logitsGradient;
  for (const [i, { planned, input, output, weights, scale }] of [...ran.entries()].reverse()) {
    if (i < firstTrained) break;
    const { layer } = planned;
    if (hasRelu(planned)) flowing = graph.node('ReluGrad', [flowing, output], FLOAT);
    if (weights !== undefined) {
      const { kernel, kernelValue, bias } = weights;
      const arrived = flowing;
      gradients.push({ parameter: bias, value: graph.node('BiasAddGrad', [arrived], IMAGE) });
      const value =
        layer.kind === 'conv1d'
          ? graph.node(
              'Conv2DBackpropFilter',
              [input, graph.int32s(variableShape(kernel)), arrived],
              convolution(layer.padding),
            )
          : graph.node('MatMul', [input, arrived], { ...FLOAT, transpose_a: { bool: true } });
      if (i > firstTrained)
        flowing =
          layer.kind === 'conv1d'
            ? graph.node(
                'Conv2DBackpropInput',
                [graph.node('Shape', [input], SHAPE), kernelValue, arrived],
                convolution(layer.padding),
              )
            : timesTransposed(graph, arrived, kernelValue);
      gradients.push({ parameter: kernel, value, ...(i > firstTrained ? { after: flowing } : {}) });
    } else if (layer.kind === 'max_pooling1d')
      flowing = graph.node('MaxPoolGrad', [input, output, flowing], pool(layer.pool_size));
    else if (layer.kind === 'flatten')
      flowing = graph.node('Reshape', [flowing, graph.node('Shape', [input], SHAPE)], {
        ...FLOAT,
        Tshape: { type: 'int32' },
      });
    else if (scale !== undefined) flowing = graph.node('Mul', [flowing, scale], FLOAT);
  }
  return gradients;
}

/** One update by Adam. @returns the node that does it */
export function adam(
  graph: GraphBuilder,
  { weights, first, second }: Variables,
  { value, after }: Gradient,
  fed: { readonly learningRate: Output; readonly firstPower: Output; readonly secondPower: Output },
): Output {
  return graph.node(
    'ResourceApplyAdam',
    [
      ...[weights, first, second],
      ...[fed.firstPower, fed.secondPower, fed.learningRate],
      ...[ADAM.beta1, ADAM.beta2, ADAM_KERNEL.epsilon].map((one) => graph.float32(one)),
      value,
      // While others still read the weights TensorFlow would copy them before it changes them.
      ...(after === undefined ? [] : [`^${after}`]),
    ],
    FLOAT,
  );
}

/** g Wᵀ as (W gᵀ)ᵀ, in half the time where W is large: oneDNN is slow at the former, and so is MatMul at the latter. */
function timesTransposed(graph: GraphBuilder, gradient: Output, kernel: Output): Output {
  const product = graph.node('BatchMatMulV2', [kernel, gradient], { ...FLOAT, adj_y: { bool: true } });
  return graph.node('Transpose', [product, graph.int32s([1, 0])], { ...FLOAT, Tperm: { type: 'int32' } });
}

function readWeights(
  { name, parameters }: PlannedLayer,
  read: (parameter: Parameter) => Output,
): LayerWeights {
  const [kernel, bias] = parameters;
  if (kernel === undefined || bias === undefined) throw new RangeError(`layer ${name} has no weights`);
  return { kernel, kernelValue: read(kernel), bias, biasValue: read(bias) };
}

function hasRelu({ layer }: PlannedLayer): boolean {
  return 'activation' in layer && layer.activation === 'relu';
}

/** @param shape without the batch */
function reshape(graph: GraphBuilder, input: Output, shape: readonly number[]): Output {
  return graph.node('Reshape', [input, graph.int32s([-1, ...shape])], {
    ...FLOAT,
    Tshape: { type: 'int32' },
  });
}

function convolution(padding: 'valid' | 'same'): Readonly<Record<string, Attribute>> {
  return { ...IMAGE, strides: { ints: [1, 1, 1, 1] }, padding: { string: padding.toUpperCase() } };
}

function pool(size: number): Readonly<Record<string, Attribute>> {
  return {
    ...IMAGE,
    ksize: { ints: [1, 1, size, 1] },
    strides: { ints: [1, 1, size, 1] },
    padding: { string: 'VALID' },
  };
}
