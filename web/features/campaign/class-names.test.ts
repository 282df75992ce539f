import { expect, it } from 'vitest';
import { addNames, removeClass, renameClass, splitNames, toggleCandidate } from './class-names.ts';

const choice = { classes: ['other', 'single', 'double'], candidates: ['double'] };

it('takes a pasted list apart', () => {
  expect(splitNames(' other, single peak;\n\ndouble peak\t')).toEqual([
    'other',
    'single peak',
    'double peak',
  ]);
});
it('adds what can be added and says what cannot', () => {
  expect(addNames(choice, ['shell', 'single', 'x'.repeat(31)])).toEqual({
    choice: { ...choice, classes: ['other', 'single', 'double', 'shell'] },
    problem: { kind: 'twice', name: 'single' },
  });
  expect(addNames(choice, ['x'.repeat(31)]).problem).toMatchObject({ kind: 'long' });
});
it('keeps place and search of a class that is renamed', () => {
  expect(renameClass(choice, 'double', ' twin ')).toEqual({
    choice: { classes: ['other', 'single', 'twin'], candidates: ['twin'] },
  });
  expect(renameClass(choice, 'double', 'single')).toEqual({
    choice,
    problem: { kind: 'twice', name: 'single' },
  });
  expect(renameClass(choice, 'double', ' ')).toEqual({ choice });
});
it('takes a class that is removed out of the search too', () => {
  expect(removeClass(choice, 'double')).toEqual({ classes: ['other', 'single'], candidates: [] });
});
it('searches in the order of the classes, and keeps what a typed config.json names wrongly', () => {
  expect(toggleCandidate(choice, 'single').candidates).toEqual(['single', 'double']);
  expect(toggleCandidate(choice, 'double').candidates).toEqual([]);
  expect(toggleCandidate({ ...choice, candidates: ['shell'] }, 'other').candidates).toEqual([
    'other',
    'shell',
  ]);
});
