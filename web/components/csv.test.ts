import { expect, it } from 'vitest';
import { parseCsv, toCsv } from './csv.ts';

it('quotes what has to be quoted, and reads it again', () => {
  const rows = [
    ['a, b', 'says "no"', 'two\nlines', '', '0.1'],
    ['x', 'y', 'z', '1', '2'],
  ];
  const text = toCsv(['p', 'q', 'r', 's', 't'], rows);
  expect(text.split('\r\n')[0]).toBe('p,q,r,s,t');
  expect(parseCsv(text)).toEqual([['p', 'q', 'r', 's', 't'], ...rows]);
});
it('writes nothing for what is not known', () => {
  expect(toCsv(['a', 'b'], [[undefined, null]])).toBe('a,b\r\n,\r\n');
});
it('reads a last line without its end, and line ends of Unix', () => {
  expect(parseCsv('a,b\n1,2')).toEqual([
    ['a', 'b'],
    ['1', '2'],
  ]);
});
