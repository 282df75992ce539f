import { expect, it } from 'vitest';
import { compareCurves } from './compare-curves.ts';

let ids = 0;
const metric = (name: string, step: number, value: number) => ({ id: ++ids, name, step, value });
const job = (type: 'TRAINING' | 'ACTIVE_ML', label: string) => ({ job_id: label, type, label });

it('lays the epochs of trainings over each other, however many each has', () => {
  const curves = compareCurves([
    { job: job('TRAINING', 'a'), metrics: [metric('loss', 1, 0.9), metric('loss', 2, 0.5)] },
    { job: job('TRAINING', 'b'), metrics: [metric('loss', 2, 0.7), metric('val_loss', 2, 0.8)] },
  ]);
  expect(curves).toEqual([
    {
      measure: 'loss',
      x: 'epoch',
      steps: [1, 2],
      series: [
        { label: 'a', look: 0, values: [0.9, 0.5] },
        { label: 'b', look: 1, values: [null, 0.7] },
      ],
    },
    { measure: 'val_loss', x: 'epoch', steps: [2], series: [{ label: 'b', look: 1, values: [0.8] }] },
  ]);
});
it('keeps the intervals of precision', () => {
  const metrics = [
    metric('precision double', 1, 0.8),
    metric('precision_lower double', 1, 0.4),
    metric('precision_upper double', 1, 0.97),
  ];
  expect(compareCurves([{ job: job('ACTIVE_ML', 'a'), metrics }])[0]?.series).toEqual([
    { label: 'a', look: 0, values: [0.8], low: [0.4], high: [0.97] },
  ]);
});
it('draws campaigns against the labels that they took', () => {
  const metrics = [metric('labelled', 0, 8), metric('labelled', 1, 14), metric('kappa', 2, 0.9)];
  const curves = compareCurves([
    { job: job('ACTIVE_ML', 'same'), metrics },
    { job: job('ACTIVE_ML', 'same'), metrics: [metric('labelled', 0, 5), metric('kappa', 1, 0.5)] },
  ]);
  expect(curves).toEqual([
    {
      measure: 'kappa',
      x: 'labels',
      steps: [5, 22],
      series: [
        { label: 'same (1)', look: 0, values: [null, 0.9] },
        { label: 'same (2)', look: 1, values: [0.5, null] },
      ],
    },
  ]);
});
