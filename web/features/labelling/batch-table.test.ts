import { describe, expect, it } from 'vitest';
import type { Labelling } from '../../../contracts/labelling.ts';
import { isShown, sortRows, TABLE_FILTERS, tableRow, toCsv } from './batch-table.ts';

const labelling = (id: string, said: Partial<Labelling> = {}): Labelling => ({
  labelling_id: id,
  job_id: 'job',
  spectrum_filename: `${id}.fits`,
  spectrum_set: 'ORACLE',
  sequence_iteration: 1,
  model_prediction: 'hot',
  probabilities: [0.75, 0.25],
  ...said,
});
const LIST = [
  labelling('s10', { user_label: 'cool', labelled_by: 'Ada', labelled_at: '2026-11-21T10:00:00Z' }),
  labelling('s9', { user_label: 'hot', labelled_by: 'Eva', user_comment: 'a "fine", narrow\none' }),
  labelling('s8', { decision: 'skip', labelled_by: 'Eva', model_prediction: '-' }),
  labelling('s7', { model_prediction: 'cool' }),
];
const options = { predictedClasses: ['hot', 'cool'], isBlind: false };
const rows = LIST.map((one) => tableRow(one, options));

describe('the table of a batch', () => {
  it('says of each spectrum what the network and what people say; blind, only the latter', () => {
    expect(rows[0]).toMatchObject({
      set: 'Oracle',
      prediction: 'hot',
      probability: 0.75,
      answer: 'cool',
      by: 'Ada',
    });
    expect(rows[2]).toMatchObject({ prediction: '', probability: undefined, answer: 'Skip' });
    expect(rows[3]).toMatchObject({ probability: 0.25, answer: 'no answer yet' });
    const blind = tableRow(labelling('x'), { ...options, isBlind: true });
    expect(blind).toMatchObject({ prediction: '', probability: undefined });
  });

  it('shows those that are asked for', () => {
    const shown = TABLE_FILTERS.map((filter) => [
      filter,
      rows
        .filter((row) => isShown(row, filter, 'Ada'))
        .map(({ labelling: { labelling_id } }) => labelling_id),
    ]);
    expect(Object.fromEntries(shown)).toEqual({
      all: ['s10', 's9', 's8', 's7'],
      open: ['s7'],
      answered: ['s10', 's9', 's8'],
      mine: ['s10'],
      others: ['s9', 's8'],
      unsure: ['s8'],
      differs: ['s10'],
    });
  });

  it('sorts numbers as numbers, also in names; what is empty comes last', () => {
    const ids = (...sorted: Parameters<typeof sortRows>) =>
      sortRows(...sorted).map(({ spectrum }) => spectrum);
    expect(ids(rows, 'spectrum', false)).toEqual(['s7.fits', 's8.fits', 's9.fits', 's10.fits']);
    expect(ids(rows, 'probability', true)).toEqual(['s10.fits', 's9.fits', 's7.fits', 's8.fits']);
    expect(ids(rows, 'by', true)).toEqual(['s9.fits', 's8.fits', 's10.fits', 's7.fits']);
    expect(ids(rows, undefined, false)).toEqual(['s10.fits', 's9.fits', 's8.fits', 's7.fits']);
  });

  it('is saved as CSV, with the quotes that it needs', () => {
    expect(toCsv(LIST.slice(1, 2))).toBe(
      'labelling_id,spectrum_filename,spectrum_set,sequence_iteration,model_prediction,user_label,decision,user_comment,labelled_by,labelled_at\r\n' +
        's9,s9.fits,ORACLE,1,hot,hot,,"a ""fine"", narrow\none",Eva,\r\n',
    );
  });
});
