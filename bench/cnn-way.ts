import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { DEFAULT_NETWORK, FittingOptions } from '../contracts/network.ts';
import { loadTensorflow } from '../deploy/tensorflow/load-tensorflow.ts';
import { planNetwork } from '../science/cnn/architecture.ts';
import { createTrainer } from '../science/cnn/create-trainer.ts';
import { fit } from '../science/cnn/fit.ts';
import { initialState } from '../science/cnn/initialize.ts';
import { createOpByOpTrainer } from '../science/cnn/op-by-op-trainer.ts';

// One of our ways as a process of its own, with the commands and answers of cnn_reference.py:
// node cnn-way.js graph|op-by-op DATA POINTS ROWS
const CLASSES = 3;
const [way, path = '', ...sizes] = process.argv.slice(2);
const [points = NaN, rows = NaN] = sizes.map(Number);

const { tf, backend, version, note } = await loadTensorflow();
if (backend === 'javascript') throw new Error(note);
const plan = planNetwork(DEFAULT_NETWORK, { points, classes: CLASSES });
const bytes = await readFile(path);
const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
const training = {
  spectra: new Float32Array(buffer, 0, rows * points),
  labels: new Int32Array(buffer, 4 * rows * points, rows),
};
const options = FittingOptions.parse({ epochs: 100_000, early_stopping: { patience: 100_000 } });
const trainer =
  way === 'graph'
    ? await createTrainer(tf, plan, { seed: options.seed, scratchDirectory: tmpdir() })
    : createOpByOpTrainer(tf, plan, { initial: initialState(plan, options.seed), dropoutSeed: options.seed });

const commands = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const end = new AbortController();
let began = NaN;

/** Answers commands until the next epoch is asked for, or nothing more. */
async function untilEpoch(): Promise<void> {
  for (;;) {
    const { value: command, done } = await commands.next();
    if (done === true) return end.abort();
    if (command === 'predict') tell(predict());
    else if (command === 'memory') tell({ peakBytes: process.resourceUsage().maxRSS * 1024 });
    else if (command === 'epoch') {
      began = performance.now();
      return;
    } else throw new Error(`no such command: ${command}`);
  }
}

function predict(): { seconds: number } {
  trainer.predict(training.spectra.subarray(0, Math.min(rows, 512) * points));
  const began = performance.now();
  trainer.predict(training.spectra);
  return { seconds: (performance.now() - began) / 1000 };
}

function tell(answer: object): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

tell({ way, backend, tensorflow: version });
await untilEpoch();
const hooks = {
  now: () => performance.now(),
  onEpoch: async ({ loss }: { loss: number }) => {
    tell({ seconds: (performance.now() - began) / 1000, loss });
    await untilEpoch();
  },
  signal: end.signal,
};
try {
  if (!end.signal.aborted) await fit(trainer, plan, { training }, options, hooks);
} catch (error) {
  if (!end.signal.aborted) throw error;
}
