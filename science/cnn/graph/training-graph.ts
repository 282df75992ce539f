import type { NetworkPlan, Parameter, PlannedLayer } from '../architecture.ts';
import { ADAM, ADAM_KERNEL } from '../adam.ts';
import { GraphBuilder, type Output, type Port, type Signature } from './graph-builder.ts';

const F = { T: { type: 'float32' } } as const;
const IMAGE = { ...F, data_format: { string: 'NHWC' } } as const;
const SHAPE_OF_IMAGE = { T: { type: 'float32' }, out_type: { type: 'int32' } } as const;

/** Weights and moments of a parameter: variables that live in the session. */
interface Variables {
  readonly weights: Output;
  readonly first: Output;
  readonly second: Output;
}

/** A layer as it ran forward: what is needed to go back through it. */
interface Ran {
  readonly planned: PlannedLayer;
  readonly input: Output;
  readonly output: Output;
  /** Name of the fed mask of a dropout layer. */
  readonly mask?: Output;
  readonly kernel?: Output;
  /** Before activation and bias */
  readonly linear?: Output;
}

/** Names of what the signatures take and give, besides parameters' names. */
export const PORTS = {
  spectra: 'spectra',
  labels: 'labels',
  weights: 'weights',
  learningRate: 'learning_rate',
  firstPower: 'beta1_power',
  secondPower: 'beta2_power',
  lossSum: 'loss_sum',
  correct: 'correct',
  probabilities: 'probabilities',
  done: 'done',
} as const;

/** Name of the fed mask of a dropout layer: batch × values, true where a value stays. */
export function maskPort(layerName: string): string {
  return `${layerName}/mask`;
}

/** Names of a parameter's weights and of Adam's moments, as fed by `init` and given by `state`. */
export function statePorts({ name }: Parameter): { weights: string; first: string; second: string } {
  return { weights: `${name}/weights`, first: `${name}/first_moment`, second: `${name}/second_moment` };
}

/**
 * The network as a TensorFlow graph: one call takes a whole step. Convolutions are of images one pixel high, as in
 * Keras. Signatures: `init` (every variable by value), `state` (the same back), `train` (a batch, with Adam),
 * `gradients`, `evaluate` and `predict`.
 * @returns the bytes of a `saved_model.pb`
 */
export function trainingGraph(plan: NetworkPlan): Uint8Array {
  const graph = new GraphBuilder();
  const variables = new Map(plan.parameters.map((one) => [one.name, addVariables(graph, one)]));
  const variablesOf = ({ name }: Parameter): Variables => {
    const found = variables.get(name);
    if (found === undefined) throw new RangeError(`no variables for ${name}`);
    return found;
  };
  const read = (parameter: Parameter): Output => readVariable(graph, variablesOf(parameter).weights);

  const spectra = graph.placeholder(PORTS.spectra, 'float32', [-1, plan.points]);
  const labels = graph.placeholder(PORTS.labels, 'int32', [-1]);
  const weights = graph.placeholder(PORTS.weights, 'float32', [-1]);
  const masks: Record<string, Port> = {};
  for (const { name, layer, inputShape } of plan.layers)
    if (layer.kind === 'dropout') {
      const values = inputShape.reduce((product, size) => product * size, 1);
      masks[maskPort(name)] = graph.placeholder(maskPort(name), 'bool', [-1, values]);
    }

  const training = forward(graph, plan, spectra.output, read, masks);
  const { lossSum, correct, logitsGradient } = loss(graph, training, labels.output, weights.output);
  const gradients = backward(graph, training.ran, logitsGradient);
  const scalars = Object.fromEntries(
    [PORTS.learningRate, PORTS.firstPower, PORTS.secondPower].map((name) => [
      name,
      graph.placeholder(name, 'float32', []),
    ]),
  );
  const updates = [...gradients].map(([parameter, gradient]) =>
    adam(graph, variablesOf(parameter), gradient, scalars),
  );

  const inference = forward(graph, plan, spectra.output, read);
  const evaluated = loss(graph, inference, labels.output, weights.output);
  const probabilities = graph.node('Softmax', [inference.logits], F);

  const scalar = (output: Output): Port => ({ output, type: 'float32', shape: [] });
  const afterUpdates = (output: Output): Port =>
    scalar(graph.node('Identity', [output, ...updates.map((update) => `^${update}`)], F));
  const batch = { [PORTS.spectra]: spectra, [PORTS.labels]: labels, [PORTS.weights]: weights };
  return graph.savedModel({
    ...stateSignatures(graph, plan, variablesOf),
    train: {
      inputs: { ...batch, ...masks, ...scalars },
      outputs: { [PORTS.lossSum]: afterUpdates(lossSum), [PORTS.correct]: scalar(correct) },
    },
    gradients: {
      inputs: { ...batch, ...masks },
      outputs: Object.fromEntries(
        [...gradients].map(([{ name, shape }, output]) => [name, { output, type: 'float32', shape }]),
      ),
    },
    evaluate: {
      inputs: batch,
      outputs: { [PORTS.lossSum]: scalar(evaluated.lossSum), [PORTS.correct]: scalar(evaluated.correct) },
    },
    predict: {
      inputs: { [PORTS.spectra]: spectra },
      outputs: {
        [PORTS.probabilities]: { output: probabilities, type: 'float32', shape: [-1, plan.classes] },
      },
    },
  });
}

function addVariables(graph: GraphBuilder, parameter: Parameter): Variables {
  const make = (name: string): Output =>
    graph.node(
      'VarHandleOp',
      [],
      {
        dtype: { type: 'float32' },
        shape: { shape: variableShape(parameter) },
        shared_name: { string: name },
      },
      name,
    );
  const { weights, first, second } = statePorts(parameter);
  return {
    weights: make(`variable/${weights}`),
    first: make(`variable/${first}`),
    second: make(`variable/${second}`),
  };
}

/** A convolution's kernel is one of an image one pixel high. */
export function variableShape({ shape }: Parameter): readonly number[] {
  return shape.length === 3 ? [1, ...shape] : shape;
}

function readVariable(graph: GraphBuilder, handle: Output, after: readonly Output[] = []): Output {
  return graph.node('ReadVariableOp', [handle, ...after], { dtype: { type: 'float32' } });
}

function stateSignatures(
  graph: GraphBuilder,
  plan: NetworkPlan,
  variablesOf: (parameter: Parameter) => Variables,
): { init: Signature; state: Signature } {
  const inputs: Record<string, Port> = {};
  const outputs: Record<string, Port> = {};
  const assignments: Output[] = [];
  for (const parameter of plan.parameters) {
    const handles = variablesOf(parameter);
    const ports = statePorts(parameter);
    for (const part of ['weights', 'first', 'second'] as const) {
      const shape = variableShape(parameter);
      const fed = graph.placeholder(`init/${ports[part]}`, 'float32', shape);
      inputs[ports[part]] = fed;
      assignments.push(
        graph.node('AssignVariableOp', [handles[part], fed.output], { dtype: { type: 'float32' } }),
      );
      outputs[ports[part]] = { output: readVariable(graph, handles[part]), type: 'float32', shape };
    }
  }
  const done = graph.node(
    'Identity',
    [graph.float32(1), ...assignments.map((one) => `^${one}`)],
    F,
    'init/done',
  );
  return {
    init: { inputs, outputs: { [PORTS.done]: { output: done, type: 'float32', shape: [] } } },
    state: { inputs: {}, outputs },
  };
}

function forward(
  graph: GraphBuilder,
  plan: NetworkPlan,
  spectra: Output,
  read: (parameter: Parameter) => Output,
  masks?: Readonly<Record<string, Port>>,
): { ran: Ran[]; logits: Output } {
  const reshape = (input: Output, shape: readonly number[]): Output =>
    graph.node('Reshape', [input, graph.int32s([-1, ...shape])], { ...F, Tshape: { type: 'int32' } });
  const ran: Ran[] = [];
  let at = reshape(spectra, [1, plan.points, 1]);
  for (const planned of plan.layers) {
    const { layer, outputShape, name } = planned;
    const input = at;
    const [kernel, bias] = planned.parameters.map(read);
    switch (layer.kind) {
      case 'conv1d': {
        const linear = graph.node('Conv2D', [input, kernel ?? ''], {
          ...IMAGE,
          strides: { ints: [1, 1, 1, 1] },
          padding: { string: layer.padding.toUpperCase() },
        });
        at = activated(graph, graph.node('BiasAdd', [linear, bias ?? ''], IMAGE), layer.activation);
        ran.push({ planned, input, output: at, kernel, linear });
        break;
      }
      case 'max_pooling1d':
        at = graph.node('MaxPool', [input], { ...IMAGE, ...pool(layer.pool_size) });
        ran.push({ planned, input, output: at });
        break;
      case 'flatten':
        at = reshape(input, outputShape);
        ran.push({ planned, input, output: at });
        break;
      case 'dropout': {
        const mask = masks?.[maskPort(name)];
        if (mask === undefined) break;
        const scaled = graph.node(
          'Mul',
          [
            graph.node('Cast', [mask.output], { SrcT: { type: 'bool' }, DstT: { type: 'float32' } }),
            graph.float32(1 / (1 - layer.rate)),
          ],
          F,
        );
        const shaped = outputShape.length === 1 ? scaled : reshape(scaled, [1, ...outputShape]);
        at = graph.node('Mul', [input, shaped], F);
        ran.push({ planned, input, output: at, mask: shaped });
        break;
      }
      case 'dense':
      case 'output': {
        const linear = graph.node('MatMul', [input, kernel ?? ''], F);
        at = activated(
          graph,
          graph.node('BiasAdd', [linear, bias ?? ''], IMAGE),
          layer.kind === 'dense' ? layer.activation : 'linear',
        );
        ran.push({ planned, input, output: at, kernel, linear });
        break;
      }
    }
  }
  return { ran, logits: at };
}

function activated(graph: GraphBuilder, input: Output, activation: 'relu' | 'linear'): Output {
  return activation === 'relu' ? graph.node('Relu', [input], F) : input;
}

function pool(size: number): Readonly<Record<string, { ints: number[] } | { string: string }>> {
  return {
    ksize: { ints: [1, 1, size, 1] },
    strides: { ints: [1, 1, size, 1] },
    padding: { string: 'VALID' },
  };
}

function loss(
  graph: GraphBuilder,
  { logits }: { logits: Output },
  labels: Output,
  weights: Output,
): { lossSum: Output; correct: Output; logitsGradient: Output } {
  const entropy = graph.node('SparseSoftmaxCrossEntropyWithLogits', [logits, labels], {
    ...F,
    Tlabels: { type: 'int32' },
  });
  const sum = (input: Output): Output =>
    graph.node('Sum', [input, graph.int32s([0])], {
      ...F,
      Tidx: { type: 'int32' },
      keep_dims: { bool: false },
    });
  const predicted = graph.node('ArgMax', [logits, graph.int32s([1], [])], {
    ...F,
    Tidx: { type: 'int32' },
    output_type: { type: 'int32' },
  });
  const equal = graph.node('Equal', [predicted, labels], { T: { type: 'int32' } });
  const rows = graph.node('Size', [weights], { ...F, out_type: { type: 'int32' } });
  const share = graph.node(
    'RealDiv',
    [weights, graph.node('Cast', [rows], { SrcT: { type: 'int32' }, DstT: { type: 'float32' } })],
    F,
  );
  const column = graph.node('ExpandDims', [share, graph.int32s([1], [])], { ...F, Tdim: { type: 'int32' } });
  return {
    lossSum: sum(graph.node('Mul', [entropy, weights], F)),
    correct: sum(graph.node('Cast', [equal], { SrcT: { type: 'bool' }, DstT: { type: 'float32' } })),
    logitsGradient: graph.node('Mul', [`${entropy}:1`, column], F),
  };
}

/** Gradients by parameter, from the last layer to the first; none is worked out for the spectra themselves. */
function backward(graph: GraphBuilder, ran: readonly Ran[], logitsGradient: Output): Map<Parameter, Output> {
  const gradients = new Map<Parameter, Output>();
  const firstTrained = ran.findIndex(({ planned }) => planned.parameters.length > 0);
  let flowing = logitsGradient;
  for (let i = ran.length - 1; i >= firstTrained; i--) {
    const step = ran[i];
    if (step === undefined) break;
    const { layer, parameters } = step.planned;
    if ('activation' in layer && layer.activation === 'relu')
      flowing = graph.node('ReluGrad', [flowing, step.output], F);
    const [kernel, bias] = parameters;
    if (bias !== undefined) gradients.set(bias, graph.node('BiasAddGrad', [flowing], IMAGE));
    switch (layer.kind) {
      case 'conv1d': {
        const attributes = {
          ...IMAGE,
          strides: { ints: [1, 1, 1, 1] },
          padding: { string: layer.padding.toUpperCase() },
        };
        if (kernel !== undefined)
          gradients.set(
            kernel,
            graph.node(
              'Conv2DBackpropFilter',
              [step.input, graph.int32s(variableShape(kernel)), flowing],
              attributes,
            ),
          );
        if (i > firstTrained)
          flowing = graph.node(
            'Conv2DBackpropInput',
            [graph.node('Shape', [step.input], SHAPE_OF_IMAGE), step.kernel ?? '', flowing],
            attributes,
          );
        break;
      }
      case 'max_pooling1d':
        flowing = graph.node('MaxPoolGrad', [step.input, step.output, flowing], {
          ...IMAGE,
          ...pool(layer.pool_size),
        });
        break;
      case 'flatten':
        flowing = graph.node('Reshape', [flowing, graph.node('Shape', [step.input], SHAPE_OF_IMAGE)], {
          ...F,
          Tshape: { type: 'int32' },
        });
        break;
      case 'dropout':
        flowing = graph.node('Mul', [flowing, step.mask ?? ''], F);
        break;
      case 'dense':
      case 'output':
        if (kernel !== undefined)
          gradients.set(
            kernel,
            graph.node('MatMul', [step.input, flowing], { ...F, transpose_a: { bool: true } }),
          );
        // (W gᵀ)ᵀ, which is g Wᵀ in half the time where the kernel is large: oneDNN is slow at that, and at MatMul.
        if (i > firstTrained)
          flowing = graph.node(
            'Transpose',
            [
              graph.node('BatchMatMulV2', [step.kernel ?? '', flowing], { ...F, adj_y: { bool: true } }),
              graph.int32s([1, 0]),
            ],
            { ...F, Tperm: { type: 'int32' } },
          );
        break;
    }
  }
  return gradients;
}

function adam(
  graph: GraphBuilder,
  { weights, first, second }: Variables,
  gradient: Output,
  scalars: Readonly<Record<string, Port>>,
): Output {
  const fed = (name: string): Output => scalars[name]?.output ?? '';
  return graph.node(
    'ResourceApplyAdam',
    [
      ...[weights, first, second],
      ...[fed(PORTS.firstPower), fed(PORTS.secondPower), fed(PORTS.learningRate)],
      ...[ADAM.beta1, ADAM.beta2, ADAM_KERNEL.epsilon].map((value) => graph.float32(value)),
      gradient,
    ],
    F,
  );
}
