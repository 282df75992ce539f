import { describe, expect, it } from 'vitest';
import type { Labelling } from '../../../contracts/labelling.ts';
import { countsByPerson, estimateSample, iterationsOf } from './campaign-numbers.ts';

let ids = 0;
const told = (step: number, values: Record<string, number>) =>
  Object.entries(values).map(([name, value]) => ({ id: ++ids, name, step, value }));
const labelling = (values: Partial<Labelling>): Labelling => ({
  labelling_id: crypto.randomUUID(),
  job_id: '5f5b0f0e-2d0f-4b3c-9d52-111111111111',
  spectrum_filename: 'a.fits',
  spectrum_set: 'PERFORMANCE_ESTIMATION',
  sequence_iteration: 1,
  ...values,
});

describe('iterationsOf', () => {
  it('puts what was told in order, with the labels that each network learnt from', () => {
    const metrics = [
      ...told(1, { mean_entropy: 0.4, 'predicted double peak': 7, labelled: 14 }),
      ...told(1, {
        'precision double peak': 0.8,
        'precision_lower double peak': 0.4,
        'precision_upper double peak': 0.97,
      }),
      ...told(0, { asked: 8, labelled: 8 }),
      ...told(3, { loss: 0.1, accuracy: 1 }),
      ...told(2, { kappa: 0.9 }),
    ];
    expect(iterationsOf([metrics, metrics.slice(2)], 5)).toEqual([
      { iteration: 0, labels: 5, asked: 8, labelled: 8, precision: {}, predicted: {} },
      {
        iteration: 1,
        labels: 13,
        labelled: 14,
        meanEntropy: 0.4,
        precision: { 'double peak': { value: 0.8, low: 0.4, high: 0.97 } },
        predicted: { 'double peak': 7 },
      },
      { iteration: 2, labels: 27, kappa: 0.9, precision: {}, predicted: {} },
    ]);
  });
  it('has no estimate of a class of which none was in the sample', () => {
    const metrics = told(1, { 'precision_lower a': 0, 'precision_upper a': 1 });
    expect(iterationsOf([metrics])[0]?.precision).toEqual({});
  });
});

describe('estimateSample', () => {
  const names = { classes: ['other', 'single', 'double'], candidates: ['single', 'double'] };
  it('counts labels by predicted class, with what has no label yet', () => {
    const sample = estimateSample(
      [
        labelling({ model_prediction: 'double', user_label: 'double' }),
        labelling({ model_prediction: 'double', user_label: 'other' }),
        labelling({ model_prediction: 'double', decision: 'unsure' }),
        labelling({ model_prediction: 'single' }),
        labelling({ model_prediction: 'single', user_label: 'single', spectrum_set: 'ORACLE' }),
        labelling({ model_prediction: 'single', user_label: 'single', sequence_iteration: 2 }),
      ],
      1,
      names,
    );
    expect(sample?.predicted).toEqual(['single', 'double']);
    expect(sample?.rows).toEqual([
      { label: 'other', kind: 'class', counts: [0, 1] },
      { label: 'single', kind: 'class', counts: [0, 0] },
      { label: 'double', kind: 'class', counts: [0, 1] },
      { label: '', kind: 'undecided', counts: [0, 1] },
      { label: '', kind: 'open', counts: [1, 0] },
    ]);
    expect(sample?.perClass).toEqual([
      { name: 'single', n: 1, labelled: 0, right: 0 },
      { name: 'double', n: 3, labelled: 2, right: 1 },
    ]);
  });
  it('is absent where nothing was drawn', () => {
    expect(estimateSample([], 1, names)).toBeUndefined();
  });
});

it('counts answers by person, the busiest first', () => {
  expect(
    countsByPerson([
      labelling({ decision: 'skip', labelled_by: 'Eva', labelled_at: '2026-01-01T00:00:00.000Z' }),
      labelling({ user_label: 'a', labelled_by: 'Ada', labelled_at: '2026-01-02T00:00:00.000Z' }),
      labelling({ user_label: 'b', labelled_by: 'Ada', labelled_at: '2026-01-01T00:00:00.000Z' }),
      labelling({ user_label: 'a' }),
      labelling({}),
    ]),
  ).toEqual([
    {
      person: 'Ada',
      labelled: 2,
      skipped: 0,
      unsure: 0,
      perClass: { a: 1, b: 1 },
      last: '2026-01-02T00:00:00.000Z',
    },
    { person: '', labelled: 1, skipped: 0, unsure: 0, perClass: { a: 1 }, last: undefined },
    { person: 'Eva', labelled: 0, skipped: 1, unsure: 0, perClass: {}, last: '2026-01-01T00:00:00.000Z' },
  ]);
});
