import type * as tensorflow from '@tensorflow/tfjs';

/** A signature of a SavedModel that native TensorFlow runs (`TFSavedModel` of tfjs-node). */
export interface SavedSignature extends tensorflow.InferenceModel {
  dispose(): void;
}

/** What tfjs-node and tfjs-node-gpu, TensorFlow.js on the native library, have besides. */
export interface NativeFunctions {
  loadSavedModel(path: string, tags?: string[], signature?: string): Promise<SavedSignature>;
}

/** TensorFlow.js with any backend. */
export type Tensorflow = typeof tensorflow & { readonly node?: NativeFunctions };

/** TensorFlow.js on the native library, which runs graphs. */
export type NativeTensorflow = Tensorflow & { readonly node: NativeFunctions };

export function isNative(tf: Tensorflow): tf is NativeTensorflow {
  return tf.node !== undefined;
}
