import type * as tfjs from '@tensorflow/tfjs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import { cacheDirectory } from '../embedded/cache.ts';
import { reasonOf } from '../embedded/downloads.ts';
import { hasNvidiaDriver, nativeBackends, type Backend, type NativeBackend } from './backends.ts';
import { findInstallation, type Installation } from './installation.ts';
import { TFJS_VERSION } from './pinned.ts';
import { tensorflowDirectory } from './set-up-tensorflow.ts';

/** What tfjs-node adds to tfjs, as far as we use it. */
export interface NodeFunctions {
  loadSavedModel(path: string, tags?: string[], signature?: string): Promise<SavedModel>;
}
export interface SavedModel extends tfjs.InferenceModel {
  dispose(): void;
}

export type TensorflowModule = typeof tfjs & {
  /** Of the native backends only. */
  node?: NodeFunctions;
};

export interface Tensorflow {
  tf: TensorflowModule;
  backend: Backend;
  /** Of libtensorflow; of tfjs for the JavaScript backend. */
  version: string;
  /** Directory of the native libraries. */
  libraryPath?: string;
  /** Why no better backend was taken, and how slow this one is. */
  note?: string;
}

export interface LoadOptions {
  /** The project's cache of fetched programs. */
  cache?: string;
  /** To be tried in this order; the machine decides when absent. The JavaScript backend is always the last. */
  backends?: readonly NativeBackend[];
}

/**
 * TensorFlow for this process (one a process: tfjs keeps one engine, so import nothing but types of `@tensorflow/tfjs`
 * beside it): the best backend that is in the cache and multiplies two matrices rightly, else pure
 * JavaScript. Sets nothing up and takes half a second; `setUpTensorflow` fills the cache.
 * @throws Error where even the JavaScript backend multiplies wrongly
 */
export async function loadTensorflow(options: LoadOptions = {}): Promise<Tensorflow> {
  const { cache = cacheDirectory() } = options;
  const backends = options.backends ?? nativeBackends(await hasNvidiaDriver());
  const reasons: string[] = [];
  for (const backend of backends) {
    const directory = tensorflowDirectory(backend, cache);
    try {
      const installation = await findInstallation(directory);
      if (installation === undefined) throw new Error(`it is not set up (${directory})`);
      const tf = await loadNative(backend, installation);
      // It stays all the same: tfjs keeps one engine a process, which a second copy would only find taken.
      if (backend === 'tfjs-node-gpu' && !usesGpu(tf)) reasons.push('no GPU can be used: the processor is');
      return {
        tf,
        backend,
        version: installation.tensorflow,
        libraryPath: join(directory, 'node_modules', '@tensorflow', backend, 'deps', 'lib'),
        ...(reasons.length > 0 ? { note: reasons.join('; ') } : {}),
      };
    } catch (error) {
      reasons.push(`${backend}: ${reasonOf(error)}`);
    }
  }
  const tf = await import('@tensorflow/tfjs');
  // Without it tfjs tells at length that a faster package could be installed; the note says it.
  tf.enableProdMode();
  await tf.setBackend('cpu');
  await checkProduct(tf);
  return {
    tf,
    backend: 'javascript',
    version: TFJS_VERSION,
    note: [
      ...reasons,
      'the JavaScript backend is used: it trains about a thousand times slower (an epoch of 5,000 spectra takes about an hour); npm run doctor -- --set-up sets native TensorFlow up',
    ].join('; '),
  };
}

async function loadNative(backend: NativeBackend, { directory }: Installation): Promise<TensorflowModule> {
  // Before the library is loaded: it reads it once. Errors are still told.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  // tfjs-node calls it with every operation; Node has deprecated it and says so.
  Object.assign(util, { isNullOrUndefined: (value: unknown) => value === null || value === undefined });
  const loaded: unknown = createRequire(join(directory, 'package.json'))(`@tensorflow/${backend}`);
  if (!isTensorflow(loaded)) throw new Error('what was loaded is not TensorFlow');
  await checkProduct(loaded);
  return loaded;
}

function usesGpu(tf: TensorflowModule): boolean {
  const backend: object = tf.backend();
  return 'isUsingGpuDevice' in backend && backend.isUsingGpuDevice === true;
}

function isTensorflow(loaded: unknown): loaded is TensorflowModule {
  return (
    typeof loaded === 'object' &&
    loaded !== null &&
    ['matMul', 'variableGrads', 'backend', 'node'].every((name) => name in loaded)
  );
}

/** @throws Error where two small matrices give the wrong product */
async function checkProduct(tf: TensorflowModule): Promise<void> {
  const matrix = tf.tensor2d([
    [1, 2],
    [3, 4],
  ]);
  const product = tf.matMul(matrix, matrix);
  const values = [...(await product.data())];
  tf.dispose([matrix, product]);
  if (values.join() !== '7,10,15,22') throw new Error(`it multiplies wrongly: ${values.join()}`);
}
