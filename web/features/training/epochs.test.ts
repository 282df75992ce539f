import { describe, expect, it } from 'vitest';
import { bestEpochOf, epochsOf, epochsUntilStop } from './epochs.ts';

let id = 0;
const told = (name: string, step: number | undefined, value: number) => ({
  id: (id += 1),
  name,
  step,
  value,
});

describe('epochsOf', () => {
  it('puts the numbers of an epoch together, in the order of the epochs', () => {
    const second = [told('loss', 2, 0.5), told('val_loss', 2, 0.6)];
    const first = [told('loss', 1, 0.7), told('learning_rate', 1, 0.001)];
    expect(epochsOf(second, first)).toEqual([
      { step: 1, loss: 0.7, learning_rate: 0.001 },
      { step: 2, loss: 0.5, val_loss: 0.6 },
    ]);
  });
  it('counts what the answer and the stream both tell once', () => {
    const loss = told('loss', 1, 0.7);
    expect(epochsOf([loss], [loss])).toEqual([{ step: 1, loss: 0.7 }]);
  });
  it('takes the newest value of an epoch that comes again, wherever it was heard', () => {
    const old = told('loss', 3, 0.9);
    const again = told('loss', 3, 0.8);
    expect(epochsOf([again], [old])).toEqual([{ step: 3, loss: 0.8 }]);
  });
  it('forgets the later epochs of an attempt that was started over', () => {
    const firstFit = [1, 2, 3].map((step) => told('loss', step, 0.69));
    const secondFit = [1, 2].map((step) => told('loss', step, 0.5));
    expect(epochsOf([...firstFit, ...secondFit])).toEqual([
      { step: 1, loss: 0.5 },
      { step: 2, loss: 0.5 },
    ]);
  });
  it('leaves out numbers that are of no epoch', () => {
    expect(epochsOf([told('loss', undefined, 1), told('iterations', 1, 1)])).toEqual([]);
  });
});

describe('epochsUntilStop', () => {
  const epochs = [0.9, 0.5, 0.49, 0.6].map((loss, index) => ({ step: index + 1, loss }));
  const stopping = { monitor: 'loss', patience: 5 } as const;
  it('counts from the last improvement', () => {
    expect(epochsUntilStop(epochs, { ...stopping, min_delta: 0 })).toBe(4);
    expect(epochsUntilStop(epochs.slice(0, 3), { ...stopping, min_delta: 0 })).toBe(5);
  });
  it('does not count an improvement below the least one', () => {
    expect(epochsUntilStop(epochs, { ...stopping, min_delta: 0.1 })).toBe(3);
  });
  it('says nothing before there is a value', () => {
    expect(epochsUntilStop([], { ...stopping, min_delta: 0 })).toBeUndefined();
    expect(epochsUntilStop(epochs, { ...stopping, monitor: 'val_loss', min_delta: 0 })).toBeUndefined();
  });
});

describe('bestEpochOf', () => {
  it('goes by the monitored loss and takes the first of equals', () => {
    const epochs = [
      { step: 1, loss: 0.9, val_loss: 0.5 },
      { step: 2, loss: 0.1, val_loss: 0.5 },
      { step: 3, loss: 0.05, val_loss: 0.8 },
    ];
    expect(bestEpochOf(epochs, 'val_loss')?.step).toBe(1);
    expect(bestEpochOf(epochs, 'loss')?.step).toBe(3);
    expect(bestEpochOf([], 'loss')).toBeUndefined();
  });
});
