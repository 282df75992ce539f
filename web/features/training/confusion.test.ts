import { describe, expect, it } from 'vitest';
import { confusionRows, mostConfused } from './confusion.ts';

const report = (confusion: number[][]) => ({
  n: 0,
  accuracy: 0,
  balancedAccuracy: 0,
  confusion,
  perClass: ['a', 'b', 'c'].map((name) => ({ name, labelled: 0, predicted: 0 })),
});

describe('confusionRows', () => {
  it('gives each count its share of the row, right answers on the diagonal', () => {
    const [a, b] = confusionRows(
      report([
        [6, 2, 0],
        [1, 0, 0],
        [0, 0, 4],
      ]),
    );
    expect(a).toEqual({
      name: 'a',
      labelled: 8,
      cells: [
        { count: 6, share: 0.75, isRight: true },
        { count: 2, share: 0.25, isRight: false },
        { count: 0, share: 0, isRight: false },
      ],
    });
    expect(b?.cells[0]).toEqual({ count: 1, share: 1, isRight: false });
  });
  it('has no shares where a class has no spectra', () => {
    const [, b] = confusionRows(
      report([
        [1, 0],
        [0, 0],
      ]),
    );
    expect(b).toMatchObject({ labelled: 0, cells: [{ share: 0 }, { share: 0 }] });
  });
});

describe('mostConfused', () => {
  it('names the largest counts beside the diagonal', () => {
    const confusion = [
      [9, 1, 0],
      [3, 9, 0],
      [0, 2, 9],
    ];
    expect(mostConfused(report(confusion), 2)).toEqual([
      { labelled: 'b', predicted: 'a', count: 3 },
      { labelled: 'c', predicted: 'b', count: 2 },
    ]);
    expect(mostConfused(report([[5]]), 2)).toEqual([]);
  });
});
