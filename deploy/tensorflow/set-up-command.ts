import { z } from 'zod';
import { setUpBackend } from './set-up-tensorflow.ts';

// node dist/deploy/tensorflow/set-up-command.js tfjs-node|tfjs-node-gpu: puts one native TensorFlow into the cache of an image
// that is being built, on a machine that may have no GPU.
const backend = z.enum(['tfjs-node', 'tfjs-node-gpu']).parse(process.argv[2]);
const say = (message: string): void => console.error(message);
await setUpBackend(backend, { say, elsewhere: true });
