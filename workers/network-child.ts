import { availableParallelism } from 'node:os';
import { type ChildMessage, NetworkTask } from '../activities/network/messages.ts';
import { scoreSpectra } from '../activities/network/score-spectra.ts';
import { trainNetwork } from '../activities/network/train-network.ts';
import { loadTensorflow } from '../deploy/tensorflow/load-tensorflow.ts';
import { NetworkError } from '../science/cnn/error.ts';

// The process that computes with TensorFlow: takes one task over its channel, says how it goes, and ends.

const tell = (message: ChildMessage): void => {
  process.send?.(message);
};

/** Tells the last message and waits until it is on its way: an exit would lose it. */
function tellAndEnd(message: ChildMessage, code: number): void {
  process.send?.(message, () => process.exit(code));
}

// The worker is gone: another one goes on from the checkpoint, and two must not write it.
process.on('disconnect', () => process.exit(1));

process.once('message', (received) => {
  run(received).catch((error: unknown) => {
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    const retryable = !(error instanceof NetworkError);
    tellAndEnd({ kind: 'failed', message, trace: stack ?? message, retryable }, 1);
  });
});

async function run(received: unknown): Promise<void> {
  const task = NetworkTask.parse(received);
  const { tf, backend, version, note } = await loadTensorflow();
  const threads = Number(process.env['TF_NUM_INTRAOP_THREADS']) || availableParallelism();
  tell({
    kind: 'log',
    level: backend === 'javascript' ? 'warning' : 'info',
    key: `network-backend-${backend}`,
    message: `computing with ${backend} ${version}, ${threads} threads${note === undefined ? '' : `: ${note}`}`,
  });
  const computer = { tf, backend, version, threads };
  let last: ChildMessage | undefined;
  const remember = (message: ChildMessage): void => {
    // The message that ends the task ends the process too.
    if (message.kind === 'trained' || message.kind === 'scored') last = message;
    else tell(message);
  };
  if (task.kind === 'train') await trainNetwork(computer, task, remember);
  else await scoreSpectra(computer, task, remember);
  if (!last) throw new Error(`the ${task.kind} task has no end`);
  tellAndEnd(last, 0);
}
