import { expect, it } from 'vitest';
import {
  decodeFluxes,
  decodeHeader,
  decodeTables,
  PartBuilder,
  PartDamaged,
  type PartRow,
  stringsOf,
} from './part.ts';

const row = (filename: string, flags: Partial<PartRow['quality']> = {}): PartRow => ({
  filename,
  path: `dir/${filename}`,
  layout: 'sdss',
  metadata: { z: 0.5, subtype: 'A1V' },
  quality: {
    coverage: 0.75,
    longestGap: 2,
    medianSnr: NaN,
    constant: false,
    extrapolated: false,
    unbridgedGap: false,
    mediumUnknown: false,
    despikedPixels: 0,
    ...flags,
  },
});

function encoded() {
  const builder = new PartBuilder(4, 2);
  builder.nextFluxes().set([1, 2]);
  builder.addRow(row('Čertík.fits', { constant: true }));
  builder.nextFluxes().set([9, 9]); // a spectrum that is rejected after all leaves nothing behind
  builder.addReject({ filename: 'x', path: 'dir/x', reason: 'why '.repeat(100) });
  builder.nextFluxes().set([3, 4]);
  builder.addRow(row('b'));
  return Uint8Array.from(Buffer.concat(builder.encode().chunks));
}

it('comes back as it went', () => {
  const bytes = encoded();
  const header = decodeHeader(bytes);
  expect(header).toMatchObject({
    rows: 2,
    rejects: 1,
    points: 2,
    flags: { constant: 1, extrapolated: 0 },
    widths: { filenames: 13, 'metadata/path': 17, 'rejects/reason': 400 },
  });
  expect(header.fluxes.end).toBe(bytes.length);
  expect(decodeFluxes(bytes.slice(header.fluxes.start), header)).toEqual(Float32Array.of(1, 2, 3, 4));
  const { numbers, texts } = decodeTables(bytes.slice(header.tables.start, header.tables.end), header);
  expect(numbers['metadata/z']).toEqual(Float64Array.of(0.5, 0.5));
  expect(numbers['quality/median_snr']).toEqual(Float64Array.of(NaN, NaN));
  const strings = (name: string) =>
    stringsOf(texts[name] ?? { bytes: new Uint8Array(), ends: new Uint32Array() });
  expect(strings('filenames')).toEqual(['Čertík.fits', 'b']);
  expect(strings('metadata/designation')).toEqual(['', '']);
  expect(strings('rejects/reason')).toEqual(['why '.repeat(100)]);
});

it('holds a part without rows, or without rejects', () => {
  const builder = new PartBuilder(1, 2);
  builder.addReject({ filename: 'x', path: 'x', reason: 'y' });
  const header = decodeHeader(Buffer.concat(builder.encode().chunks));
  expect(header).toMatchObject({ rows: 0, rejects: 1 });
});

it.each([
  ['cut short', (bytes: Uint8Array) => bytes.slice(0, -8)],
  ['one bit flipped in its tables', (bytes: Uint8Array) => flipped(bytes, 4200)],
  ['one bit flipped in its fluxes', (bytes: Uint8Array) => flipped(bytes, bytes.length - 3)],
  ['zeros', (bytes: Uint8Array) => new Uint8Array(bytes.length)],
  ['a garbled header', (bytes: Uint8Array) => flipped(bytes, 9)],
  ['nothing', () => new Uint8Array()],
])('is not taken when it is damaged: %s', (_, damage) => {
  const read = (bytes: Uint8Array) => {
    const header = decodeHeader(bytes);
    decodeTables(bytes.slice(header.tables.start, header.tables.end), header);
    decodeFluxes(bytes.slice(header.fluxes.start, header.fluxes.end), header);
  };
  read(encoded());
  expect(() => read(damage(encoded()))).toThrow(PartDamaged);
});

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}
