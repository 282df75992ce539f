import { expect, it } from 'vitest';
import { compareSettings, idsOf } from './compare-settings.ts';

it('knows what differs, whether it was said or is a default', () => {
  const rows = compareSettings([
    { type: 'TRAINING', config: { training_data_path: '/a.h5', fitting: { seed: 7 } } },
    {
      type: 'TRAINING',
      config: { training_data_path: '/a.h5', labels_path: '/l.csv', accelerator: 'auto' },
    },
  ]);
  const different = rows.filter(({ isDifferent }) => isDifferent);
  expect(different).toEqual([
    { path: 'fitting.seed', values: ['7', '0'], isDifferent: true },
    { path: 'labels_path', values: [undefined, '/l.csv'], isDifferent: true },
  ]);
  expect(rows.find(({ path }) => path === 'accelerator')).toMatchObject({ values: ['auto', 'auto'] });
});
it('compares configurations that no schema takes as they are', () => {
  expect(compareSettings([{ type: 'TRAINING', config: { colour: 'red' } }, { type: 'TRAINING' }])).toEqual([
    { path: 'colour', values: ['red', undefined], isDifferent: true },
  ]);
});
it('takes two to five ids out of the address', () => {
  const id = (digit: number) => `5f5b0f0e-2d0f-4b3c-9d52-11111111111${digit}`;
  expect(idsOf(`${id(1)},${id(2)},${id(1)},nonsense`)).toEqual([id(1), id(2)]);
  expect(idsOf([1, 2, 3, 4, 5, 6].map(id).join())).toHaveLength(5);
  expect(idsOf(undefined)).toEqual([]);
});
