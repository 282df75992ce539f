import type { NetworkPlan, Parameter } from '../architecture.ts';
import { GraphBuilder, type Output, type Port, type Signature } from './graph-builder.ts';
import { adam, backward, FLOAT, forward, loss, variableShape, type Variables } from './passes.ts';

/** Names of what the signatures take and give, besides parameters' and masks' names. */
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
export function statePorts({ name }: Parameter): Readonly<Record<keyof Variables, string>> {
  return { weights: `${name}/weights`, first: `${name}/first_moment`, second: `${name}/second_moment` };
}

/**
 * The network as a TensorFlow graph: one call takes a whole step. Signatures: `init` (every variable by value), `state`
 * (the same back), `weights` (those alone), `train` (a batch, with Adam), `gradients`, `evaluate` and `predict`.
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
  const masks = addMasks(graph, plan);
  const rates = {
    learningRate: graph.placeholder(PORTS.learningRate, 'float32', []),
    firstPower: graph.placeholder(PORTS.firstPower, 'float32', []),
    secondPower: graph.placeholder(PORTS.secondPower, 'float32', []),
  };

  const maskOutputs = new Map([...masks].map(([layer, { output }]) => [layer, output]));
  const training = forward(graph, plan, spectra.output, read, maskOutputs);
  const trained = loss(graph, training.logits, labels.output, weights.output);
  const gradients = backward(graph, training.ran, trained.logitsGradient);
  const fed = {
    learningRate: rates.learningRate.output,
    firstPower: rates.firstPower.output,
    secondPower: rates.secondPower.output,
  };
  const updates = gradients.map((one) => adam(graph, variablesOf(one.parameter), one, fed));

  const inference = forward(graph, plan, spectra.output, read);
  const evaluated = loss(graph, inference.logits, labels.output, weights.output);
  const probabilities = graph.node('Softmax', [inference.logits], FLOAT);

  const batch = { [PORTS.spectra]: spectra, [PORTS.labels]: labels, [PORTS.weights]: weights };
  const batchWithMasks = {
    ...batch,
    ...Object.fromEntries([...masks].map(([layer, port]) => [maskPort(layer), port])),
  };
  return graph.savedModel({
    ...stateSignatures(graph, plan, variablesOf),
    train: {
      inputs: {
        ...batchWithMasks,
        [PORTS.learningRate]: rates.learningRate,
        [PORTS.firstPower]: rates.firstPower,
        [PORTS.secondPower]: rates.secondPower,
      },
      outputs: {
        [PORTS.lossSum]: scalar(after(graph, trained.lossSum, updates)),
        [PORTS.correct]: scalar(trained.correct),
      },
    },
    gradients: {
      inputs: batchWithMasks,
      outputs: Object.fromEntries(
        gradients.map(({ parameter, value }): [string, Port] => [
          parameter.name,
          { output: value, type: 'float32', shape: variableShape(parameter) },
        ]),
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
  const shape = { shape: variableShape(parameter) };
  const make = (name: string): Output =>
    graph.node(
      'VarHandleOp',
      [],
      { dtype: { type: 'float32' }, shape, shared_name: { string: name } },
      `variable/${name}`,
    );
  const { weights, first, second } = statePorts(parameter);
  return { weights: make(weights), first: make(first), second: make(second) };
}

function addMasks(graph: GraphBuilder, { layers }: NetworkPlan): Map<string, Port> {
  const masks = new Map<string, Port>();
  for (const { name, layer, inputShape } of layers)
    if (layer.kind === 'dropout') {
      const values = inputShape.reduce((product, size) => product * size, 1);
      masks.set(name, graph.placeholder(maskPort(name), 'bool', [-1, values]));
    }
  return masks;
}

function stateSignatures(
  graph: GraphBuilder,
  plan: NetworkPlan,
  variablesOf: (parameter: Parameter) => Variables,
): { init: Signature; state: Signature; weights: Signature } {
  const inputs: Record<string, Port> = {};
  const outputs: Record<string, Port> = {};
  const weights: Record<string, Port> = {};
  const assignments: Output[] = [];
  for (const parameter of plan.parameters) {
    const handles = variablesOf(parameter);
    const ports = statePorts(parameter);
    const shape = variableShape(parameter);
    for (const part of ['weights', 'first', 'second'] as const) {
      const fed = graph.placeholder(`init/${ports[part]}`, 'float32', shape);
      const assign = graph.node('AssignVariableOp', [handles[part], fed.output], {
        dtype: { type: 'float32' },
      });
      inputs[ports[part]] = fed;
      assignments.push(assign);
      const value: Port = { output: readVariable(graph, handles[part]), type: 'float32', shape };
      outputs[ports[part]] = value;
      if (part === 'weights') weights[ports[part]] = value;
    }
  }
  const done = after(graph, graph.float32(1), assignments);
  return {
    init: { inputs, outputs: { [PORTS.done]: scalar(done) } },
    state: { inputs: {}, outputs },
    weights: { inputs: {}, outputs: weights },
  };
}

function readVariable(graph: GraphBuilder, handle: Output): Output {
  return graph.node('ReadVariableOp', [handle], { dtype: { type: 'float32' } });
}

/** The same value, once the nodes have run: a call runs only what its outputs need. */
function after(graph: GraphBuilder, output: Output, nodes: readonly Output[]): Output {
  return graph.node('Identity', [output, ...nodes.map((node) => `^${node}`)], FLOAT);
}

function scalar(output: Output): Port {
  return { output, type: 'float32', shape: [] };
}
