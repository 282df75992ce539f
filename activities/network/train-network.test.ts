import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import h5wasm from 'h5wasm/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TrainingConfig } from '../../contracts/training.ts';
import { loadTensorflow } from '../../deploy/tensorflow/load-tensorflow.ts';
import { Random } from '../../science/cnn/random.ts';
import { stratifiedSplit } from '../../science/cnn/split.ts';
import type { ChildMessage, TrainTask } from './messages.ts';
import { type Computer, trainNetwork } from './train-network.ts';

const ROWS = 60;
const POINTS = 8;
const EPOCHS = 6;
const LABELS = Int32Array.from({ length: ROWS }, (_, row) => row % 2);
const VALIDATION_FRACTION = 0.2;
const { tf } = await loadTensorflow();
const TWO_THREADS: Computer = { tf, backend: 'tfjs-node', version: '2.15.1', threads: 2 };

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'train network '));
});
afterEach(() => rm(directory, { recursive: true }));

/** Noise, with a line in every other spectrum. @param tooLarge a row whose sums overflow */
async function writeLabelled(path: string, tooLarge: number | undefined): Promise<void> {
  await h5wasm.ready;
  const random = new Random(1);
  const fluxes = Float32Array.from(
    { length: ROWS * POINTS },
    (_, i) => random.uniform() + (Math.floor(i / POINTS) % 2) * Math.exp(-(((i % POINTS) - 4) ** 2)),
  );
  if (tooLarge !== undefined) fluxes.fill(3e38, tooLarge * POINTS, (tooLarge + 1) * POINTS);
  const names = Array.from({ length: ROWS }, (_, row) => `spec-${row}.fits`);
  const file = new h5wasm.File(path, 'w');
  file.create_dataset({ name: 'fluxes', data: fluxes, shape: [ROWS, POINTS] });
  file.create_dataset({ name: 'wave', data: Float64Array.from({ length: POINTS }, (_, i) => 6540 + i) });
  file.create_dataset({ name: 'filenames', data: names });
  file.create_dataset({ name: 'labels', data: LABELS });
  file.close();
}

interface TrainOptions {
  stopAfter?: number;
  tooLarge?: number;
  learningRate?: number;
  /** Name of the training whose model is the predecessor. */
  after?: string;
}

/** Trains in a directory of its own, or where another training stopped. @param stopAfter dies when this epoch is told */
async function train(
  name: string,
  computer: Computer,
  { stopAfter, tooLarge, learningRate = 1e-2, after }: TrainOptions = {},
): Promise<ChildMessage[]> {
  const place = join(directory, name);
  await mkdir(join(place, 'model'), { recursive: true });
  await writeLabelled(join(place, 'labelled.h5'), tooLarge);
  const task: TrainTask = {
    kind: 'train',
    oversampling: 'none',
    config: TrainingConfig.parse({
      training_data_path: '/labelled.h5',
      network: { layers: [{ kind: 'flatten' }, { kind: 'dense', units: 64 }, { kind: 'dropout' }] },
      fitting: {
        epochs: EPOCHS,
        batch_size: 16,
        learning_rate: learningRate,
        validation_fraction: VALIDATION_FRACTION,
        early_stopping: { monitor: 'val_loss', patience: EPOCHS },
      },
    }),
    dataPath: join(place, 'labelled.h5'),
    objects: { directory: join(place, 'objects') },
    checkpointKey: 'work/x/checkpoint',
    modelDir: join(place, 'model'),
    scratchDir: place,
    ...(after === undefined ? {} : { predecessorDir: join(directory, after, 'model') }),
  };
  const messages: ChildMessage[] = [];
  await trainNetwork(
    () => Promise.resolve(computer),
    task,
    (message) => {
      if (message.kind === 'epoch' && message.metrics.epoch === stopAfter) throw new Error('killed');
      messages.push(message);
    },
  );
  return messages;
}

const of = <Kind extends ChildMessage['kind']>(messages: ChildMessage[], kind: Kind) =>
  messages.filter((message): message is Extract<ChildMessage, { kind: Kind }> => message.kind === kind);
const epochsOf = (messages: ChildMessage[]) => of(messages, 'epoch').map(({ metrics }) => metrics.epoch);
const weightsOf = (messages: ChildMessage[]) =>
  of(messages, 'trained').map(({ report }) => report.weightsSha256);
const computersOf = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(join(directory, name, 'model', 'spectrolabe.json'), 'utf8')).metadata.computers;

it('goes on after the last epoch, tells it again, and ends as one that was left in peace', async () => {
  const whole = await train('whole', TWO_THREADS);
  expect(epochsOf(whole)).toEqual([1, 2, 3, 4, 5, 6]);
  await expect(train('stopped', TWO_THREADS, { stopAfter: 3 })).rejects.toThrow('killed');
  const rest = await train('stopped', TWO_THREADS);
  expect(of(rest, 'log').map(({ message }) => message)).toContain(
    'goes on after epoch 3, from its checkpoint',
  );
  // The third was kept and nobody heard of it.
  expect(epochsOf(rest)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(weightsOf(rest)).toEqual(weightsOf(whole));
  expect(await computersOf('stopped')).toEqual(['tfjs-node 2.15.1, 2 threads']);
});

it('goes on by another computer, and says so', async () => {
  await expect(train('moved', TWO_THREADS, { stopAfter: 3 })).rejects.toThrow('killed');
  const rest = await train('moved', { ...TWO_THREADS, threads: 8 });
  expect(of(rest, 'log')).toContainEqual(
    expect.objectContaining({
      level: 'warning',
      message: expect.stringContaining(
        'trained by tfjs-node 2.15.1, 2 threads, then by tfjs-node 2.15.1, 8 threads',
      ),
    }),
  );
  expect(of(rest, 'progress').map(({ epoch }) => epoch)).not.toContain(3);
  expect(await computersOf('moved')).toEqual(['tfjs-node 2.15.1, 2 threads', 'tfjs-node 2.15.1, 8 threads']);
});

it('fits again what learnt less than half of what the model before had', async () => {
  const failures = (messages: ChildMessage[]) =>
    of(messages, 'log').filter(({ key }) => key.startsWith('network-failed'));
  const before = await train('before', TWO_THREADS);
  const [balanced = 0] = of(before, 'trained').map(({ report }) => report.validation?.balancedAccuracy);
  expect(balanced).toBeGreaterThan(0.8);
  // As good a fit passes, and is the same with a predecessor as without.
  const equal = await train('equal', TWO_THREADS, { after: 'before' });
  expect(failures(equal)).toEqual([]);
  expect(weightsOf(equal)).toEqual(weightsOf(before));
  const hardly = await train('hardly', TWO_THREADS, { after: 'before', learningRate: 1e-7 });
  expect(failures(hardly).length).toBeGreaterThan(0);
});

it('says how far it is, and how fast', async () => {
  const [first] = of(await train('progress', TWO_THREADS), 'progress');
  expect(first).toMatchObject({ attempt: 1, epoch: 1, batch: 1, batches: 3 });
  expect(first?.loss).toBeGreaterThan(0);
  expect(first?.spectraPerSecond).toBeGreaterThan(1);
});

it('has diverged where the held-out spectra say so first', async () => {
  const held = stratifiedSplit(LABELS, { fraction: VALIDATION_FRACTION, seed: 0 }).validation[0];
  await expect(train('diverging', TWO_THREADS, { tooLarge: held })).rejects.toMatchObject({
    name: 'NetworkError',
    code: 'diverged',
    message: expect.stringContaining('held-out'),
  });
});
