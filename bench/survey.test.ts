import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { packageRoot } from '../storage/package-root.ts';
import { readHeaders, readSpectrum } from '../science/spectra/read-spectrum.ts';
import {
  makeSpectrum,
  makeSurvey,
  readOriginals,
  standardNormals,
  surveyFilename,
  surveyPath,
} from './survey.ts';

const source = join(packageRoot(), 'samples', 'spectra');
const originals = readOriginals(source);
const COUNT = originals.length + 20;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'survey '));
});
afterEach(() => rm(directory, { recursive: true }));

it('makes spectra that the reader knows, each with its own name in FILENAME', async () => {
  const out = join(directory, 'a');
  await makeSurvey({ source, directory: out, count: COUNT, seed: 1 });
  const names = (await readdir(out)).sort();
  expect(names).toEqual(Array.from({ length: COUNT }, (_, i) => surveyFilename(i)).sort());
  for (const name of names) {
    const bytes = await readFile(join(out, name));
    expect(bytes.length).toBe(92_160);
    expect(readSpectrum(bytes).layout).toMatch(/^lamost/);
    const cards = readHeaders(bytes)[0]?.cards ?? [];
    expect(cards.find(({ keyword }) => keyword === 'FILENAME')?.value).toBe(name);
  }
});

it('makes the same files of the same seed, and others of another', async () => {
  const make = async (name: string, seed: number) => {
    await makeSurvey({ source, directory: join(directory, name), count: COUNT, seed });
    return readFile(join(directory, name, surveyFilename(COUNT - 1)));
  };
  const first = await make('a', 1);
  expect(await make('b', 1)).toEqual(first);
  expect(await make('c', 2)).not.toEqual(first);
});

it('uses an equal survey again, makes another one anew, and touches no directory that is not its own', async () => {
  const out = join(directory, 'a');
  const make = (count: number) => makeSurvey({ source, directory: out, count, seed: 1 });
  expect(await make(3)).toEqual({ reused: false });
  expect(await make(3)).toEqual({ reused: true });
  expect(await make(5)).toEqual({ reused: false });
  expect(await readdir(out)).toHaveLength(5);
  await rm(`${out}.survey.json`);
  await writeFile(join(out, 'mine.txt'), '');
  await expect(make(5)).rejects.toThrow('no survey of ours');
  expect(await readdir(out)).toContain('mine.txt');
});

it('puts 4,000 files into a directory where it is asked to', async () => {
  expect(surveyPath(3999, true)).toBe(join('60000', 'spec-60000-SIM15_sp16-250.fits'));
  expect(surveyPath(4000, true)).toBe(join('60001', 'spec-60001-SIM00_sp01-001.fits'));
  const out = join(directory, 'a');
  await makeSurvey({ source, directory: out, count: 2, seed: 1, nested: true });
  expect(await readdir(join(out, '60000'))).toHaveLength(2);
});

it('draws noise of the variance that IVAR tells, and leaves dead pixels and the other rows alone', () => {
  const original = originals[0];
  if (!original) throw new Error('no sample');
  const { flux, noise, fluxOffset } = original;
  let sum = 0;
  let squares = 0;
  let count = 0;
  for (let stream = 0; stream < 20; stream++) {
    const bytes = makeSpectrum(original, 'a.fits', standardNormals(7, stream));
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let i = 0; i < flux.length; i++) {
      const difference = view.getFloat32(fluxOffset + 4 * i) - (flux[i] ?? NaN);
      const sigma = noise[i] ?? NaN;
      if (sigma === 0) expect(difference).toBe(0);
      else {
        sum += difference / sigma;
        squares += (difference / sigma) ** 2;
        count++;
      }
    }
    const rest = fluxOffset + 4 * flux.length;
    expect(Buffer.from(bytes.subarray(rest)).equals(Buffer.from(original.bytes.subarray(rest)))).toBe(true);
  }
  expect(count).toBeGreaterThan(50_000);
  // 4 deviations of a mean and of a variance of so many draws
  expect(Math.abs(sum / count)).toBeLessThan(4 / Math.sqrt(count));
  expect(Math.abs(squares / count - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
});

it('draws streams that have nothing to do with each other', () => {
  const draw = (stream: number) => {
    const normal = standardNormals(0, stream);
    return Array.from({ length: 4000 }, normal);
  };
  const first = draw(100);
  const second = draw(101);
  const correlation = first.reduce((sum, x, i) => sum + x * (second[i] ?? NaN), 0) / first.length;
  expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(first.length));
});

it('makes none where they would take more than half the room that is left', async () => {
  const making = makeSurvey({ source, directory: join(directory, 'a'), count: 1e12, seed: 1 });
  await expect(making).rejects.toThrow(
    /1000000000000 spectra take 92160000\.0 GB, and .* has [\d.]+ GB left/,
  );
  expect(await readdir(directory)).toEqual([]);
});
