import { availableParallelism } from 'node:os';
import { type ChildMessage, isEnding, NetworkTask } from '../activities/network/messages.ts';
import { writeCatalogueFiles } from '../activities/network/catalogue-files.ts';
import { embedTrainingSet } from '../activities/network/embed-training-set.ts';
import { preparePool } from '../activities/network/prepare-pool.ts';
import { scoreSpectra } from '../activities/network/score-spectra.ts';
import { selectBatch } from '../activities/network/select-batch.ts';
import { type Computer, trainNetwork } from '../activities/network/train-network.ts';
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
  let last: ChildMessage | undefined;
  const remember = (message: ChildMessage): void => {
    // The message that ends the task ends the process too.
    if (isEnding(message)) last = message;
    else tell(message);
  };
  if (task.kind === 'train') await trainNetwork(computer, task, remember);
  else if (task.kind === 'score') await scoreSpectra(await computer(), task, remember);
  else if (task.kind === 'prepare') await preparePool(task, remember);
  else if (task.kind === 'select') await selectBatch(computer, task, remember);
  else if (task.kind === 'embed') await embedTrainingSet(task, remember);
  else await writeCatalogueFiles(task, remember);
  if (!last) throw new Error(`the ${task.kind} task has no end`);
  tellAndEnd(last, 0);
}

/** TensorFlow: the second that its loading takes is not spent on tasks that do without. */
async function computer(): Promise<Computer> {
  const { tf, backend, version, note } = await loadTensorflow();
  const threads = Number(process.env['TF_NUM_INTRAOP_THREADS']) || availableParallelism();
  tell({
    kind: 'log',
    level: backend === 'javascript' ? 'warning' : 'info',
    key: `network-backend-${backend}`,
    message: `computing with ${backend} ${version}, ${threads} threads${note === undefined ? '' : `: ${note}`}`,
  });
  return { tf, backend, version, threads };
}
