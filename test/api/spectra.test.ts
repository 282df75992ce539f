import { copyFile, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiError } from '../../contracts/error.ts';
import { CataloguePage, Spectrum, SpectrumHeader } from '../../contracts/spectrum.ts';
import { catalogueRow, createSpectraRepository, type CatalogueRow } from '../../db/repositories/spectra.ts';
import { outbox } from '../../db/schema.ts';
import { readSpectrum } from '../../science/spectra/read-spectrum.ts';
import { startApi } from './running-api.ts';

const DR1 = 'spec-55862-B6212_sp06-005.fits';
const DR7 = 'spec-55917-GAC_107N27_B1_sp10-055.fits';
let api: Awaited<ReturnType<typeof startApi>>;
let archive: string;

const get = (path: string) => fetch(`${api.url}/spectra${path}`);
const getSpectrum = async (path: string) => Spectrum.loose().parse(await (await get(path)).json());
const getPage = async (query: string) => CataloguePage.parse(await (await get(query)).json());

async function upload(filename: string, bytes: Uint8Array<ArrayBuffer>, parent: string) {
  const form = new FormData();
  form.set('file', new Blob([bytes]));
  const url = `${api.url}/files/${encodeURIComponent(filename)}/upload?parent_dir_path=${encodeURIComponent(parent)}`;
  expect((await fetch(url, { method: 'POST', body: form })).status).toBe(201);
}

const numbers = (values: (number | null)[]) => values.filter((value) => value !== null);

beforeAll(async () => {
  api = await startApi();
  archive = join(api.root, 'SPECTRA');
  for (const release of ['dr1', 'dr7'])
    for (const name of await readdir(`samples/spectra/${release}`))
      await upload(
        name,
        new Uint8Array(await readFile(`samples/spectra/${release}/${name}`)),
        `/SPECTRA/${release}`,
      );
});
afterAll(() => api.close());

describe('one spectrum', () => {
  it.each([DR1, DR7])('%s is found with and without .gz, with the flux of its file', async (name) => {
    const release = name === DR1 ? 'dr1' : 'dr7';
    const path = `${release}/${name}.gz`;
    const [arm] = readSpectrum(await readFile(`samples/spectra/${path}`)).arms;
    for (const asked of [
      name,
      `${name}.gz`,
      encodeURIComponent(path),
      encodeURIComponent(`/SPECTRA/${path}`),
    ]) {
      const answer = await get(`/${asked}`);
      expect(answer.status).toBe(200);
      const spectrum = Spectrum.loose().parse(await answer.json());
      expect(spectrum).toMatchObject({
        filename: `${name}.gz`,
        path,
        type: 'STAR',
        layout: expect.any(String),
      });
      expect(spectrum.wave).toEqual([...(arm?.wavelengthAngstrom ?? [])]);
      expect(spectrum.flux).toEqual([...(arm?.flux ?? [])]);
      const others = Object.entries(spectrum).filter(([key]) => key !== 'wave' && key !== 'flux');
      for (const [key, value] of others) expect(['string', 'number'], key).toContain(typeof value);
      expect(spectrum.ra).toBeGreaterThan(0);
      expect(spectrum.observed_at).toMatch(/^20\d\d-/);
      expect(spectrum.targetname).toMatch(/J\d/);
    }
  });

  it('comes as little-endian float32 too', async () => {
    const spectrum = await getSpectrum(`/${DR7}`);
    const answer = await get(`/${DR7}?format=binary`);
    expect(answer.headers.get('content-type')).toBe('application/octet-stream');
    const count = Number(answer.headers.get('x-point-count'));
    const values = new DataView(await answer.arrayBuffer());
    expect([count, values.byteLength]).toEqual([spectrum.wave.length, count * 8]);
    for (const index of [0, 1000, count - 1]) {
      expect(values.getFloat32(4 * index, true)).toBe(Math.fround(spectrum.wave[index] ?? NaN));
      expect(values.getFloat32(4 * (count + index), true)).toBe(Math.fround(spectrum.flux[index] ?? NaN));
    }
  });

  it('is thinned to max_points with its extremes', async () => {
    const whole = await getSpectrum(`/${DR1}`);
    const thin = await getSpectrum(`/${DR1}?max_points=300`);
    expect(thin.flux.length).toBeLessThanOrEqual(300);
    expect(thin.wave.length).toBe(thin.flux.length);
    expect(Math.max(...numbers(thin.flux))).toBe(Math.max(...numbers(whole.flux)));
    expect(Math.min(...numbers(thin.flux))).toBe(Math.min(...numbers(whole.flux)));
    const binary = await get(`/${DR1}?max_points=300&format=binary`);
    expect(binary.headers.get('x-point-count')).toBe(String(thin.flux.length));
    expect((await get(`/${DR1}?max_points=1`)).status).toBe(422);
    expect((await get(`/${DR1}?format=xml`)).status).toBe(422);
  });

  it('without finite flux everywhere has null there', async () => {
    const bytes = new Uint8Array(gunzipSync(await readFile(`samples/spectra/dr7/${DR7}.gz`)));
    const header = new TextDecoder('latin1').decode(bytes.subarray(0, 100_000));
    const dataStart = Math.ceil((header.indexOf(`END${' '.repeat(77)}`) + 80) / 2880) * 2880;
    new DataView(bytes.buffer).setFloat32(dataStart + 4 * 7, Number.NaN);
    await upload('nan.fits', bytes, '/SPECTRA/odd');
    const spectrum = await getSpectrum('/nan.fits');
    expect(spectrum.flux[7]).toBeNull();
    expect(spectrum.flux.filter((value: unknown) => value === null)).toHaveLength(1);
  });

  it('that is unknown, or has gone, answers 404', async () => {
    for (const name of [
      'nope.fits',
      '..',
      '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
      '%2fetc%2fpasswd',
      'a%00b',
      'dr1',
    ])
      for (const path of ['', '/header', '/download'])
        expect([404, 422], name + path).toContain(
          (await get(`/${name.replace('..', '%2e%2e.')}${path}`)).status,
        );
    await upload(
      'gone.fits',
      new Uint8Array(await readFile(`samples/spectra/dr1/${DR1}.gz`)),
      '/SPECTRA/odd',
    );
    expect((await get('/gone.fits')).status).toBe(200);
    await rm(join(archive, 'odd', 'gone.fits'));
    for (const path of ['', '/header', '/download'])
      expect((await get(`/gone.fits${path}`)).status).toBe(404);
  });

  it('that is no readable spectrum answers 422 with the reason', async () => {
    await upload('zero.fits', new Uint8Array(0), '/SPECTRA/odd');
    await upload('short.fits', new TextEncoder().encode('S'.repeat(70)), '/SPECTRA/odd');
    for (const name of ['zero.fits', 'short.fits']) {
      for (const path of ['', '/header']) {
        const answer = await get(`/${name}${path}`);
        expect(answer.status).toBe(422);
        const { code, detail } = ApiError.parse(await answer.json());
        expect([code, detail.length > 10]).toEqual(['unreadable_spectrum', true]);
      }
      expect((await get(`/${name}/download`)).status).toBe(200);
    }
  });

  it('copied in by hand is found by its archive path before any scan', async () => {
    await mkdir(join(archive, 'by hand'), { recursive: true });
    await copyFile(`samples/spectra/dr1/${DR1}.gz`, join(archive, 'by hand', 'new.fits.gz'));
    expect((await get('/new.fits.gz')).status).toBe(404);
    expect(await getSpectrum('/by%20hand%2Fnew.fits.gz')).toMatchObject({
      path: 'by hand/new.fits.gz',
      type: 'STAR',
    });
    await symlink('/etc/passwd', join(archive, 'leak'));
    await symlink(join(api.root, 'JOBS'), join(archive, 'jobs'));
    await writeFile(join(api.root, 'JOBS', 'secret.fits'), 'x');
    expect((await get('/leak/download')).status).toBe(404);
    expect((await get('/jobs%2Fsecret.fits')).status).toBe(404);
    expect((await get('/jobs%2Fsecret.fits/download')).status).toBe(404);
  });

  it('shows its header and downloads byte for byte, in ranges too', async () => {
    const { filename, hdus } = SpectrumHeader.parse(await (await get(`/${DR7}/header`)).json());
    expect(filename).toBe(`${DR7}.gz`);
    expect(hdus[0]?.cards[0]).toMatchObject({ keyword: 'SIMPLE', value: true });
    expect(hdus[0]?.cards.find((card) => card.keyword === 'FILENAME')?.value).toBe(DR7);
    const file = await readFile(`samples/spectra/dr7/${DR7}.gz`);
    const whole = await get(`/${DR7}/download`);
    expect(Buffer.from(await whole.arrayBuffer()).equals(file)).toBe(true);
    const part = await fetch(`${api.url}/spectra/${DR7}/download`, { headers: { range: 'bytes=0-1' } });
    expect([part.status, [...new Uint8Array(await part.arrayBuffer())]]).toEqual([206, [0x1f, 0x8b]]);
  });
});

describe('the catalogue', () => {
  it('lists the readable spectra with total, pages and filters', async () => {
    const all = await getPage('?dir=/dr1&limit=1000');
    expect([all.total, all.spectra.length]).toEqual([41, 41]);
    const paths = all.spectra.map((entry) => entry.path);
    expect(paths).toEqual(paths.toSorted());
    expect(all.spectra[0]).not.toHaveProperty('wave');
    const page = await getPage('?dir=/SPECTRA/dr1/&offset=40&limit=10&sort=-path');
    expect(page).toMatchObject({ total: 41, offset: 40, limit: 10, spectra: [all.spectra[0]] });
    expect(await getPage('?dir=/dr1&limit=0')).toMatchObject({ total: 41, spectra: [] });
    expect((await getPage('?dir=/dr')).total).toBe(0);
    expect((await getPage('?q=zero.fits')).total).toBe(0);
    expect((await getPage('?type=galaxy')).total).toBe(4);
    const subtypes = (await getPage('?type=STAR&subtype=A&limit=1000')).spectra;
    expect(subtypes.length).toBeGreaterThan(0);
    for (const { subtype } of subtypes) expect(subtype).toMatch(/^A/);
    const bright = (await getPage('?min_sn_g=50&limit=1000&sort=-sn_g')).spectra.map((s) => s.sn_g ?? NaN);
    expect(bright.length).toBeGreaterThan(0);
    expect(bright).toEqual(bright.toSorted((a: number, b: number) => b - a));
    expect(bright.at(-1)).toBeGreaterThanOrEqual(50);
    const redshifts = (await getPage('?z_min=0.08&z_max=0.16&limit=1000')).spectra;

    expect(redshifts).toHaveLength(4);
    expect((await getPage('?q=gac_107n27_b1')).total).toBe(1);
    expect((await getPage('?q=%25')).total).toBe(0);
  });

  it.each([
    'limit=1001',
    'limit=-1',
    'offset=x',
    'sort=flux',
    'ra=10',
    'ra=10&dec=91&radius=1',
    'min_sn_g=much',
  ])('refuses ?%s', async (query) => expect((await get(`?${query}`)).status).toBe(422));

  it('asks for a scan through the outbox', async () => {
    const scan = (body?: object) =>
      fetch(`${api.url}/spectra/scan`, {
        method: 'POST',
        ...(body ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } } : {}),
      });
    for (const answer of [await scan(), await scan({ dir: '/dr1' })])
      expect([answer.status, await answer.json()]).toEqual([202, { workflow_id: 'scan-archive' }]);
    const rows = await api.db.select().from(outbox).orderBy(outbox.id);
    expect(rows.map((row) => [row.workflowId, row.command, row.payload])).toEqual(
      ['/', '/dr1'].map((dir) => [
        'scan-archive',
        'start',
        { workflow: 'scanArchive', taskQueue: 'control', input: { dir } },
      ]),
    );
    expect((await scan({ dir: '/nowhere' })).status).toBe(404);
    expect((await scan({ dir: 'dr1' })).status).toBe(422);
    expect((await scan({ dir: '/../..' })).status).toBe(422);
  });
});

describe('the repository', () => {
  const row = (path: string, metadata = {}): CatalogueRow =>
    catalogueRow({ path, size: 1, modifiedAt: new Date(1e12) }, { layout: 'test', metadata });

  it('finds exact path, then exact name, then FILENAME card, ignoring .gz only', async () => {
    const repository = createSpectraRepository(api.db);
    await repository.upsertMany([
      row('find/b/n.fits.gz'),
      row('find/a/n.fits.gz'),
      row('find/z/n.fits'),
      row('find/0/101008.fits', { header_filename: 'n.fits' }),
      row('find/1/card.fits', { header_filename: 'only-card.fits.GZ' }),
    ]);
    const found = async (name: string) => (await repository.find(name))?.path;
    expect(await found('find/b/n.fits.gz')).toBe('find/b/n.fits.gz');
    expect(await found('n.fits')).toBe('find/z/n.fits');
    expect(await found('n.fits.gz')).toBe('find/a/n.fits.gz');
    expect(await found('only-card.fits')).toBe('find/1/card.fits');
    expect(await found('N.fits')).toBeUndefined();
    await repository.removeDirectory('find/a');
    expect(await found('n.fits.GZ')).toBe('find/b/n.fits.gz');
    await repository.removeDirectory('find');
    expect(await found('n.fits')).toBeUndefined();
  });

  it('searches cones across right ascension 0 and at the poles', async () => {
    const repository = createSpectraRepository(api.db);
    const positions: [string, number, number][] = [
      ['west', 359.95, 0],
      ['east', 0.05, 0],
      ['far', 0.5, 0],
      ['pole-a', 10, 89.95],
      ['pole-b', 190, 89.95],
      ['below', 10, 89.7],
      ['south', 123, -89.99],
    ];
    await repository.upsertMany(positions.map(([name, ra, dec]) => row(`cone/${name}`, { ra, dec })));
    const cone = async (ra: number, dec: number, radius: number) =>
      (await getPage(`?dir=/cone&ra=${ra}&dec=${dec}&radius=${radius}`)).spectra.map((s) => s.filename);
    expect(await cone(0, 0, 0.1)).toEqual(['east', 'west']);
    expect(await cone(359.95, 0, 0.11)).toEqual(['east', 'west']);
    expect(await cone(360, 0, 0.04)).toEqual([]);
    expect(await cone(100, 90, 0.1)).toEqual(['pole-a', 'pole-b']);
    expect(await cone(10, 89.95, 0.11)).toEqual(['pole-a', 'pole-b']);
    expect(await cone(10, 89.95, 0.09)).toEqual(['pole-a']);
    expect(await cone(0, -90, 0.02)).toEqual(['south']);
    expect(await cone(0, 0, 180)).toHaveLength(positions.length);
    await repository.removeDirectory('cone');
  });

  it('keeps what a scan saw, and drops what it did not', async () => {
    const repository = createSpectraRepository(api.db);
    await repository.upsertMany(['kept', 'changed', 'gone'].map((name) => row(`scan/${name}`)));
    await repository.upsertMany([row('scanned/other')]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const begunAt = await repository.beginScan();
    const modifiedAt = new Date(1e12);
    const same = await repository.confirmUnchanged([
      { path: 'scan/kept', size: 1, modifiedAt },
      { path: 'scan/changed', size: 2, modifiedAt },
      { path: 'scan/new', size: 1, modifiedAt },
    ]);
    expect([...same]).toEqual(['scan/kept']);
    await repository.upsertMany([row('scan/changed'), row('scan/new')]);
    expect(await repository.removeMissing('scan', begunAt)).toBe(1);
    const left = (await getPage('?q=&dir=/scan')).spectra.map((entry) => entry.path);
    expect(left).toEqual(['scan/changed', 'scan/kept', 'scan/new']);
    expect((await getPage('?dir=/scanned')).total).toBe(1);
    await repository.removeDirectory('scan');
    await repository.removeDirectory('scanned');
  });

  it('takes what garbled headers hold', async () => {
    const repository = createSpectraRepository(api.db);
    const text = `a\0b\ud800${'x'.repeat(10_000)}`;
    await repository.upsertMany([
      row('garbled', {
        targetname: text,
        type: text,
        subtype: text,
        header_filename: text,
        ra: Infinity,
        z: NaN,
      }),
    ]);
    expect((await getPage('?q=garbled')).spectra[0]).toMatchObject({ path: 'garbled' });
    await repository.removePath('garbled');
    expect((await getPage('?q=garbled')).total).toBe(0);
  });

  it('takes ten thousand rows in seconds, twice', async () => {
    const repository = createSpectraRepository(api.db);
    const rows = Array.from({ length: 10_000 }, (_, index) =>
      row(`many/${index}`, { ra: index / 100, dec: 1 }),
    );
    const start = performance.now();
    await repository.upsertMany([...rows, row('many/0', { type: 'QSO' })]);
    await repository.upsertMany(rows.slice(1));
    const seconds = (performance.now() - start) / 1000;
    console.log(`20,000 catalogue rows upserted in ${seconds.toFixed(2)} s`);
    expect(seconds).toBeLessThan(30);
    expect((await getPage('?dir=/many&limit=1')).total).toBe(10_000);
    expect((await getPage('?dir=/many&type=qso')).total).toBe(1);
    await repository.removeDirectory('many');
  });
});
