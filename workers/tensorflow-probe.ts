import { availableParallelism } from 'node:os';
import { loadTensorflow } from '../deploy/tensorflow/load-tensorflow.ts';
import type { TensorflowFound } from './tensorflow-setup.ts';

// node tensorflow-probe.js [CACHE]: loads the TensorFlow that a training here would get, prints which it is as one line
// of JSON, and ends. TensorFlow takes memory for good and may end its process: it never gets into a worker itself.
const [, , cache] = process.argv;
const { backend, version, note } = await loadTensorflow(cache === undefined ? {} : { cache });
const found: TensorflowFound = {
  backend,
  version,
  // tfjs in JavaScript has one thread; TensorFlow starts one a core where it is not told how many.
  threads:
    backend === 'javascript' ? 1 : Number(process.env['TF_NUM_INTRAOP_THREADS']) || availableParallelism(),
  ...(note === undefined ? {} : { note }),
};
process.stdout.write(`\n${JSON.stringify(found)}\n`, () => process.exit(0));
