import type * as tensorflow from '@tensorflow/tfjs';

/** TensorFlow.js with any backend. */
export type Tensorflow = typeof tensorflow;

/** A signature of a SavedModel that native TensorFlow runs (`TFSavedModel` of tfjs-node). */
export interface SavedSignature {
  predict(inputs: tensorflow.NamedTensorMap): tensorflow.NamedTensorMap;
  dispose(): void;
}

/** tfjs-node and tfjs-node-gpu: TensorFlow.js on the native library. */
export type NativeTensorflow = Tensorflow & {
  readonly node: {
    loadSavedModel(path: string, tags: string[], signature: string): Promise<SavedSignature>;
  };
};

/** Whether this TensorFlow is native, and so runs graphs. */
export function isNative(tf: Tensorflow): tf is NativeTensorflow {
  return 'node' in tf;
}
