import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FitsError } from '../../science/fits/error.ts';
import { openFits } from '../../science/fits/file.ts';
import { readImage } from '../../science/fits/image.ts';
import { Table } from '../../science/fits/table.ts';
import { readHeaders, readSpectrum } from '../../science/spectra/read-spectrum.ts';
import { column, fitsFile, imageHdu, tableHdu } from './make-fits.ts';

const SAMPLES = path.resolve(import.meta.dirname, '../../samples/spectra');
const FLIPS_PER_FILE = 1500;

/** Everything that reads bytes; only FitsError may come out. Whether every reader took them. */
function readAll(bytes: Uint8Array): boolean {
  let whole = true;
  for (const read of [readSpectrum, readHeaders, readEveryHdu]) {
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof FitsError)) throw error;
      whole = false;
    }
  }
  return whole;
}

function readEveryHdu(bytes: Uint8Array): void {
  for (const hdu of openFits(bytes).hdus) {
    if (hdu.kind === 'image') readImage(hdu);
    if (hdu.kind !== 'table') continue;
    const table = new Table(hdu);
    for (const found of table.columns) {
      if (found.type === 'A') table.strings(found);
      else if (found.elements) table.arrays(found);
      else table.numbers(found);
    }
  }
}

/** mulberry32: a small seeded generator, uniform in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const table = fitsFile(
  imageHdu({ bitpix: 8, axes: [] }),
  tableHdu(
    [
      column('loglam', 'E', new Float32Array([3.5, 3.6, 3.7])),
      column('flux', 'D', new Float64Array([1, 2, 3])),
      column('lines', 'PE(3)', [[1, 2, 3], [], [4]]),
      column('and_mask', 'J', new Int32Array([0, 1, 0])),
    ],
    { EXTNAME: 'COADD' },
  ),
);
const FILES: Record<string, Uint8Array> = {
  'LAMOST DR1': gunzipSync(readFileSync(path.join(SAMPLES, 'dr1/spec-55862-B6212_sp06-005.fits.gz'))),
  'LAMOST DR7': gunzipSync(
    readFileSync(path.join(SAMPLES, 'dr7/spec-58575-HD103621N361936B01_sp03-002.fits.gz')),
  ),
  'gzip of DR7': readFileSync(path.join(SAMPLES, 'dr7/spec-58575-HD103621N361936B01_sp03-002.fits.gz')),
  'a table': table,
  'a table in gzip': gzipSync(table),
};

describe('damaged files', () => {
  it.each(Object.entries(FILES))('%s: cut anywhere, it is read or refused with a FitsError', (_, bytes) => {
    for (let end = 0; end < bytes.length; end += 720) readAll(bytes.subarray(0, end));
    expect(readAll(bytes.subarray(0, 70))).toBe(false);
    expect(readAll(bytes)).toBe(true);
  });

  it.each(Object.entries(FILES))(
    '%s: with random bytes, it is read or refused with a FitsError',
    (_, bytes) => {
      const random = generator(20260729);
      let refused = 0;
      for (let round = 0; round < FLIPS_PER_FILE; round++) {
        const damaged = Uint8Array.from(bytes);
        // Headers are where a byte decides most, so most of the damage goes there.
        const range = round % 4 === 0 ? damaged.length : Math.min(damaged.length, 6000);
        for (let flips = 1 + Math.floor(random() * 8); flips > 0; flips--) {
          const digit = 0x30 + Math.floor(random() * 10);
          const anything = Math.floor(random() * 256);
          damaged[Math.floor(random() * range)] = round % 2 === 0 ? digit : anything;
        }
        if (!readAll(damaged)) refused++;
      }
      expect(refused).toBeGreaterThan(FLIPS_PER_FILE / 50);
    },
  );

  it('refuses a LAMOST file cut within its data as truncated', () => {
    const bytes = FILES['LAMOST DR7'] ?? new Uint8Array(0);
    expect(() => readSpectrum(bytes.subarray(0, 50_000))).toThrow(
      expect.objectContaining({ code: 'truncated' }),
    );
  });
});
