import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { z } from 'zod';
import { NetworkArchitecture } from '../../contracts/network.ts';
import { withoutClock } from '../hdf5/writing.ts';
import { planNetwork, type NetworkPlan, type PlannedLayer } from './architecture.ts';
import { NetworkError } from './error.ts';
import type { NamedArrays } from './trainer.ts';

/** The names of the files of a model. */
export const MODEL_FILES = {
  /** Weights one after another, float32, in the order of the network. Its sha256 is the weights'. */
  weights: 'weights.bin',
  /** Topology and list of weights, for TensorFlow.js. */
  tfjs: 'model.json',
  /** All in one, for Keras. */
  keras: 'model.h5',
  /** What the network was trained for; written last, so that a model without it is not complete. */
  description: 'spectrolabe.json',
} as const;

const FORMAT = 'spectrolabe-model-1';
/** Whose arithmetic and layout of weights the files follow. */
const KERAS_VERSION = '2.15.0';

/** A trained network, and what is needed to use it rightly. */
export interface ModelDescription {
  plan: NetworkPlan;
  architecture: NetworkArchitecture;
  weights: NamedArrays;
  /** In the order of the network's outputs. */
  classes: readonly string[];
  wavelengthAngstrom: Float64Array;
  /** Whatever else is to be kept, as JSON: scaling, seed, sha256 of the training set, metrics, software, backend, threads. */
  metadata: Record<string, unknown>;
}

const DescriptionFile = z.object({
  format: z.literal(FORMAT),
  architecture: NetworkArchitecture,
  classes: z.array(z.string()).min(2),
  wavelengthAngstrom: z.array(z.number()).min(1),
  weightsSha256: z.string(),
  metadata: z.record(z.string(), z.unknown()),
});

/** sha256 of the weights, float32 little-endian, in the order of the network: that of `weights.bin`. */
export function weightsSha256(plan: NetworkPlan, weights: NamedArrays): string {
  const hash = createHash('sha256');
  for (const values of inOrder(plan, weights)) hash.update(bytesOf(values));
  return hash.digest('hex');
}

/**
 * Writes a model: for TensorFlow.js, for Keras, and what it was trained for. Equal models give equal bytes.
 * @param directory made where it is not there
 * @returns the names of the files
 * @throws NetworkError `bad-state` where weights, classes or grid are not the network's
 */
export async function writeModelFiles(directory: string, model: ModelDescription): Promise<string[]> {
  const { plan, architecture, weights, classes, wavelengthAngstrom, metadata } = model;
  if (classes.length !== plan.classes || wavelengthAngstrom.length !== plan.points)
    throw new NetworkError(
      'bad-state',
      `${classes.length} classes and ${wavelengthAngstrom.length} wavelengths for a network of ${plan.classes} and ${plan.points}`,
    );
  const ordered = inOrder(plan, weights);
  await mkdir(directory, { recursive: true });
  const beside = async (name: string, write: (path: string) => Promise<void>): Promise<void> => {
    const path = join(directory, name);
    await write(`${path}.part`);
    await rename(`${path}.part`, path);
  };
  await beside(MODEL_FILES.weights, async (path) => {
    const file = await open(path, 'w');
    try {
      for (const values of ordered) await file.writeFile(bytesOf(values));
    } finally {
      await file.close();
    }
  });
  await beside(MODEL_FILES.tfjs, (path) => writeFile(path, JSON.stringify(tfjsModel(plan))));
  await beside(MODEL_FILES.keras, (path) => writeKerasFile(path, plan, weights));
  const description: z.infer<typeof DescriptionFile> = {
    format: FORMAT,
    architecture,
    classes: [...classes],
    wavelengthAngstrom: [...wavelengthAngstrom],
    weightsSha256: weightsSha256(plan, weights),
    metadata,
  };
  await beside(MODEL_FILES.description, (path) =>
    writeFile(path, `${JSON.stringify(description, null, 2)}\n`),
  );
  return Object.values(MODEL_FILES);
}

/**
 * Reads what {@link writeModelFiles} wrote.
 * @throws NetworkError `bad-state` where it is not such a model, or its weights are not those that were written; the file
 * system's error where a file is not there
 */
export async function readModelFiles(directory: string): Promise<{
  architecture: NetworkArchitecture;
  classes: string[];
  wavelengthAngstrom: Float64Array;
  weights: NamedArrays;
  metadata: Record<string, unknown>;
}> {
  const description = parseDescription(await readFile(join(directory, MODEL_FILES.description), 'utf8'));
  const { architecture, classes, metadata } = description;
  const wavelengthAngstrom = Float64Array.from(description.wavelengthAngstrom);
  const plan = planNetwork(architecture, { points: wavelengthAngstrom.length, classes: classes.length });
  const bytes = await readFile(join(directory, MODEL_FILES.weights));
  if (
    bytes.length !== 4 * plan.parameterCount ||
    createHash('sha256').update(bytes).digest('hex') !== description.weightsSha256
  )
    throw new NetworkError(
      'bad-state',
      `${MODEL_FILES.weights} is not what was written with this model: it is damaged, or of another one`,
    );
  const weights: Record<string, Float32Array> = {};
  let at = 0;
  for (const { name, count } of plan.parameters) {
    // Copied, for a file's bytes need not lie where float32 can be read.
    weights[name] = new Float32Array(Uint8Array.from(bytes.subarray(at, at + 4 * count)).buffer);
    at += 4 * count;
  }
  return { architecture, classes, wavelengthAngstrom, weights, metadata };
}

function parseDescription(text: string): z.infer<typeof DescriptionFile> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new NetworkError('bad-state', `${MODEL_FILES.description} is no JSON: ${error.message}`);
  }
  const result = DescriptionFile.safeParse(parsed);
  if (!result.success)
    throw new NetworkError(
      'bad-state',
      `${MODEL_FILES.description} does not describe a model: ${z.prettifyError(result.error)}`,
    );
  return result.data;
}

/** @throws NetworkError `bad-state` where they are not the network's */
function inOrder(plan: NetworkPlan, weights: NamedArrays): Float32Array[] {
  return plan.parameters.map(({ name, count }) => {
    const values = weights[name];
    if (values?.length !== count)
      throw new NetworkError(
        'bad-state',
        `weights of ${name}: ${values?.length ?? 'no'} values in place of ${count}`,
      );
    return values;
  });
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The network as Keras 2 describes it, which TensorFlow.js reads too. The input is (spectra, points, 1). */
function kerasModel({ layers, points }: NetworkPlan): object {
  const input = {
    class_name: 'InputLayer',
    config: { name: 'spectra', batch_input_shape: [null, points, 1], dtype: 'float32', sparse: false },
  };
  return {
    class_name: 'Sequential',
    config: { name: 'spectrolabe', layers: [input, ...layers.map(kerasLayer)] },
  };
}

function kerasLayer({ name, layer }: PlannedLayer): { class_name: string; config: object } {
  const common = { name, trainable: true, dtype: 'float32' };
  const trained = { use_bias: true, kernel_initializer: 'glorot_uniform', bias_initializer: 'zeros' };
  switch (layer.kind) {
    case 'conv1d':
      return {
        class_name: 'Conv1D',
        config: {
          ...common,
          ...trained,
          filters: layer.filters,
          kernel_size: [layer.kernel_size],
          strides: [1],
          padding: layer.padding,
          data_format: 'channels_last',
          dilation_rate: [1],
          activation: layer.activation,
        },
      };
    case 'max_pooling1d':
      return {
        class_name: 'MaxPooling1D',
        config: {
          ...common,
          pool_size: [layer.pool_size],
          strides: [layer.pool_size],
          padding: 'valid',
          data_format: 'channels_last',
        },
      };
    case 'flatten':
      return { class_name: 'Flatten', config: { ...common, data_format: 'channels_last' } };
    case 'dropout':
      return { class_name: 'Dropout', config: { ...common, rate: layer.rate } };
    case 'dense':
      return {
        class_name: 'Dense',
        config: { ...common, ...trained, units: layer.units, activation: layer.activation },
      };
    case 'output':
      return {
        class_name: 'Dense',
        config: { ...common, ...trained, units: layer.units, activation: 'softmax' },
      };
  }
}

function tfjsModel(plan: NetworkPlan): object {
  return {
    format: 'layers-model',
    generatedBy: 'Spectrolabe',
    convertedBy: null,
    modelTopology: { keras_version: KERAS_VERSION, backend: 'tensorflow', model_config: kerasModel(plan) },
    weightsManifest: [
      {
        paths: [MODEL_FILES.weights],
        weights: plan.parameters.map(({ name, shape }) => ({ name, shape, dtype: 'float32' })),
      },
    ],
  };
}

/** The HDF5 that `model.save('model.h5')` of Keras 2 writes, without an optimiser. */
async function writeKerasFile(path: string, plan: NetworkPlan, weights: NamedArrays): Promise<void> {
  await h5wasm.ready;
  withoutClock(() => {
    const file = new h5wasm.File(path, 'w');
    try {
      file.create_attribute('model_config', JSON.stringify(kerasModel(plan)));
      const trained = plan.layers.filter(({ parameters }) => parameters.length > 0);
      const root = file.create_group('model_weights');
      root.create_attribute('layer_names', ...fixedTexts(trained.map(({ name }) => name)));
      for (const group of [file, root]) {
        group.create_attribute('keras_version', KERAS_VERSION);
        group.create_attribute('backend', 'tensorflow');
      }
      for (const { name, parameters } of trained) {
        const layer = root.create_group(name);
        layer.create_attribute('weight_names', ...fixedTexts(parameters.map((one) => `${one.name}:0`)));
        // Keras nests a group of the layer's name in that of the layer.
        const inner = layer.create_group(name);
        for (const one of parameters)
          inner.create_dataset({
            name: `${one.role}:0`,
            data: weights[one.name] ?? new Float32Array(),
            dtype: '<f',
            shape: [...one.shape],
          });
      }
    } finally {
      file.close();
    }
  });
}

/** Arguments of h5wasm for an attribute of texts, as Keras writes them: of one width. */
function fixedTexts(texts: string[]): [string[], number[], string] {
  return [texts, [texts.length], `S${Math.max(1, ...texts.map((text) => Buffer.byteLength(text)))}`];
}
