// node trial.cjs DIRECTORY PACKAGE: multiplies two matrices with the native TensorFlow of a directory and prints what
// it found as one line of JSON. A process of its own: a library for another machine ends it (SIGILL), not us.
const { createRequire } = require('node:module');
const { join } = require('node:path');
const util = require('node:util');

process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
// tfjs-node asks for it; Node has deprecated it.
util.isNullOrUndefined = (value) => value === null || value === undefined;
const [directory, name] = process.argv.slice(2);
const tf = createRequire(join(directory, 'package.json'))(name);
const matrix = tf.tensor2d([
  [1, 2],
  [3, 4],
]);
const product = Array.from(tf.matMul(matrix, matrix).dataSync());
const { binding, isUsingGpuDevice } = tf.backend();
console.log(JSON.stringify({ product, tensorflow: binding.TF_Version, gpu: isUsingGpuDevice }));
