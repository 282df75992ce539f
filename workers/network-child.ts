import { availableParallelism } from 'node:os';
// Somebody waits for the next batch: a process that was started ahead has this, and HDF5, ready.
import { selectBatch } from '../activities/network/select-batch.ts';
import { type ChildMessage, isEnding, NetworkTask, type Tell } from '../activities/network/messages.ts';
import type { Computer } from '../activities/network/train-network.ts';
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
  await perform(task, remember);
  if (!last) throw new Error(`the ${task.kind} task has no end`);
  tellAndEnd(last, 0);
}

/** Loads what the other tasks need and no more. */
async function perform(task: NetworkTask, tell: Tell): Promise<void> {
  switch (task.kind) {
    case 'train': {
      const { trainNetwork } = await import('../activities/network/train-network.ts');
      return trainNetwork(computer, task, tell);
    }
    case 'score': {
      const { scoreSpectra } = await import('../activities/network/score-spectra.ts');
      return scoreSpectra(await computer(), task, tell);
    }
    case 'prepare': {
      const { preparePool } = await import('../activities/network/prepare-pool.ts');
      return preparePool(task, tell);
    }
    case 'select': {
      return selectBatch(computer, task, tell);
    }
    case 'embed': {
      const { embedTrainingSet } = await import('../activities/network/embed-training-set.ts');
      return embedTrainingSet(task, tell);
    }
    case 'catalogue': {
      const { writeCatalogueFiles } = await import('../activities/network/catalogue-files.ts');
      return writeCatalogueFiles(task, tell);
    }
  }
}

/** TensorFlow: the second that its loading takes is not spent on tasks that do without. */
async function computer(): Promise<Computer> {
  const { loadTensorflow } = await import('../deploy/tensorflow/load-tensorflow.ts');
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
