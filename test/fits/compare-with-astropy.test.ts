import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Hdu, openFits } from '../../science/fits/file.ts';
import { FitsError } from '../../science/fits/error.ts';
import { readPixels } from '../../science/fits/image.ts';
import { Table } from '../../science/fits/table.ts';
import { readSpectrum } from '../../science/spectra/read-spectrum.ts';

/** Python with astropy: `ASTROPY_PYTHON=/path/to/venv/bin/python npx vitest run --project integration test/fits`. */
const PYTHON = process.env['ASTROPY_PYTHON'] ?? 'python3';
const SHARED = path.resolve(import.meta.dirname, '../../../shared');
const SPECTRA = path.join(SHARED, 'data/spectra');
const missing = !existsSync(SPECTRA)
  ? `${SPECTRA} is not there`
  : spawnSync(PYTHON, ['-c', 'import astropy']).status !== 0
    ? `${PYTHON} has no astropy (set ASTROPY_PYTHON)`
    : undefined;

interface AstropyFile {
  path: string;
  error?: string;
  hdus?: { cards: [string, string | number | boolean | null][]; data: unknown }[];
  lamost: [number[], unknown, unknown] | null;
}

/** Count and hash of float64 values, every NaN alike: the counterpart of `digest` in dump-with-astropy.py. */
function digest(values: Float64Array): [number, string] {
  const same = Float64Array.from(values, (value) => (Number.isNaN(value) ? NaN : value));
  return [same.length, createHash('sha256').update(new Uint8Array(same.buffer)).digest('hex')];
}

function dataOf(hdu: Hdu): unknown {
  if (hdu.kind === 'image') {
    const count = hdu.axes.length === 0 ? 0 : hdu.axes.reduce((product, length) => product * length, 1);
    return hdu.axes.length === 0 ? null : digest(readPixels(hdu, 0, count));
  }
  if (hdu.kind !== 'table') return null;
  const table = new Table(hdu);
  return Object.fromEntries(
    table.columns.map((column, index) => {
      if (column.type === 'A') return [index, table.strings(column)];
      return [index, column.elements ? table.arrays(column).map(digest) : digest(table.numbers(column))];
    }),
  );
}

describe.skipIf(missing)(
  `every file of shared/data against astropy${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let files: AstropyFile[] = [];
    beforeAll(() => {
      const paths = readdirSync(SPECTRA, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath, entry.name))
        .sort();
      const script = path.join(import.meta.dirname, 'dump-with-astropy.py');
      const output = execFileSync(PYTHON, [script, ...paths], {
        encoding: 'utf8',
        maxBuffer: 2 ** 29,
        env: { ...process.env, REFERENCE_DIR: path.join(SHARED, 'reference') },
      });
      files = output
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    });

    it('opens what astropy opens, with the same HDUs, and no more', () => {
      expect(files.length).toBeGreaterThan(200);
      for (const file of files) {
        const ours = attempt(() => openFits(readFileSync(file.path)).hdus.length);
        expect({ path: file.path, hdus: ours }).toEqual({
          path: file.path,
          hdus: file.hdus?.length ?? 'FitsError',
        });
      }
    });

    it('reads every card as astropy does', () => {
      for (const { path: name, hdus } of files) {
        if (!hdus) continue;
        // astropy rewrites the cards of random groups when it opens them.
        if (name.endsWith('/group_invalid.fits')) continue;
        const ours = openFits(readFileSync(name)).hdus.map(({ header }) => header.cards());
        const ourCards = ours.map((cards, hdu) =>
          cards.map(({ keyword, value = null, comment }, index) => {
            const theirs = hdus[hdu]?.cards[index]?.[1];
            // A card without value indicator is a comment here and a value there; INDEF is text here and an error there.
            if (value === null && comment !== undefined && theirs === comment)
              return [keyword.toUpperCase(), comment];
            if (theirs === 'unparsable' && typeof value === 'string') return [keyword.toUpperCase(), theirs];
            return [keyword.toUpperCase(), value];
          }),
        );
        expect({ name, cards: ourCards }).toEqual({ name, cards: hdus.map(({ cards }) => cards) });
      }
    });

    it('reads every image and column as astropy does', () => {
      for (const { path: name, hdus } of files) {
        for (const [index, hdu] of (hdus ?? []).entries()) {
          const found = openFits(readFileSync(name)).hdus[index];
          const ours = attempt(() => found && dataOf(found));
          expect({ name, index, data: ours }).toEqual({ name, index, data: hdu.data });
        }
      }
    });

    it('reads wavelength, flux and ivar of LAMOST as the reference program does', () => {
      let compared = 0;
      for (const { path: name, lamost } of files) {
        const spectrum = attempt(() => readSpectrum(readFileSync(name)));
        if (typeof spectrum === 'string' || !/^lamost-dr/.test(spectrum.layout)) continue;
        const [arm] = spectrum.arms;
        if (!arm?.ivar || !lamost) throw new Error(`${name} was read by one side only`);
        const [wave, ...others] = lamost;
        expect({ name, digests: [arm.flux, arm.ivar].map(digest) }).toEqual({ name, digests: others });
        // 10^x differs in its last bit between numpy and V8.
        const worst = arm.wavelengthAngstrom.reduce(
          (most, value, i) => Math.max(most, Math.abs(value - (wave[i] ?? 0))),
          0,
        );
        expect([name, wave.length, worst < 1e-11]).toEqual([name, arm.flux.length, true]);
        compared++;
      }
      expect(compared).toBe(179);
    });
  },
);

function attempt<T>(read: () => T): T | 'FitsError' {
  try {
    return read();
  } catch (error) {
    if (error instanceof FitsError) return 'FitsError';
    throw error;
  }
}
