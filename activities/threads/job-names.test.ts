import { expect, it } from 'vitest';
import { stringsOf, textValuesOf } from '../../science/preprocess/part.ts';
import { baseNameHash } from '../plan.ts';
import { createRename, roomForPaths } from './job-names.ts';

const named = (directory: string, repeated: string[], paths: string[], rejected: string[] = []) => {
  const texts = {
    filenames: textValuesOf(paths.map((path) => path.slice(path.lastIndexOf('/') + 1))),
    'metadata/path': textValuesOf(paths),
    'rejects/filename': textValuesOf([]),
    'rejects/path': textValuesOf(rejected),
  };
  createRename({ directory, repeated: repeated.map(baseNameHash) })?.(texts);
  return [stringsOf(texts.filenames), stringsOf(texts['rejects/filename'])];
};

it('names a file by its path below the directory where its base name is not unique in the job', () => {
  const paths = ['night/a/x.fits', 'night/b/x.fits', 'night/b/Čertík.fits'];
  expect(named('night', ['x.fits'], paths)).toEqual([['a/x.fits', 'b/x.fits', 'Čertík.fits'], []]);
  expect(named('', ['x.fits'], paths.slice(1), ['other/x.fits'])).toEqual([
    ['night/b/x.fits', 'Čertík.fits'],
    ['other/x.fits'],
  ]);
});

it('has nothing to do where all are unique', () => {
  expect(createRename({ directory: 'night', repeated: [] })).toBeUndefined();
});

it('makes room for paths', () => {
  const widths = { filenames: 6, 'metadata/path': 14, 'rejects/filename': 0, 'rejects/path': 12 };
  roomForPaths(widths);
  expect(widths).toMatchObject({ filenames: 14, 'rejects/filename': 12 });
});
