import { describe, expect, it } from 'vitest';
import { card, header } from '../../test/fits/make-fits.ts';
import { Header, parseCard } from './header.ts';

function headerOf(...images: string[]): Header {
  return Header.read(header(images), 0, 0);
}

describe('a card', () => {
  it.each<[string, unknown, string | undefined]>([
    ["A       = 'it''s   '           / a quote", "it's", 'a quote'],
    ["A       = 'a / b'", 'a / b', undefined],
    ["A       = ''                   / empty", '', 'empty'],
    ["A       = 'never closed", "'never closed", undefined],
    ['A       =                   42 / fixed', 42, 'fixed'],
    ['A       = 42/free', 42, 'free'],
    ['A       =             -1.5D-03', -0.0015, undefined],
    ['A       =                 .5E2', 50, undefined],
    ['A       =                    T', true, undefined],
    ['A       = F', false, undefined],
    ['A       =                      / no value', null, 'no value'],
    ['A       =', null, undefined],
    ['A       = (1.0, -2.0)', '(1.0, -2.0)', undefined],
    ['A       = 12:34:56.7', '12:34:56.7', undefined],
    ['A       = INDEF', 'INDEF', undefined],
  ])('%s', (image, value, comment) => {
    const parsed = parseCard(image.padEnd(80));
    // A card that ends at its equals sign has no value indicator, "= ", before it is padded.
    expect(parsed.value).toStrictEqual(value);
    expect(parsed.comment).toBe(comment);
  });

  it('is commentary when its keyword says so, and a comment without a value indicator', () => {
    expect(parseCard('COMMENT = not a value'.padEnd(80))).toEqual({
      keyword: 'COMMENT',
      value: '= not a value',
    });
    expect(parseCard(''.padEnd(80))).toEqual({ keyword: '', value: '' });
    expect(parseCard('NOVALUE some text'.padEnd(80))).toEqual({ keyword: 'NOVALUE', comment: 'some text' });
  });
});

describe('a header', () => {
  it('joins CONTINUE cards and keeps an ampersand that nothing continues', () => {
    const long = headerOf(
      "LONG    = 'The first part, &'",
      "CONTINUE  'the second, &'  / with",
      "CONTINUE  'the third. &'   / comments",
      "CONTINUE  ''",
      "ALONE   = 'R&'",
      card('NEXT', 1),
    );
    expect(long.get('LONG')).toBe('The first part, the second, the third.');
    expect(long.get('ALONE')).toBe('R&');
    expect(long.cards().map(({ keyword }) => keyword)).toEqual(['LONG', 'ALONE', 'NEXT']);
    expect(long.cards()[0]?.comment).toBe('with comments');
  });

  it('finds HIERARCH keywords by their long name', () => {
    const eso = headerOf('HIERARCH ESO INS NAME = 42 / unit', 'HIERARCH ESO TEL = 1');
    expect(eso.get('ESO INS NAME')).toBe(42);
    expect(eso.get('ESO INS')).toBeUndefined();
  });

  it('gives the first of duplicates and lists them all', () => {
    const twice = headerOf(card('Z', 1), card('Z', 2));
    expect(twice.get('Z')).toBe(1);
    expect(twice.cards()).toHaveLength(2);
  });

  it('takes keywords in lower case for upper case', () => {
    expect(headerOf('ra_obs  = 1.5').get('RA_OBS')).toBe(1.5);
  });

  it('takes quoted numbers for numbers and nothing else', () => {
    const quoted = headerOf("A       = ' 1.5 '", "B       = '1.5 m'", 'C       = NaN');
    expect([quoted.number('A'), quoted.number('B'), quoted.number('C')]).toEqual([1.5, undefined, undefined]);
  });

  it('keeps bytes that are not ASCII in comments, and refuses them in keywords', () => {
    expect(headerOf('A       = 1 / 5 µm').cards()[0]?.comment).toBe('5 µm');
    expect(() => headerOf('µ       = 1')).toThrow('not text');
  });

  it('refuses a header without END', () => {
    expect(() => Header.read(Buffer.from('SIMPLE  = T'.padEnd(2880)), 0, 0)).toThrow('no END card');
  });
});

describe('plain values, which are read from their bytes', () => {
  const texts = [
    ...['0', '-0', '+7', '5.', '.5', '-.25', '007', '1E5', '1.5E-05', '-9.9D+02', '1E22', '1E23', '4.35E-24'],
    ...[
      '9007199254740991',
      '9007199254740993',
      '123456789012345678',
      '0.1',
      '2.2250738585072014E-308',
      '1E400',
    ],
    ...[
      '0.000000000000000000000000012345',
      '1234567890.123456789',
      '8.41E+21',
      '-2.856E-04',
      '1E-23',
      '3E0005',
    ],
  ];
  for (let i = 1; i < 2000; i++) {
    const mixed = (i * 2654435761) % 2 ** 32;
    texts.push(((mixed / 2 ** 32) * 10 ** (i % 9)).toFixed(i % 12), `${mixed}E${(i % 50) - 25}`);
  }

  it('are the float64 that Number makes of the text', () => {
    for (const text of texts) {
      const expected = Number(text.replace('D', 'E'));
      const found = [
        headerOf(`A       = ${text.padStart(20)} / fixed`).get('A'),
        headerOf(`A       = ${text}/free`).get('A'),
      ];
      // What is no float64 stays the text it is.
      const value = Number.isFinite(expected) ? expected : text;
      expect({ text, same: found.every((one) => Object.is(one, value)) }).toEqual({ text, same: true });
    }
  });

  it('are nothing else: what only looks like a number, T or a string stays what it was', () => {
    const odd: [string, unknown][] = [
      ['1 2', '1 2'],
      ['1.2.3', '1.2.3'],
      ['1E', '1E'],
      ['1E+', '1E+'],
      ['- 5', -5],
      ['1e5', 1e5],
      ['+', '+'],
      ['.', '.'],
      ['T1', 'T1'],
      ['T   / yes', true],
      ["'a''b'", "a'b"],
      ["'tab\t'", 'tab'],
      ["'  leading'", '  leading'],
      ["'é '", 'é'],
      ["''", ''],
      ["'closed'x'", "closed'x"],
    ];
    for (const [field, value] of odd)
      expect([field, headerOf(`A       = ${field}`).get('A')]).toEqual([field, value]);
    expect(headerOf('COMMENT = 5').number('COMMENT')).toBeUndefined();
  });

  it('are found in any of several headers that are asked in turn, however long', () => {
    const cards = Array.from({ length: 1500 }, (_, i) => card(`K${i}`, i));
    const long = headerOf(...cards, card('K7', 'again'));
    const other = headerOf(card('K7', -7), card('K1499', -1));
    for (let round = 0; round < 2; round++) {
      expect([long.get('K7'), long.get('K1023'), long.get('K1024'), long.get('K1499')]).toEqual([
        7, 1023, 1024, 1499,
      ]);
      expect([other.get('K7'), other.get('K1499'), other.get('K1024')]).toEqual([-7, -1, undefined]);
      expect(long.get('K1500')).toBeUndefined();
    }
  });
});
