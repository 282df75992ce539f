import { expect, it } from 'vitest';
import { filesOfDrop, filesOfInput, isFitsName } from './picked-files.ts';

it('tells FITS files by their names', () => {
  const names = ['a.fits', 'b.FIT', 'c.fits.gz', 'd.fts', 'e.csv', 'fits', 'f.fits.txt'];
  expect(names.filter(isFitsName)).toEqual(['a.fits', 'b.FIT', 'c.fits.gz', 'd.fts']);
});

it('keeps the directory of files that were chosen with one', () => {
  const file = new File([], 'a.fits');
  Object.defineProperty(file, 'webkitRelativePath', { value: 'plate/sp06/a.fits' });
  const plain = new File([], 'b.fits');
  Object.defineProperty(plain, 'webkitRelativePath', { value: '' });
  expect(filesOfInput([file, plain]).map(({ directory }) => directory)).toEqual(['plate/sp06', '']);
});

/** A dropped directory as browsers give it: entries come a few at a time. */
function directory(name: string, batches: unknown[][]) {
  return {
    isFile: false,
    isDirectory: true,
    name,
    createReader: () => {
      const left = [...batches, []];
      return { readEntries: (resolve: (entries: unknown[]) => void) => resolve(left.shift() ?? []) };
    },
  };
}
const entry = (name: string) => ({
  isFile: true,
  isDirectory: false,
  name,
  file: (resolve: (file: File) => void) => resolve(new File([], name)),
});
const dropOf = (...entries: unknown[]) =>
  ({
    items: entries.map((one) => ({ webkitGetAsEntry: () => one })),
    files: [],
  }) as unknown as DataTransfer;

it('walks through dropped directories, and leaves out what systems put there', async () => {
  const dropped = dropOf(
    entry('top.fits'),
    directory('plate', [[entry('1.fits'), entry('.DS_Store')], [directory('deep', [[entry('2.fits')]])]]),
  );
  const files = await filesOfDrop(dropped);
  expect(files.map(({ file, directory: at }) => `${at}/${file.name}`)).toEqual([
    '/top.fits',
    'plate/1.fits',
    'plate/deep/2.fits',
  ]);
});
