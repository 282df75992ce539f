import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { planNetwork } from '../../science/cnn/architecture.ts';
import { initialState } from '../../science/cnn/initialize.ts';
import { createLocalDiskStore } from '../../storage/local-disk.ts';
import { type ObjectStore, objectUri } from '../../storage/object-store.ts';
import { loadCheckpoint, saveCheckpoint, type SavedCheckpoint } from './checkpoint.ts';

const KEY = 'work/x/checkpoint';
const plan = planNetwork(
  { layers: [{ kind: 'flatten' }, { kind: 'dense', units: 3, activation: 'relu' }] },
  { points: 5, classes: 2 },
);
const state = initialState(plan, 1);
const saved: SavedCheckpoint = {
  training: 'this one',
  computers: ['tfjs-node 2.15.1, 2 threads'],
  attempt: 2,
  checkpoint: {
    trainer: { ...state, step: 17, firstMoments: initialState(plan, 2).weights },
    bestWeights: initialState(plan, 3).weights,
    earlyStopping: { best: 0.1 + 0.2, bestEpoch: 3, waited: 1 },
    history: [
      { epoch: 1, learningRate: 1e-3, loss: 1 / 3, accuracy: 0.5, trainingSpectraPerSecond: 1000 },
      {
        epoch: 2,
        learningRate: 1e-3,
        loss: 0.2,
        accuracy: 0.7,
        validation: { loss: 0.3, accuracy: 0.6 },
        trainingSpectraPerSecond: 1000,
      },
    ],
  },
};

let root: string;
let store: ObjectStore;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'checkpoint '));
  store = createLocalDiskStore(root);
});
beforeEach(() => saveCheckpoint(store, KEY, plan, saved));
afterAll(() => rm(root, { recursive: true }));

it('comes back as it was saved, to the bit', async () => {
  expect(await loadCheckpoint(store, KEY, plan, 'this one')).toEqual(saved);
});

it('is not there before the first epoch', async () => {
  await store.deletePrefix(KEY);
  expect(await loadCheckpoint(store, KEY, plan, 'this one')).toBeUndefined();
});

it('of another training, or for another network, is not taken', async () => {
  expect(await loadCheckpoint(store, KEY, plan, 'another')).toBeUndefined();
  const other = planNetwork({ layers: [{ kind: 'flatten' }] }, { points: 5, classes: 2 });
  expect(await loadCheckpoint(store, KEY, other, 'this one')).toBeUndefined();
});

it('that is damaged is not taken', async () => {
  const whole = Buffer.from(await store.read(objectUri(KEY)));
  for (const length of [0, 3, 40, whole.length - 1]) {
    await store.put(KEY, [whole.subarray(0, length)]);
    expect(await loadCheckpoint(store, KEY, plan, 'this one')).toBeUndefined();
  }
  whole.writeUInt8(whole.readUInt8(whole.length - 5) ^ 1, whole.length - 5);
  await store.put(KEY, [whole]);
  expect(await loadCheckpoint(store, KEY, plan, 'this one')).toBeUndefined();
});
