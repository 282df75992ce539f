import type { NetworkArchitecture, NetworkLayer } from '../../contracts/network.ts';
import { NetworkError } from './error.ts';

/** A block of weights, laid out as Keras does: a convolution's kernel (size, in, out), a dense kernel (in, out). */
export interface Parameter {
  /** Layer and role, e.g. `conv1d_2/kernel`; unique in the network. */
  readonly name: string;
  readonly role: 'kernel' | 'bias';
  readonly shape: readonly number[];
  /** Product of `shape`. */
  readonly count: number;
  /** Inputs and outputs of one unit, as Keras counts them for its initialisers. */
  readonly fanIn: number;
  readonly fanOut: number;
}

/** A layer with its shapes worked out. */
export interface PlannedLayer {
  /** As Keras would call it: `conv1d`, `conv1d_1`, …; the last is `probabilities`. */
  readonly name: string;
  readonly layer: NetworkLayer | OutputLayer;
  /** (points, channels), or (values) from `flatten` on; without the batch. */
  readonly inputShape: readonly number[];
  readonly outputShape: readonly number[];
  /** kernel and bias, or none. */
  readonly parameters: readonly Parameter[];
}

/** The dense layer with softmax that ends every network. */
export interface OutputLayer {
  readonly kind: 'output';
  readonly units: number;
}

/** A network for spectra of one length and a number of classes. */
export interface NetworkPlan {
  readonly points: number;
  readonly classes: number;
  readonly layers: readonly PlannedLayer[];
  /** Of all layers, in their order. */
  readonly parameters: readonly Parameter[];
  readonly parameterCount: number;
}

/**
 * Works out every layer's shape and weights.
 * @param points of a spectrum
 * @param classes at least 2
 * @throws NetworkError `bad-architecture` where layers do not follow from each other, or the spectrum is too short for them
 */
export function planNetwork(
  { layers }: NetworkArchitecture,
  { points, classes }: { points: number; classes: number },
): NetworkPlan {
  if (!Number.isSafeInteger(points) || points < 1)
    throw new NetworkError('bad-architecture', `A spectrum of ${points} points cannot be classified`);
  if (!Number.isSafeInteger(classes) || classes < 2)
    throw new NetworkError('bad-architecture', `A classifier needs at least two classes, not ${classes}`);
  const planned: PlannedLayer[] = [];
  const seen = new Map<string, number>();
  let shape: readonly number[] = [points, 1];
  for (const layer of [...layers, { kind: 'output', units: classes } as const]) {
    const index = seen.get(layer.kind) ?? 0;
    seen.set(layer.kind, index + 1);
    const name =
      layer.kind === 'output' ? 'probabilities' : index === 0 ? layer.kind : `${layer.kind}_${index}`;
    const { outputShape, kernel } = shapesOf(layer, shape, name, points);
    planned.push({
      name,
      layer,
      inputShape: shape,
      outputShape,
      parameters: kernel === undefined ? [] : kernelAndBias(name, kernel),
    });
    shape = outputShape;
  }
  const parameters = planned.flatMap((one) => one.parameters);
  return {
    points,
    classes,
    layers: planned,
    parameters,
    parameterCount: parameters.reduce((sum, { count }) => sum + count, 0),
  };
}

function shapesOf(
  layer: PlannedLayer['layer'],
  input: readonly number[],
  name: string,
  points: number,
): { outputShape: readonly number[]; kernel?: readonly number[] } {
  const [length = 0, channels] = input;
  switch (layer.kind) {
    case 'conv1d': {
      if (channels === undefined) throw afterFlatten(name);
      const left = layer.padding === 'same' ? length : length - layer.kernel_size + 1;
      if (left < 1) throw tooShort(name, length, layer.kernel_size, points);
      return { outputShape: [left, layer.filters], kernel: [layer.kernel_size, channels, layer.filters] };
    }
    case 'max_pooling1d': {
      if (channels === undefined) throw afterFlatten(name);
      if (length < layer.pool_size) throw tooShort(name, length, layer.pool_size, points);
      return { outputShape: [Math.floor(length / layer.pool_size), channels] };
    }
    case 'flatten':
      return { outputShape: [length * (channels ?? 1)] };
    case 'dropout':
      return { outputShape: input };
    case 'dense':
    case 'output':
      if (channels !== undefined)
        throw new NetworkError(
          'bad-architecture',
          layer.kind === 'output'
            ? 'A flatten layer is needed before the end of the network'
            : `Layer ${name}: a flatten layer is needed before it`,
        );
      return { outputShape: [layer.units], kernel: [length, layer.units] };
  }
}

function kernelAndBias(name: string, kernel: readonly number[]): Parameter[] {
  const count = kernel.reduce((product, size) => product * size, 1);
  const units = kernel.at(-1) ?? 0;
  const inputs = kernel.at(-2) ?? 0;
  const field = count / (units * inputs);
  const fans = { fanIn: inputs * field, fanOut: units * field };
  return [
    { name: `${name}/kernel`, role: 'kernel', shape: kernel, count, ...fans },
    { name: `${name}/bias`, role: 'bias', shape: [units], count: units, ...fans },
  ];
}

function afterFlatten(name: string): NetworkError {
  return new NetworkError('bad-architecture', `Layer ${name} cannot follow flatten or dense layers`);
}

function tooShort(name: string, length: number, needed: number, points: number): NetworkError {
  return new NetworkError(
    'bad-architecture',
    `A spectrum of ${points} points is too short for this network: ` +
      `${length} ${length === 1 ? 'point arrives' : 'points arrive'} at layer ${name}, which needs ${needed}`,
  );
}
