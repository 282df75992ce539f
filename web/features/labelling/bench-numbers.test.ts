import { describe, expect, it } from 'vitest';
import type { Labelling } from '../../../contracts/labelling.ts';
import { batchProgress } from './batch-progress.ts';
import { distanceOf, mostSimilar } from './similar-spectra.ts';
import { nextSmoothing, smooth } from './smoothing.ts';

describe('the progress of a batch', () => {
  it('tells mine from others', () => {
    const labelling = (said: Partial<Labelling>): Labelling => ({
      labelling_id: 'x',
      job_id: 'job',
      spectrum_filename: 'x.fits',
      spectrum_set: 'ORACLE',
      sequence_iteration: 0,
      ...said,
    });
    const list = [
      labelling({}),
      labelling({ user_label: 'hot', labelled_by: 'Ada' }),
      labelling({ user_label: 'hot', labelled_by: 'Eva' }),
      labelling({ decision: 'skip', labelled_by: 'Grace' }),
      labelling({ user_label: 'cool', labelled_by: 'Grace' }),
      labelling({ user_label: 'cool' }),
    ];
    expect(batchProgress(list, 'Ada')).toEqual({
      total: 6,
      done: 5,
      mine: 1,
      others: [
        { person: 'Grace', count: 2 },
        { person: 'Eva', count: 1 },
        { person: undefined, count: 1 },
      ],
    });
  });
});

describe('similar spectra', () => {
  it('are those of the smallest distance over what both have', () => {
    expect(distanceOf([0, 0, null], [3, 3, 9])).toBe(3);
    expect(distanceOf([null], [1])).toBe(Infinity);
    const spectra = new Map<string, (number | null)[]>([
      ['a', [0, 1, 0]],
      ['far', [5, 5, 5]],
      ['near', [0, 1.1, 0]],
      ['open', [0, 1, 0]],
      ['other grid', [0, 1]],
      ['gaps', [null, null, null]],
    ]);
    const found = mostSimilar(spectra, 'a', { count: 2, among: (name) => name !== 'open' });
    expect(found.map(({ filename }) => filename)).toEqual(['near', 'far']);
    expect(mostSimilar(spectra, 'absent', { count: 2, among: () => true })).toEqual([]);
  });
});

describe('smoothing', () => {
  const x = [0, 1, 2, 3, 4, 5, 6];

  it('keeps a constant, also beside gaps, and keeps the gaps', () => {
    expect(smooth({ x, y: [2, 2, null, 2, 2, 2, 2] }, 2).y.map((y) => y && +y.toFixed(12))).toEqual([
      2,
      2,
      null,
      2,
      2,
      2,
      2,
    ]);
  });

  it('spreads a spike as a Gaussian does', () => {
    const spike = Array.from({ length: 21 }, (_, index) => (index === 10 ? 1 : 0));
    const { y } = smooth({ x: spike.map((_, index) => index), y: spike }, 1);
    expect((y[11] ?? 0) / (y[10] ?? 0)).toBeCloseTo(Math.exp(-0.5), 10);
    expect(smooth({ x, y: [1, 2] }, 0).y).toEqual([1, 2]);
  });

  it('is stepped through, and stops at its ends', () => {
    expect([nextSmoothing(0, 1), nextSmoothing(0, -1), nextSmoothing(8, 1), nextSmoothing(4, -1)]).toEqual([
      1, 0, 8, 2,
    ]);
  });
});
