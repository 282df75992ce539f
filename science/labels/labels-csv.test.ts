import { expect, it } from 'vitest';
import { parseLabelsCsv } from './labels-csv.ts';

it('reads filename and label, wherever they stand', () => {
  expect(parseLabelsCsv('filename,label\na.fits,1\nb.fits,single peak\n')).toEqual(
    new Map([
      ['a.fits', '1'],
      ['b.fits', 'single peak'],
    ]),
  );
  expect(parseLabelsCsv('who,label,filename\nme,x,a.fits\n"",y,b.fits')).toEqual(
    new Map([
      ['a.fits', 'x'],
      ['b.fits', 'y'],
    ]),
  );
});

it('reads what spreadsheets write', () => {
  const text = '\uFEFF"filename",label\r\n"a, the ""first"".fits",x\r\n\r\n"two\r\nlines.fits",x\r\n';
  expect([...parseLabelsCsv(text).keys()]).toEqual(['a, the "first".fits', 'two\r\nlines.fits']);
});

it('passes over rows without a label, and takes a row that comes twice once', () => {
  expect(parseLabelsCsv('filename,label\na,\nb,1\nb,1\n')).toEqual(new Map([['b', '1']]));
});

it.each([
  ['', 'names the columns filename and label, with a comma between; it is “”'],
  ['a.fits,1\nb.fits,2\n', 'it is “a.fits,1”'],
  ['filename;label\na;1\n', 'it is “filename;label”'],
  ['filename,label\n', 'no row with a label'],
  ['filename,label\na,1\nb\n', 'Line 3 of the labels: 1 values for 2 columns'],
  ['filename,label\na,1,2\n', 'Line 2 of the labels: 3 values for 2 columns'],
  ['filename,label\n,1\n', 'Line 2 of the labels: the filename is empty'],
  ['filename,label\n"a\nb",1\n"c,1\n', 'Line 4 of the labels: a quotation mark is not closed'],
  ['filename,label\n"a"b,1\n', 'Line 2 of the labels: there is text after'],
  ['filename,label\na,1\nb,1\na,2\n', 'Line 4 of the labels: a is labelled 2, and 1 above'],
])('refuses %j', (text, message) => {
  expect(() => parseLabelsCsv(text)).toThrow(
    expect.objectContaining({
      name: 'NetworkError',
      code: 'bad-data',
      message: expect.stringContaining(message),
    }),
  );
});
