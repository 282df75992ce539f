import { expect, it } from 'vitest';
import { evaluate, hasCollapsed } from './evaluation.ts';
import { NetworkError } from './error.ts';
import { fitUntilSound, type FailedFit } from './refit.ts';

const oneHot = (predicted: number[]) =>
  Float32Array.from(predicted.flatMap((one) => [0, 1, 2].map((other) => (other === one ? 1 : 0))));
const evaluation = (labels: number[], predicted: number[]) =>
  evaluate(Int32Array.from(labels), oneHot(predicted), 3);

it('counts the confusion matrix, precision and recall', () => {
  const result = evaluation([0, 0, 0, 1, 1], [0, 0, 1, 1, 0]);
  expect(result).toEqual({
    n: 5,
    accuracy: 0.6,
    balancedAccuracy: (2 / 3 + 1 / 2) / 2,
    confusion: [
      [2, 1, 0],
      [1, 1, 0],
      [0, 0, 0],
    ],
    perClass: [
      { labelled: 3, predicted: 3, precision: 2 / 3, recall: 2 / 3 },
      { labelled: 2, predicted: 2, precision: 1 / 2, recall: 1 / 2 },
      { labelled: 0, predicted: 0 },
    ],
  });
  expect(() => evaluation([3], [0])).toThrow('Label 3 is no class');
  expect(() => evaluation([], [])).toThrow(NetworkError);
});

const sound = evaluation([0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 0]);
const constant = evaluation([0, 1, 2, 0, 1, 2], [1, 1, 1, 1, 1, 1]);

it('tells a collapsed fit', () => {
  expect(hasCollapsed(constant)).toBe(true);
  expect(hasCollapsed(sound)).toBe(false);
  expect(hasCollapsed(constant, sound)).toBe(true);
  expect(hasCollapsed(sound, sound)).toBe(false);
  // As good as the one before it, which is no better than chance: nothing was ever learnt.
  expect(hasCollapsed(constant, constant)).toBe(true);
});

it('fits a collapsed fit again with the next seed, three times at most', async () => {
  const failed: FailedFit[] = [];
  const onFailedFit = (one: FailedFit) => failed.push(one);
  const fits = (...outcomes: (typeof sound | 'diverged')[]) =>
    fitUntilSound(
      (seed, attempt) => {
        const outcome = outcomes[attempt - 1] ?? constant;
        if (outcome === 'diverged') throw new NetworkError('diverged', 'The loss is NaN');
        return Promise.resolve({ model: seed, evaluation: outcome });
      },
      { seed: 0xffffffff, predecessor: sound, onFailedFit },
    );
  expect(await fits(constant, 'diverged', sound)).toMatchObject({ model: 1, seed: 1, collapsed: false });
  expect(failed).toEqual([
    { seed: 0xffffffff, attempt: 1, reason: 'collapsed: mean recall 33.3 % (n = 6)' },
    { seed: 0, attempt: 2, reason: 'The loss is NaN' },
  ]);
  failed.length = 0;
  expect(await fits()).toMatchObject({ model: 2, collapsed: true });
  expect(failed.length).toBe(4);
  await expect(fits('diverged', 'diverged', 'diverged', 'diverged')).rejects.toThrow('The loss is NaN');
});
