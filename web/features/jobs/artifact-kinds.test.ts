import { expect, it } from 'vitest';
import { prettyJson, previewKindOf } from './artifact-kinds.ts';

it('knows files by their ending', () => {
  expect(['a/result.h5', 'x.JSON', 'catalogue.fits', 'log.txt', 'none'].map(previewKindOf)).toEqual([
    'hdf5',
    'json',
    undefined,
    'text',
    undefined,
  ]);
});
it('keeps numbers of an array on one line, and says how many more there are', () => {
  expect(prettyJson({ wave: [1, 2, 3], names: [], inner: { a: [[1], [2]] } }, 2)).toBe(
    [
      '{',
      '  "wave": [1, 2, "… 1 more"],',
      '  "names": [],',
      '  "inner": {',
      '    "a": [',
      '      [1],',
      '      [2]',
      '    ]',
      '  }',
      '}',
    ].join('\n'),
  );
});
