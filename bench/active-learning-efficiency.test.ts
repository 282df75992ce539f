import { describe, expect, it } from 'vitest';
import type { Campaign } from './active-learning-campaign.ts';
import { labelEfficiencies, labelsNeeded } from './active-learning-efficiency.ts';

const campaign = (
  strategy: Campaign['strategy'],
  seed: number,
  f1: readonly number[],
  failedFits = 0,
): Campaign => ({
  strategy,
  seed,
  rareFraction: 0.03,
  seconds: 10 + seed,
  curve: f1.map((value, at) => ({
    labels: 50 * (at + 1),
    f1: value,
    f1PerClass: [1, value, value],
    labelledPerClass: [48, 1, 1],
    failedFits: at === 0 ? failedFits : 0,
    collapsed: false,
  })),
});
const rising = [0, 1, 2, 3, 4, 5, 6, 7];
const seeds = [0, 1, 2, 3, 4];

describe('label efficiency', () => {
  const campaigns = seeds.flatMap((seed) => [
    campaign(
      'random',
      seed,
      rising.map((at) => 0.1 * at + 0.001 * seed),
    ),
    campaign(
      'entropy',
      seed,
      rising.map((at) => Math.min(0.9, 0.2 * at + 0.001 * seed)),
      2,
    ),
    campaign(
      'core_set',
      seed,
      rising.map(() => 0.2),
    ),
  ]);
  const [random, entropy, coreSet] = labelEfficiencies(campaigns);

  it('is 1 for random, a half for a strategy that learns twice as fast, none for one that never gets there', () => {
    expect(random?.againstRandom?.ratio).toEqual({ median: 1, low: 1, high: 1 });
    expect(entropy?.againstRandom?.targetF1).toBeCloseTo(0.702, 6);
    // 50 + 50 · 0.7 / 0.2 labels, by random 50 + 50 · 7
    expect(entropy?.againstRandom?.labels.median).toBeCloseTo(225, 6);
    expect(entropy?.againstRandom?.labelsOfRandom.median).toBeCloseTo(400, 6);
    expect(entropy?.againstRandom?.ratio.median).toBeCloseTo(0.5625, 6);
    expect(coreSet?.againstRandom?.ratio.median).toBe(Infinity);
  });

  it('gives intervals around medians, wider where seeds differ more', () => {
    const noisy = labelEfficiencies(
      seeds.flatMap((seed) => [
        campaign(
          'random',
          seed,
          rising.map((at) => 0.1 * at),
        ),
        campaign(
          'entropy',
          seed,
          rising.map((at) => 0.1 * at * (1 + seed)),
        ),
      ]),
    ).find(({ strategy }) => strategy === 'entropy');
    const { median = NaN, low = NaN, high = NaN } = noisy?.againstRandom?.ratio ?? {};
    expect(low).toBeLessThan(median);
    expect(median).toBeLessThan(high);
    expect(entropy?.curve.at(-1)).toEqual({ labels: 400, median: 0.9, low: 0.9, high: 0.9 });
  });

  it('compares with a random that has other numbers of labels', () => {
    const twice = seeds.map((seed) => {
      const { curve, ...rest } = campaign(
        'random',
        seed,
        rising.map((at) => 0.1 * at + 0.001 * seed),
      );
      return { ...rest, curve: curve.map((point) => ({ ...point, labels: 2 * point.labels })) };
    });
    const [, other] = labelEfficiencies([
      ...twice,
      ...campaigns.filter(({ strategy }) => strategy === 'entropy'),
    ]);
    expect(other?.againstRandom?.labels).toEqual(entropy?.againstRandom?.labels);
    expect(other?.againstRandom?.ratio.median).toBeCloseTo(0.5625 / 2, 6);
  });

  it('compares over the seeds that both have, and says of fewer what it can', () => {
    const [alone] = labelEfficiencies([campaign('margin', 3, rising)]);
    expect(alone?.againstRandom).toBeUndefined();
    const more = labelEfficiencies([
      ...campaigns,
      campaign(
        'entropy',
        99,
        rising.map(() => 0),
      ),
    ]);
    expect(more[1]?.seeds).toBe(6);
    expect(more[1]?.againstRandom).toEqual(entropy?.againstRandom);
  });

  it('counts fits that failed', () => {
    expect(entropy).toMatchObject({ fits: 40, failedFits: 10, collapsedFits: 0, seconds: 12, seeds: 5 });
  });
});

it('finds where a curve first reaches a value', () => {
  expect(labelsNeeded([0.1, 0.3, 0.2, 0.5], [10, 20, 30, 40], 0.2)).toBe(15);
  expect(labelsNeeded([0.1, 0.3], [10, 20], 0.1)).toBe(10);
  expect(labelsNeeded([0.1, 0.3], [10, 20], 0.31)).toBe(Infinity);
});
