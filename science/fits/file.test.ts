import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { card, column, fitsFile, header, imageHdu, tableHdu } from '../../test/fits/make-fits.ts';
import { openFits } from './file.ts';
import { readImage, readPixels } from './image.ts';
import { Table } from './table.ts';

function only(bytes: Uint8Array, index = 0) {
  const hdu = openFits(bytes).hdus[index];
  if (!hdu) throw new Error(`no HDU ${index}`);
  return hdu;
}

describe('openFits', () => {
  const image = imageHdu({ bitpix: 16, axes: [2], values: [1, 2] });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(0), 'not-fits'],
    ['a web page', Buffer.from('<!DOCTYPE html><html>'.padEnd(3000)), 'not-fits'],
    ['70 bytes of a path', Buffer.from('/Users/someone/a.fits'.padEnd(70)), 'not-fits'],
    ['70 bytes of FITS', image.subarray(0, 70), 'truncated'],
    ['the beginning of a gzip file', gzipSync(image).subarray(0, 60), 'truncated'],
    [
      'a gzip file with damage',
      Buffer.concat([gzipSync(image).subarray(0, 40), Buffer.alloc(99, 7)]),
      'garbled',
    ],
    [
      'a negative NAXIS1',
      header([card('SIMPLE', true), card('BITPIX', 8), card('NAXIS', 1), card('NAXIS1', -1)]),
      'garbled',
    ],
    ['BITPIX 12', header([card('SIMPLE', true), card('BITPIX', 12), card('NAXIS', 0)]), 'garbled'],
    ['SIMPLE = F', header([card('SIMPLE', false), card('BITPIX', 8), card('NAXIS', 0)]), 'unsupported'],
    [
      'axes beyond all bounds',
      header([
        card('SIMPLE', true),
        card('BITPIX', -64),
        card('NAXIS', 2),
        card('NAXIS1', 2 ** 40),
        card('NAXIS2', 2 ** 40),
      ]),
      'garbled',
    ],
  ])('refuses %s', (_, bytes, code) => {
    expect(() => openFits(bytes)).toThrow(expect.objectContaining({ name: 'FitsError', code }));
  });

  it('refuses data that the file does not hold when they are read, before any memory is taken', () => {
    const bytes = header([
      card('SIMPLE', true),
      card('BITPIX', -64),
      card('NAXIS', 1),
      card('NAXIS1', 2 ** 40),
    ]);
    expect(() => readImage(only(bytes))).toThrow(expect.objectContaining({ code: 'truncated', hdu: 0 }));
  });

  it('ignores NAXIS1 of a primary HDU with NAXIS=0', () => {
    const primary = header([
      card('SIMPLE', true),
      card('BITPIX', 16),
      card('NAXIS', 0),
      card('NAXIS1', 3909),
    ]);
    expect(
      openFits(fitsFile(primary, tableHdu([column('x', 'J', [1])]))).hdus.map(({ kind }) => kind),
    ).toEqual(['image', 'table']);
  });

  it('reads what precedes a damaged extension, and tells the damage', () => {
    const second = imageHdu({ bitpix: 16, axes: [3], values: [1, 2, 3], extension: true });
    const file = openFits(fitsFile(image, second.subarray(0, 300)));
    expect(file.damage?.code).toBe('truncated');
    expect(file.hdus.map((hdu) => [...readPixels(hdu, 0, 2)])).toEqual([[1, 2]]);
  });

  it('refuses a table of no group: its data would have no bytes', () => {
    const bytes = Buffer.from(fitsFile(image, tableHdu([column('x', 'J', [1])])));
    bytes.write('0', bytes.indexOf('GCOUNT') + 29);
    expect(openFits(bytes)).toMatchObject({ hdus: [{ index: 0 }], damage: { code: 'garbled', hdu: 1 } });
  });

  it('takes blank padding at the end for no damage, and anything else for some', () => {
    expect(openFits(fitsFile(image, new Uint8Array(2880))).damage).toBeUndefined();
    expect(openFits(fitsFile(image, Buffer.from('junk'))).damage?.code).toBe('garbled');
  });

  it('tells gzip by its magic bytes', () => {
    expect(openFits(gzipSync(image)).hdus).toHaveLength(1);
  });
});

describe('images', () => {
  it.each([
    ['8 bits', { bitpix: 8, values: [0, 255] }, Uint8Array.of(0, 255)],
    ['signed bytes', { bitpix: 8, values: [0, 255], cards: { BZERO: -128 } }, Int8Array.of(-128, 127)],
    ['16 bits', { bitpix: 16, values: [-32768, 32767] }, Int16Array.of(-32768, 32767)],
    [
      'unsigned 16',
      { bitpix: 16, values: [-32768, 32767], cards: { BZERO: 32768 } },
      Uint16Array.of(0, 65535),
    ],
    ['32 bits', { bitpix: 32, values: [-1, 7] }, Int32Array.of(-1, 7)],
    [
      'unsigned 32',
      { bitpix: 32, values: [-(2 ** 31), 2 ** 31 - 1], cards: { BZERO: 2 ** 31 } },
      Uint32Array.of(0, 2 ** 32 - 1),
    ],
    [
      '64 bits',
      { bitpix: 64, values: [-(2n ** 63n), 2n ** 63n - 1n] },
      BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n),
    ],
    [
      'unsigned 64',
      { bitpix: 64, values: [-(2n ** 63n), 2n ** 63n - 1n], cards: { BZERO: 2 ** 63 } },
      BigUint64Array.of(0n, 2n ** 64n - 1n),
    ],
    ['float', { bitpix: -32, values: [1.5, -0.25] }, Float32Array.of(1.5, -0.25)],
    ['double', { bitpix: -64, values: [1.1, Infinity] }, Float64Array.of(1.1, Infinity)],
    [
      'scaled',
      { bitpix: 16, values: [10, -1], cards: { BSCALE: 0.5, BZERO: 1, BLANK: -1 } },
      Float64Array.of(6, NaN),
    ],
    ['blank', { bitpix: 16, values: [10, -1], cards: { BLANK: -1 } }, Float64Array.of(10, NaN)],
  ] as const)('%s', (_, image, expected) => {
    const bytes = imageHdu({ ...image, axes: [2] });
    expect(readImage(only(bytes))).toEqual(expected);
    expect([...readPixels(only(bytes), 1, 1)]).toEqual([Number(expected[1])]);
  });

  it('refuses pixels that are not there', () => {
    expect(() => readPixels(only(imageHdu({ bitpix: 8, axes: [2], values: [1, 2] })), 1, 2)).toThrow(
      'no values',
    );
  });
});

describe('tables', () => {
  const hdu = only(
    fitsFile(
      imageHdu({ bitpix: 8, axes: [] }),
      tableHdu(
        [
          column('flag', 'L', [0x54, 0x46]),
          column('bits', '10X', [0b10100000, 0b01000000, 0xff, 0xff]),
          column('byte', 'B', [200, 1]),
          column('short', '2I', [-1, 2, 3, 4]),
          column('long', 'J', [-5, 99]),
          column('huge', 'K', [1, 2 ** 60]),
          column('text', '6A', ['abc   ', "d'e"]),
          column('real', 'E', [0.5, -2]),
          column('double', 'D', [0.1, 3]),
          column('list', 'PE(3)', [[1, 2, 3], []]),
          column('long list', 'QD(1)', [[], [0.1]]),
        ],
        { TSCAL3: 2, TZERO3: 1, TNULL5: 99, TUNIT8: 'Jy' },
      ),
    ),
    1,
  );
  const table = new Table(hdu);
  const found = (name: string) => {
    const column = table.find(name);
    if (!column) throw new Error(`no column ${name}`);
    return column;
  };

  it.each([
    ['flag', [1, 0]],
    ['BYTE', [401, 3]],
    ['short', [-1, 2, 3, 4]],
    ['long', [-5, NaN]],
    ['real', [0.5, -2]],
    ['double', [0.1, 3]],
  ])('column %s', (name, values) => {
    expect([...table.numbers(found(name))]).toEqual(values);
  });

  it('reads bits, text, big integers and arrays of any length', () => {
    expect(table.numbers(found('bits')).join('')).toBe('10100000011111111111');
    expect(table.strings(found('text'))).toEqual(['abc', "d'e"]);
    expect([...table.bigIntegers(found('huge'))]).toEqual([1n, 2n ** 60n]);
    expect(table.arrays(found('list')).map((values) => [...values])).toEqual([[1, 2, 3], []]);
    expect(table.arrays(found('long list')).map((values) => [...values])).toEqual([[], [0.1]]);
    expect(found('real').unit).toBe('Jy');
  });

  it('refuses a descriptor that points out of the heap', () => {
    const bytes = Buffer.from(
      fitsFile(imageHdu({ bitpix: 8, axes: [] }), tableHdu([column('list', 'PE', [[1]])])),
    );
    bytes.writeInt32BE(2 ** 30, 2880 * 2);
    const damaged = new Table(only(bytes, 1));
    const [list] = damaged.columns;
    expect(() => list && damaged.arrays(list)).toThrow('out of the heap');
  });

  it('refuses columns wider than the row', () => {
    const bytes = fitsFile(
      imageHdu({ bitpix: 8, axes: [] }),
      tableHdu([column('x', 'J', [1])], { TFORM1: '9D' }),
    );
    const wide = Buffer.from(
      Buffer.from(bytes).toString('latin1').replace("TFORM1  = 'J ", "TFORM1  = '9D"),
      'latin1',
    );
    expect(() => new Table(only(wide, 1))).toThrow('bytes a row');
  });
});
