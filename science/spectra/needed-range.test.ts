import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { card, column, fitsFile, header, imageHdu, tableHdu } from '../../test/fits/make-fits.ts';
import { FitsError } from '../fits/error.ts';
import { type ReadOptions, readSpectrum } from './read-spectrum.ts';
import type { Arm, RawSpectrum } from './spectrum.ts';

const SAMPLES = path.resolve(import.meta.dirname, '../../samples/spectra');
const SHARED = path.resolve(import.meta.dirname, '../../../shared/data/spectra');

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

/** The spectrum, or the reason why there is none. */
function attempt(bytes: Uint8Array, options: ReadOptions = {}): RawSpectrum | string {
  try {
    return readSpectrum(bytes, options);
  } catch (error) {
    if (error instanceof FitsError) return error.message;
    throw error;
  }
}

type Range = readonly [number, number];
const RANGES: Range[] = [
  [6458, 6671],
  [6500, 6500],
  [3000, 3720],
  [9050, 12_000],
  [100, 200],
  [3700, 9100],
  [-Infinity, Infinity],
];

/** NaN equals NaN; a loop, since expect takes seconds for so many numbers. */
function isStretch(part: ArrayLike<number>, whole: ArrayLike<number>, first: number): boolean {
  for (let i = 0; i < part.length; i++) if (!Object.is(part[i], whole[first + i])) return false;
  return true;
}

/** Index in the whole arm of the part's first pixel; wavelengths may repeat, so the pixels decide. */
function startOf(part: Arm, whole: Arm): number {
  for (let first = 0; first + part.flux.length <= whole.flux.length; first++) {
    if (
      isStretch(part.wavelengthAngstrom, whole.wavelengthAngstrom, first) &&
      isStretch(part.flux, whole.flux, first) &&
      isStretch(part.bad, whole.bad, first) &&
      isStretch(part.ivar ?? [], whole.ivar ?? [], first)
    ) {
      return first;
    }
  }
  return -1;
}

/** What is wrong with an arm that was read for a range, or undefined. */
function fault(part: Arm, whole: Arm, [from, to]: Range): string | undefined {
  const wave = whole.wavelengthAngstrom;
  const first = startOf(part, whole);
  if (first === -1) return 'its pixels are not those of the whole arm';
  if ((part.ivar === undefined) !== (whole.ivar === undefined)) return 'ivar is there in one only';
  if (String(part.reachAngstrom) !== String(whole.reachAngstrom)) return 'another reach';
  const end = first + part.flux.length;
  const inside = (i: number): boolean => (wave[i] ?? NaN) >= from && (wave[i] ?? NaN) <= to;
  for (let i = 0; i < wave.length; i++) if (inside(i) && (i < first || i >= end)) return `pixel ${i} lacks`;
  const good = (side: (wavelength: number) => boolean): number =>
    part.wavelengthAngstrom.filter((wavelength, i) => side(wavelength) && part.bad[i] === 0).length;
  if (first > 0 && good((wavelength) => wavelength < from) < 2) return 'no two good pixels before the range';
  if (end < wave.length && good((wavelength) => wavelength > to) < 2)
    return 'no two good pixels after the range';
  return undefined;
}

/** Reads a file for every range, with memory of its own and reused, and compares with the whole spectrum. */
function faultsOf(bytes: Uint8Array): string[] {
  const whole = attempt(bytes);
  return RANGES.flatMap((range) =>
    [false, true].flatMap((reuseMemory) => {
      const part = attempt(bytes, { neededRange: () => range, reuseMemory });
      if (typeof part === 'string' || typeof whole === 'string') {
        return part === whole ? [] : [`${String(range)}: ${JSON.stringify([part, whole])}`];
      }
      const faults = whole.arms.map((arm, i) => {
        const partOfArm = part.arms[i];
        return partOfArm ? fault(partOfArm, arm, range) : 'an arm lacks';
      });
      const rest = JSON.stringify([whole.layout, whole.medium, whole.metadata]);
      if (JSON.stringify([part.layout, part.medium, part.metadata]) !== rest) faults.push('other metadata');
      return faults.filter((text) => text !== undefined).map((text) => `${String(range)}: ${text}`);
    }),
  );
}

describe('a needed range', () => {
  it('gives the same pixels as the whole spectrum, for every sample', () => {
    const files = filesBelow(SAMPLES);
    expect(files.length).toBeGreaterThan(80);
    for (const file of files)
      expect({ file, faults: faultsOf(readFileSync(file)) }).toEqual({ file, faults: [] });
  }, 60_000);

  it.skipIf(!existsSync(SHARED))(
    `… for every file of ${SHARED}, where it is there`,
    () => {
      const files = filesBelow(SHARED);
      expect(files.length).toBeGreaterThan(200);
      for (const file of files)
        expect({ file, faults: faultsOf(readFileSync(file)) }).toEqual({ file, faults: [] });
    },
    120_000,
  );

  it('needs a tenth of a spectrum for 213 Å around Hα', () => {
    const bytes = readFileSync(path.join(SAMPLES, 'dr7/spec-58575-HD103621N361936B01_sp03-002.fits.gz'));
    const [arm] = readSpectrum(bytes, { neededRange: () => [6458, 6671] }).arms;
    expect(arm?.flux.length).toBeLessThan(200);
    expect(arm?.flux.length).toBeGreaterThan(140);
  });

  it('is asked with the metadata', () => {
    const bytes = readFileSync(path.join(SAMPLES, 'dr1/spec-55862-B6212_sp06-005.fits.gz'));
    const asked: unknown[] = [];
    const { metadata } = readSpectrum(bytes, {
      neededRange: (of) => {
        asked.push(of);
        return [6000, 6001];
      },
    });
    expect(asked).toEqual([metadata]);
    expect(metadata.subtype).toBe('M0');
  });
});

const PIXELS = 40;
const indices = Array.from({ length: PIXELS }, (_, i) => i);

interface Rows {
  wave?: (i: number) => number;
  flux?: (i: number) => number;
  ivar?: (i: number) => number;
  mask?: (i: number) => number;
  cards?: Record<string, number | string>;
  bitpix?: -32 | -64;
}

/** A LAMOST image of 40 pixels, 10 Å apart from 4000 Å on. */
function image({ wave, flux, ivar, mask, cards = {}, bitpix = -32 }: Rows = {}): Uint8Array {
  const rows = [
    flux ?? ((i: number) => i),
    ivar ?? (() => 1),
    wave ?? ((i: number) => 4000 + 10 * i),
    mask ?? (() => 0),
    () => 0,
  ];
  const values = rows.flatMap((row) => indices.map(row));
  return imageHdu({ bitpix, axes: [PIXELS, 5], values, cards: { EXTEN0: 'Flux, Wavelength', ...cards } });
}

function wavesFor(bytes: Uint8Array, range: Range): number[] {
  return [...(readSpectrum(bytes, { neededRange: () => range }).arms[0]?.wavelengthAngstrom ?? [])];
}

describe('how far a stretch reaches beyond the range', () => {
  it('ends with the second good pixel', () => {
    expect(wavesFor(image(), [4105, 4125])).toEqual([4090, 4100, 4110, 4120, 4130, 4140]);
    const bad = [10, 8, 13, 15, 16];
    const gaps = image({ ivar: (i) => (bad.includes(i) ? 0 : 1) });
    expect(wavesFor(gaps, [4105, 4125]).at(0)).toBe(4070);
    expect(wavesFor(gaps, [4105, 4125]).at(-1)).toBe(4170);
    const masked = image({ mask: (i) => (i === 13 ? 64 : 0), flux: (i) => (i === 10 ? NaN : i) });
    expect(wavesFor(masked, [4105, 4125])).toEqual([4080, 4090, 4100, 4110, 4120, 4130, 4140, 4150]);
  });

  it('ends at the arm when it has no good pixels there', () => {
    expect(wavesFor(image({ ivar: (i) => (i < 10 ? 0 : 1) }), [4100, 4101]).at(0)).toBe(4000);
    expect(wavesFor(image(), [5000, 6000])).toEqual([4380, 4390]);
    expect(wavesFor(image(), [1000, 2000])).toEqual([4000, 4010]);
  });

  it('allows for wavelengths in air: 0.03 % on either side', () => {
    expect(wavesFor(image(), [4110.5, 4129])).toEqual([4090, 4100, 4110, 4120, 4130, 4140, 4150]);
  });
});

describe('what is refused whatever the range', () => {
  const refusal = (bytes: Uint8Array): unknown => attempt(bytes, { neededRange: () => [4100, 4110] });

  it.each<[string, Rows, string]>([
    [
      'disorder at the far end',
      { wave: (i) => (i === 38 ? 4000 : 4000 + 10 * i) },
      'rise and fall (at pixel 39)',
    ],
    ['one wavelength', { wave: () => 4100 }, 'every wavelength is 4100'],
    ['no wavelengths', { wave: (i) => (i === 3 ? 4100 : 0) }, '1 pixels with a wavelength'],
  ])('%s', (_, rows, reason) => {
    for (const bitpix of [-32, -64] as const) {
      expect(refusal(image({ ...rows, bitpix }))).toContain(reason);
      // A grid that was good once is no excuse for the next file.
      expect(typeof refusal(image({ bitpix }))).toBe('object');
      expect(refusal(image({ ...rows, bitpix }))).toContain(reason);
    }
  });

  it('a stretch of a known grid that has one wavelength only', () => {
    const wave = (i: number): number => Math.max(4020, 4000 + 10 * i);
    readSpectrum(image({ wave }));
    const values = [0, 1, 2].flatMap((row) => (row === 2 ? [4020, 4020, 4020] : [1, 1, 1]));
    const start = imageHdu({ bitpix: -32, axes: [3, 3], values, cards: { EXTEN0: 'Wavelength' } });
    expect(refusal(start)).toContain('every wavelength is 4020');
  });
});

describe('odd wavelengths', () => {
  it('drops padding and turns falling wavelengths round before it looks for the range', () => {
    const falling = image({ wave: (i) => (i > 35 ? 0 : 4350 - 10 * i) });
    const [arm] = readSpectrum(falling, { neededRange: () => [4105, 4125] }).arms;
    expect([...(arm?.wavelengthAngstrom ?? [])]).toEqual([4090, 4100, 4110, 4120, 4130, 4140]);
    expect([...(arm?.flux ?? [])]).toEqual([26, 25, 24, 23, 22, 21]);
    expect(arm?.reachAngstrom).toEqual([4000, 4350]);
  });

  it('finds the range in logarithms, one row a pixel', () => {
    const table = tableHdu(
      [
        column('flux', 'E', new Float32Array(indices)),
        column('loglam', 'D', new Float64Array(indices.map((i) => Math.log10(4000 + 10 * i)))),
        column('ivar', 'E', new Float32Array(indices.map(() => 1))),
      ],
      { EXTNAME: 'COADD' },
    );
    const bytes = fitsFile(header([card('SIMPLE', true), card('BITPIX', 8), card('NAXIS', 0)]), table);
    const [arm] = readSpectrum(bytes, { neededRange: () => [4105, 4125] }).arms;
    expect([...(arm?.flux ?? [])]).toEqual([9, 10, 11, 12, 13, 14]);
    expect(arm?.reachAngstrom.map(Math.round)).toEqual([4000, 4390]);
  });

  it('takes the scaling into account when it compares grids', () => {
    const scaled = image({ cards: { BSCALE: 2 } });
    expect(readSpectrum(image()).arms[0]?.reachAngstrom).toEqual([4000, 4390]);
    expect(readSpectrum(scaled).arms[0]?.reachAngstrom).toEqual([8000, 8780]);
    expect(readSpectrum(image()).arms[0]?.reachAngstrom).toEqual([4000, 4390]);
  });
});

describe('memory', () => {
  const dr1 = readFileSync(path.join(SAMPLES, 'dr1/spec-55862-B6212_sp06-005.fits.gz'));
  const dr7 = readFileSync(path.join(SAMPLES, 'dr7/spec-58575-HD103621N361936B01_sp03-002.fits.gz'));
  const arraysOf = ({ arms }: RawSpectrum) =>
    arms.flatMap(({ wavelengthAngstrom, flux, ivar, bad }) => [wavelengthAngstrom, flux, ivar ?? [], bad]);

  it('of a spectrum read without reuseMemory is its own', () => {
    for (const bytes of [dr1, dr7]) {
      for (const options of [{}, { neededRange: () => [6458, 6671] as const }]) {
        const kept = readSpectrum(bytes, options);
        const before = arraysOf(kept).map((array) => Array.from(array));
        for (const other of [dr7, dr1]) {
          readSpectrum(other, { reuseMemory: true });
          readSpectrum(other, { reuseMemory: true, neededRange: () => [4000, 8000] });
        }
        expect(arraysOf(kept).map((array) => Array.from(array))).toEqual(before);
        // Whoever owns arrays may write to them.
        for (const array of arraysOf(kept)) if (!Array.isArray(array)) array.fill(1);
        const again = arraysOf(readSpectrum(bytes, options)).map((array) => Array.from(array));
        expect(again).toEqual(before);
      }
    }
  });

  it('is used again with reuseMemory, and holds the next spectrum whole', () => {
    const first = readSpectrum(dr1, { reuseMemory: true }).arms[0];
    const second = readSpectrum(dr7, { reuseMemory: true }).arms[0];
    expect(second?.flux.buffer).toBe(first?.flux.buffer);
    const own = readSpectrum(dr7).arms[0];
    expect(own && second && fault(second, own, [0, Infinity])).toBeUndefined();
  });

  it('is made for spectra that are longer than what is there to be used again', () => {
    const pixels = 70_000;
    const bytes = imageHdu({
      bitpix: -32,
      axes: [pixels],
      values: Array.from({ length: pixels }, (_, i) => i),
      cards: { CRVAL1: 4000, CDELT1: 0.1, CUNIT1: 'Angstrom' },
    });
    const [arm] = readSpectrum(bytes, { reuseMemory: true }).arms;
    expect(arm?.flux.length).toBe(pixels);
    expect(arm?.flux[pixels - 1]).toBe(pixels - 1);
  });
});
