import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../contracts/error.ts';
import { SpectraFilePage } from '../../contracts/spectra-file.ts';
import { CataloguePage } from '../../contracts/spectrum.ts';
import { magnitudeOf } from '../../science/spectra/magnitudes.ts';
import { startApi } from './running-api.ts';

const ROWS = 3000;
const POINTS = 700;
const wave = Float64Array.from({ length: POINTS }, (_, point) => 6519 + point / 4);
/** More than is read at once; row r, point p: r + p / 1024, which float32 holds exactly. */
const fluxes = Float32Array.from(
  { length: ROWS * POINTS },
  (_, i) => Math.floor(i / POINTS) + (i % POINTS) / 1024,
);
let api: Awaited<ReturnType<typeof startApi>>;

beforeAll(async () => {
  api = await startApi();
  await h5wasm.ready;
  const directory = join(api.root, 'JOBS', 'job_a');
  await mkdir(directory, { recursive: true });
  const file = new h5wasm.File(join(directory, 'result.h5'), 'w');
  file.create_dataset({ name: 'wave', data: wave });
  file.create_dataset({
    name: 'fluxes',
    data: fluxes,
    shape: [ROWS, POINTS],
    chunks: [128, POINTS],
    compression: 'gzip',
  });
  file.create_dataset({
    name: 'filenames',
    data: Array.from({ length: ROWS }, (_, row) => `spec-${row}.fits`),
  });
  const metadata = file.create_group('metadata');
  metadata.create_dataset({
    name: 'path',
    data: Array.from({ length: ROWS }, (_, row) => `dr7/spec-${row}.fits`),
  });
  metadata.create_dataset({
    name: 'class',
    data: Array.from({ length: ROWS }, (_, row) => (row === 1 ? '' : 'STAR')),
  });
  metadata.create_dataset({
    name: 'z',
    data: Float64Array.from({ length: ROWS }, (_, row) => (row === 1 ? NaN : row)),
  });
  file.close();
  await writeFile(join(directory, 'notes.h5'), 'these are notes');
});
afterAll(() => api.close());

const get = (path: string, init?: RequestInit) => fetch(`${api.url}/files/${path}`, init);
const inJob = 'parent_dir_path=/JOBS/job_a';
const page = async (query = '') =>
  SpectraFilePage.parse(await (await get(`result.h5/spectra?${inJob}${query}`)).json());

describe('spectra of an HDF5 file', () => {
  it('has its grid, and its rows with what the file says of them', async () => {
    const found = await page('&offset=1&limit=2');
    expect(found).toMatchObject({ filename: 'result.h5', total: ROWS, offset: 1, limit: 2 });
    expect(found.wave).toEqual(Array.from(wave));
    expect(found.spectra).toEqual([
      { index: 1, filename: 'spec-1.fits', path: 'dr7/spec-1.fits' },
      { index: 2, filename: 'spec-2.fits', path: 'dr7/spec-2.fits', type: 'STAR', z: 2 },
    ]);
    expect((await page('&offset=9999')).spectra).toEqual([]);
    expect((await page('&limit=0')).spectra).toEqual([]);
  });

  it('finds a row by its file name or its path in the archive', async () => {
    for (const name of ['spec-2777.fits', 'dr7/spec-2777.fits'])
      expect((await page(`&name=${encodeURIComponent(name)}`)).spectra).toMatchObject([{ index: 2777 }]);
    expect((await page('&name=spec-none.fits')).spectra).toEqual([]);
  });

  it('streams fluxes as little-endian float32, row by row', async () => {
    const answer = await get(`result.h5/fluxes?${inJob}&offset=10`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    expect([answer.headers.get('x-row-count'), answer.headers.get('x-point-count')]).toEqual(['2990', '700']);
    // Compared as bytes: matchers are slow with two million values.
    const bytes = Buffer.from(await answer.arrayBuffer());
    expect(bytes.equals(new Uint8Array(fluxes.buffer, 4 * 10 * POINTS))).toBe(true);
    const one = new Float32Array(
      await (await get(`result.h5/fluxes?${inJob}&offset=5&limit=1`)).arrayBuffer(),
    );
    expect(one).toEqual(fluxes.subarray(5 * POINTS, 6 * POINTS));
    expect((await (await get(`result.h5/fluxes?${inJob}&offset=9999`)).arrayBuffer()).byteLength).toBe(0);
  });

  it('goes on after readers who went away, and after HEAD', async () => {
    for (let time = 0; time < 3; time++) {
      const gone = new AbortController();
      const answer = await get(`result.h5/fluxes?${inJob}`, { signal: gone.signal });
      expect(answer.status).toBe(200);
      gone.abort();
    }
    const head = await get(`result.h5/fluxes?${inJob}`, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe(String(4 * ROWS * POINTS));
    expect((await page()).total).toBe(ROWS);
  });

  it('says what is wrong', async () => {
    const failure = async (path: string) => {
      const answer = await get(path);
      return [answer.status, ApiError.parse(await answer.json()).detail] as const;
    };
    expect((await failure(`none.h5/spectra?${inJob}`))[0]).toBe(404);
    expect((await failure('result.h5/fluxes?parent_dir_path=/JOBS/../..'))[0]).toBe(422);
    expect(await failure(`notes.h5/fluxes?${inJob}`)).toEqual([
      422,
      expect.stringContaining('notes.h5 is not an HDF5 file'),
    ]);
    expect((await failure(`result.h5/spectra?${inJob}&limit=99999`))[0]).toBe(422);
  });

  it('says that there is none, where it is deleted at that very moment', async () => {
    const passing = join(api.root, 'JOBS', 'job_a', 'passing.h5');
    for (let i = 0; i < 40; i++) {
      await writeFile(passing, 'these are notes');
      const answers = [get(`passing.h5/spectra?${inJob}`), get(`passing.h5/fluxes?${inJob}`)];
      await setTimeout(i % 8);
      await rm(passing);
      // 422: read just before.
      for (const { status } of await Promise.all(answers)) expect([404, 422]).toContain(status);
    }
  });
});

it('filters the catalogue by magnitude, in the band that MAGTYPE names', async () => {
  const directory = 'samples/spectra/dr7';
  for (const name of (await readdir(directory)).slice(0, 12)) {
    const form = new FormData();
    form.set('file', new Blob([new Uint8Array(await readFile(join(directory, name)))]));
    const url = `${api.url}/files/${encodeURIComponent(name)}/upload?parent_dir_path=/SPECTRA/dr7`;
    expect((await fetch(url, { method: 'POST', body: form })).status).toBe(201);
  }
  const list = async (query: string) =>
    CataloguePage.parse(await (await fetch(`${api.url}/spectra?${query}`)).json()).spectra;
  const all = await list('');
  const between = (band: 'g' | 'r', least: number, most: number) =>
    all.filter((one) => {
      const magnitude = magnitudeOf(one, band) ?? NaN;
      return magnitude >= least && magnitude <= most;
    });
  const r = all.flatMap((one) => magnitudeOf(one, 'r') ?? []).toSorted((a, b) => a - b);
  const [min, max] = [r[2] ?? 0, r[r.length - 3] ?? 0];
  const paths = (spectra: { path: string }[]) => spectra.map(({ path }) => path);
  expect(between('r', min, max).length).toBeGreaterThan(2);
  expect(paths(await list(`mag_min=${min}&mag_max=${max}`))).toEqual(paths(between('r', min, max)));
  expect(paths(await list(`mag_band=g&mag_max=${max}`))).toEqual(paths(between('g', -Infinity, max)));
  expect((await fetch(`${api.url}/spectra?mag_band=K`)).status).toBe(422);
});
