import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import h5wasm from 'h5wasm/node';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CandidatePage } from '../../contracts/candidate.ts';
import { TABLE_FORMATS, type TableFormat } from '../../contracts/table-format.ts';
import { createIterationResult } from '../../science/artifacts/iteration-result.ts';
import { SPECTRA_TABLE } from '../../science/catalogue/spectra-table.ts';
import { CANDIDATE_TABLE } from '../../science/catalogue/table.ts';
import { openFits } from '../../science/fits/file.ts';
import { Table } from '../../science/fits/table.ts';
import { call, startTestServer, type TestServer } from '../api/test-server.ts';

const installed = (command: string, ...args: string[]): boolean =>
  spawnSync(command, args).error === undefined;
/** Python with astropy, specutils and pyarrow: `TABLES_PYTHON=/path/to/python npx vitest run --project integration test/tables`. */
const PYTHON = process.env['TABLES_PYTHON'] ?? 'python3';
const missing = {
  votlint: installed('stilts', '-version') ? undefined : 'there is no stilts',
  fitsverify: installed('fitsverify') ? undefined : 'there is no fitsverify',
  python:
    spawnSync(PYTHON, ['-c', 'import astropy, specutils, pyarrow']).status === 0
      ? undefined
      : `${PYTHON} has not all of astropy, specutils and pyarrow (set TABLES_PYTHON)`,
};
for (const [name, reason] of Object.entries(missing))
  if (reason) console.log(`Tables were not read with ${name}: ${reason}.`);

const FORMATS: readonly TableFormat[] = ['votable', 'fits', 'csv', 'parquet'];
const SPECTRUM = 'spec-55859-F5902_sp01-008.fits';
const ROWS = 100_000;

let server: TestServer;
/** Where the tables lie that programs of others read. */
let directory: string;
beforeAll(async () => {
  server = await startTestServer();
  directory = await mkdtemp(join(tmpdir(), 'tables '));
  const archive = join(server.filesDir, 'SPECTRA');
  await mkdir(archive, { recursive: true });
  await cp('samples/spectra/dr7', join(archive, 'dr7'), { recursive: true });
  await server.db.execute(sql`
    insert into spectra (path, filename, filename_key, layout, size, modified_at, targetname, type, subtype, ra, dec, z, sn_g)
    values ('dr7/a.fits', 'a.fits', 'a.fits', 'lamost-dr1', 123, '2026-01-02T03:04:05.678Z', 'J1 "é" <&>', 'STAR', 'A0',
      10.5, -20.25, 1e-5, 33.3),
      ('dr7/b.fits', 'b.fits', 'b.fits', 'sdss', 456, '2026-01-02', null, 'QSO', null, null, null, null, null)`);
});
afterAll(async () => {
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

async function get(path: string, accept?: string): Promise<Response> {
  return fetch(`${server.url}${path}`, accept === undefined ? {} : { headers: { accept } });
}
async function bytesOf(path: string): Promise<Uint8Array> {
  const response = await get(path);
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return new Uint8Array(await response.arrayBuffer());
}
/** Fetches a table as a file for programs of others. */
async function save(path: string, name: string, format: TableFormat): Promise<Uint8Array> {
  const bytes = await bytesOf(`${path}${path.includes('?') ? '&' : '?'}format=${format}`);
  await writeFile(join(directory, `${name}.${TABLE_FORMATS[format].extension}`), bytes);
  return bytes;
}
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const fitsTable = (bytes: Uint8Array): Table => {
  const { hdus, damage } = openFits(bytes);
  const hdu = hdus[1];
  if (damage || !hdu) throw new Error('no table');
  return new Table(hdu);
};
const fitsNumbers = (table: Table, name: string): number[] => {
  const column = table.find(name);
  return column ? [...table.numbers(column)] : [];
};

describe('the catalogue of spectra', () => {
  it.each(FORMATS)('is there as %s, by Accept as by format', async (format) => {
    const { mediaType, extension } = TABLE_FORMATS[format];
    const response = await get('/spectra', mediaType.replace(/;.*/, ''));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(mediaType);
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename*=UTF-8''spectra.${extension}`,
    );
    expect(response.headers.get('vary')).toContain('Accept');
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(await save('/spectra', 'catalogue', format));
  });

  it('is JSON for who takes anything, and for old clients', async () => {
    for (const accept of [
      undefined,
      '*/*',
      'application/json, text/plain, */*',
      'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8',
    ]) {
      const response = await get('/spectra', accept);
      expect(response.headers.get('content-type')).toContain('application/json');
      expect(await response.json()).toMatchObject({ total: 2, limit: 50 });
    }
    expect((await get('/spectra?format=csv', 'application/json')).headers.get('content-type')).toContain(
      'csv',
    );
  });

  it('is refused in what it is not there as', async () => {
    expect(await call('GET', `${server.url}/spectra`, undefined, { accept: 'image/png' })).toMatchObject({
      status: 406,
      body: { code: 'not_acceptable', detail: expect.stringContaining('application/x-votable+xml') },
    });
    expect((await get('/spectra?format=xlsx')).status).toBe(422);
    expect((await get('/spectra?limit=1001')).status).toBe(422);
  });

  it('holds the same in every format', async () => {
    expect(text(await bytesOf('/spectra?format=csv&dir=/dr7')).split('\r\n')[1]).toBe(
      'a.fits,dr7/a.fits,"J1 ""é"" <&>",,,10.5,-20.25,STAR,A0,0.00001,,,33.3,,,,,,,,,,,,lamost-dr1,,123,2026-01-02T03:04:05.678Z',
    );
    const votable = text(await bytesOf('/spectra?format=votable'));
    expect(votable).toContain('<TD>J1 &quot;é&quot; &lt;&amp;&gt;</TD>');
    expect(votable).toContain('<FIELD name="z" datatype="double" ucd="src.redshift">');
    const table = fitsTable(await bytesOf('/spectra?format=fits'));
    expect(fitsNumbers(table, 'ra')).toEqual([10.5, NaN]);
    const parquet = (await bytesOf('/spectra?format=parquet')).slice().buffer;
    const rows = await parquetReadObjects({ file: parquet });
    expect(rows).toMatchObject([
      { filename: 'a.fits', targetname: 'J1 "é" <&>', ra: 10.5, sn_g: 33.3, z_err: null },
      { filename: 'b.fits', targetname: null, ra: null },
    ]);
    expect(Object.keys(rows[0] ?? {})).toEqual(SPECTRA_TABLE.columns.map(({ name }) => name));
  });

  it('takes the filters, the order and the limits of the list', async () => {
    const names = async (query: string): Promise<string[]> =>
      text(await bytesOf(`/spectra?format=csv&${query}`))
        .split('\r\n')
        .slice(1, -1)
        .map((line) => line.slice(0, line.indexOf(',')));
    expect(await names('sort=-path')).toEqual(['b.fits', 'a.fits']);
    expect(await names('type=star')).toEqual(['a.fits']);
    expect(await names('ra=10&dec=-20&radius=1')).toEqual(['a.fits']);
    expect(await names('offset=1&limit=5')).toEqual(['b.fits']);
    expect(await names('dir=/none')).toEqual([]);
    for (const format of FORMATS) await save('/spectra?dir=/none', 'empty', format);
  });
});

describe('one spectrum', () => {
  it.each(['votable', 'fits', 'csv'] as const)('is there as %s', async (format) => {
    const { mediaType, extension } = TABLE_FORMATS[format];
    await save(`/spectra/dr7%2F${SPECTRUM}.gz`, 'spectrum', format);
    const response = await get(`/spectra/dr7%2F${SPECTRUM}.gz`, mediaType.replace(/;.*/, ''));
    expect(response.headers.get('content-type')).toBe(mediaType);
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename*=UTF-8''spec-55859-F5902_sp01-008.${extension}`,
    );
    await response.body?.cancel();
  });

  it('has the numbers of the JSON, with errors and units', async () => {
    const path = `/spectra/dr7%2F${SPECTRUM}.gz`;
    const Numbers = z.object({ wave: z.array(z.number()), flux: z.array(z.number()) });
    const { wave, flux } = Numbers.parse(await (await get(path)).json());
    const table = fitsTable(await bytesOf(`${path}?format=fits`));
    expect(fitsNumbers(table, 'wave')).toEqual(wave);
    expect(fitsNumbers(table, 'flux')).toEqual(flux);
    expect(fitsNumbers(table, 'error')[0]).toBeGreaterThan(0);
    expect(table.find('wave')?.unit).toBe('Angstrom');
    const votable = text(await bytesOf(`${path}?format=votable`));
    expect(votable).toContain('<FIELD name="wave" datatype="double" unit="Angstrom" ucd="em.wl">');
    expect(votable).toContain(
      '<PARAM name="ra" datatype="double" unit="deg" ucd="pos.eq.ra;meta.main" ref="icrs"',
    );
    const [head, first] = text(await bytesOf(`${path}?format=csv`)).split('\r\n');
    expect(head).toBe('wave,flux,error,bad');
    expect(first?.split(',').slice(0, 2).map(Number)).toEqual([wave[0], flux[0]]);
  });

  it('keeps JSON and binary as they were, and refuses what cannot be', async () => {
    const path = `/spectra/dr7%2F${SPECTRUM}.gz`;
    expect((await get(path, '*/*')).headers.get('content-type')).toContain('json');
    expect((await get(`${path}?format=binary`)).headers.get('x-point-count')).toBe('3908');
    expect((await get(`${path}?format=fits&max_points=5`)).status).toBe(422);
    expect((await get(path, 'application/vnd.apache.parquet')).status).toBe(406);
    expect((await get('/spectra/none.fits?format=fits')).status).toBe(404);
    expect((await fetch(`${server.url}${path}?format=fits`, { method: 'HEAD' })).status).toBe(200);
  });
});

describe('candidates of a campaign', () => {
  const POOL = ['a.fits', 'b.fits', 'c.fits', 'd.fits', 'e.fits'];

  /** A campaign with an iteration's result.h5 and its pool. */
  async function campaign(): Promise<{ id: string; directory: string }> {
    const poolPath = '/JOBS/pool/result.h5';
    await mkdir(join(server.filesDir, 'JOBS', 'pool'), { recursive: true });
    const created = z.object({ job_id: z.uuid(), dir_path: z.string() }).parse(
      (
        await call('POST', `${server.url}/jobs`, {
          type: 'ACTIVE_ML',
          label: 'peaks',
          config: { classes: ['other', 'peak'], candidate_classes: ['peak'], pool_data_path: poolPath },
        })
      ).body,
    );
    const { job_id: id, dir_path: path } = created;
    expect((await call('GET', `${server.url}/jobs/${id}/candidates`)).status).toBe(404);
    expect((await call('POST', `${server.url}/jobs/${id}/process/RUN`)).status).toBe(202);
    await h5wasm.ready;
    const pool = new h5wasm.File(join(server.filesDir, poolPath), 'w');
    const metadata = pool.create_group('metadata');
    metadata.create_dataset({ name: 'designation', data: POOL.map((name) => `J ${name}`), dtype: 'S' });
    metadata.create_dataset({ name: 'ra', data: Float64Array.of(10, 11, 12, 13, NaN), dtype: '<d' });
    metadata.create_dataset({ name: 'dec', data: new Float64Array(5).fill(-5), dtype: '<d' });
    pool.close();
    const result = await createIterationResult(join(server.filesDir, path, 'result.h5'), {
      rows: POOL.length,
      classes: ['other', 'peak'],
      attributes: {},
    });
    result.append({
      filenames: POOL,
      labels: Int32Array.of(1, 0, 1, 1, -1),
      probabilities: Float32Array.of(0.25, 0.75, 0.5, 0.5, 0.125, 0.875, 0.4, 0.6, NaN, NaN),
      entropies: new Float64Array(5),
    });
    result.close({
      oracle: Int32Array.of(3),
      performanceEstimation: new Int32Array(),
      candidates: Int32Array.of(0, 2),
    });
    await server.db.execute(sql`
      with labelled as (
        insert into labellings (id, job_id, spectrum_set, sequence_iteration, rank, spectrum_filename, spectrum_key,
          user_label, labelled_by, labelled_at, answer_id)
        values (gen_random_uuid(), ${id}, 'ORACLE', 0, 0, 'b.fits', '#1', 'peak', 'Eva', now(), 1),
          (gen_random_uuid(), ${id}, 'ORACLE', 0, 1, 'd.fits', '#3', 'other', null, now(), 2),
          (gen_random_uuid(), ${id}, 'ORACLE', 0, 2, 'e.fits', '#4', 'other', null, now(), 3)
        returning id)
      select count(*) from labelled`);
    return { id, directory: join(server.filesDir, path) };
  }

  it('are those of the newest iteration, with what people said, in every format', async () => {
    const { id } = await campaign();
    const page = CandidatePage.parse((await call('GET', `${server.url}/jobs/${id}/candidates`)).body);
    expect(page).toMatchObject({ job_id: id, total: 4, offset: 0, limit: 100 });
    expect(
      page.candidates.map(({ filename, class: name, probability, label }) => [
        filename,
        name,
        probability,
        label,
      ]),
    ).toEqual([
      ['a.fits', 'peak', 0.75, undefined],
      ['b.fits', 'other', 0.5, 'peak'],
      ['c.fits', 'peak', 0.875, undefined],
      ['d.fits', 'peak', expect.closeTo(0.6, 6), 'other'],
    ]);
    expect(page.candidates[1]).toMatchObject({
      labelled_by: 'Eva',
      iteration: 0,
      ra: 11,
      designation: 'J b.fits',
    });
    const second = await call('GET', `${server.url}/jobs/${id}/candidates?offset=1&limit=1`);
    expect(second.body).toMatchObject({ total: 4, candidates: [{ filename: 'b.fits' }] });
    for (const format of FORMATS) await save(`/jobs/${id}/candidates`, 'candidates', format);
    const csv = text(await readFile(join(directory, 'candidates.csv')));
    expect(csv.split('\r\n').slice(1, 3)).toEqual([
      'a.fits,J a.fits,10,-5,peak,0.75,,,',
      'b.fits,J b.fits,11,-5,other,0.5,peak,Eva,0',
    ]);
    const rows = await parquetReadObjects({
      file: (await readFile(join(directory, 'candidates.parquet'))).slice().buffer,
    });
    expect(Object.keys(rows[0] ?? {})).toEqual(CANDIDATE_TABLE.columns.map(({ name }) => name));
  });

  it('are the catalogue once there is one', async () => {
    const { id, directory: ofJob } = await campaign();
    const head = CANDIDATE_TABLE.columns.map(({ name }) => name).join();
    const csv = `${head}\r\n"x,1.fits",J1,1.5,,peak,0.5,other,Eva,3\r\n`;
    await writeFile(join(ofJob, 'catalogue.csv'), csv);
    await writeFile(join(ofJob, 'catalogue.vot'), '<VOTABLE/>');
    expect((await call('GET', `${server.url}/jobs/${id}/candidates`)).body).toMatchObject({
      total: 1,
      candidates: [
        {
          filename: 'x,1.fits',
          designation: 'J1',
          ra: 1.5,
          class: 'peak',
          probability: 0.5,
          label: 'other',
          iteration: 3,
        },
      ],
    });
    expect(text(await bytesOf(`/jobs/${id}/candidates?format=csv`))).toBe(csv);
    expect(text(await bytesOf(`/jobs/${id}/candidates?format=votable`))).toBe('<VOTABLE/>');
    const rows = await parquetReadObjects({
      file: (await bytesOf(`/jobs/${id}/candidates?format=parquet`)).slice().buffer,
    });
    expect(rows).toMatchObject([{ filename: 'x,1.fits', dec: null, iteration: 3 }]);
  });

  it('are none for other jobs, and none that cannot be read', async () => {
    const { body } = await call('POST', `${server.url}/jobs`, { type: 'TRAINING', label: 'x' });
    const { job_id: other } = z.object({ job_id: z.uuid() }).parse(body);
    expect((await get(`/jobs/${other}/candidates`)).status).toBe(404);
    const { id, directory: ofJob } = await campaign();
    await writeFile(join(ofJob, 'result.h5'), 'no HDF5');
    expect((await get(`/jobs/${id}/candidates?format=fits`)).status).toBe(422);
  });
});

describe('a large catalogue', () => {
  it('is streamed in little memory, from one state of the database, and lets go of a reader who goes', async () => {
    await server.db.execute(sql`
      insert into spectra (path, filename, filename_key, layout, size, modified_at, targetname, type, ra, dec, z)
      select 'many/' || n, 'spec-' || n || '.fits', 'spec-' || n || '.fits', 'lamost-dr1', 100000, now(),
        'J' || n, 'STAR', n % 360, n % 90, n / 1e6
      from generate_series(1, ${ROWS}) n`);
    const before = process.memoryUsage.rss();
    let most = before;
    for (const format of FORMATS) {
      const begunAt = performance.now();
      const response = await get(`/spectra?format=${format}&dir=/many`);
      let bytes = 0;
      let firstAt = NaN;
      for await (const chunk of response.body ?? []) {
        if (bytes === 0) {
          firstAt = performance.now();
          // Comes too late for this answer.
          await server.db.execute(
            sql`update spectra set targetname = 'a much longer name than all' where path = 'many/7'`,
          );
        }
        bytes += chunk.length;
        most = Math.max(most, process.memoryUsage.rss());
      }
      const [first, all] = [firstAt - begunAt, performance.now() - begunAt];
      console.log(
        `${ROWS.toLocaleString('en')} spectra as ${format}: ${(bytes / 1e6).toFixed(0)} MB in ${(all / 1000).toFixed(1)} s, ` +
          `the first after ${(first / 1000).toFixed(2)} s`,
      );
      expect(bytes).toBeGreaterThan(ROWS * 10);
    }
    console.log(`Memory grew by ${((most - before) / 1e6).toFixed(0)} MB meanwhile, the client's included`);
    expect(most - before).toBeLessThan(300e6);
    // More readers than snapshots: each that leaves lets the next one in.
    for (let i = 0; i < 15; i++) {
      const response = await get('/spectra?format=csv&dir=/many');
      const reader = response.body?.getReader();
      expect((await reader?.read())?.done).toBe(false);
      await reader?.cancel();
    }
    const open = async (): Promise<unknown> =>
      (
        await server.db.execute(
          sql`select count(*)::int as open from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'`,
        )
      ).rows[0];
    await expect.poll(open, { timeout: 20_000 }).toEqual({ open: 0 });
    expect((await get('/spectra?format=csv&limit=3')).status).toBe(200);
  });

  it('is a Parquet of many row groups that is whole', async () => {
    const bytes = await bytesOf('/spectra?format=parquet&dir=/many&limit=40000&sort=ra');
    const file = bytes.slice().buffer;
    expect(parquetMetadata(file)).toMatchObject({ num_rows: 40_000n });
    const groups = parquetMetadata(file).row_groups;
    expect(groups).toHaveLength(5);
    for (const { columns } of groups) expect(columns).toHaveLength(SPECTRA_TABLE.columns.length);
    const ra = (await parquetReadObjects({ file, columns: ['ra'] })).map((row) => Number(row['ra']));
    expect(ra).toEqual(ra.toSorted((a, b) => a - b));
  });
});

const tablesCalled = async (extension: string): Promise<string[]> =>
  (await readdir(directory))
    .filter((name) => name.endsWith(`.${extension}`))
    .map((name) => join(directory, name));

describe('programs of others', () => {
  it.skipIf(missing.votlint)(
    `votlint finds nothing${missing.votlint ? ` (${missing.votlint})` : ''}`,
    async () => {
      const paths = await tablesCalled('vot');
      expect(paths).toHaveLength(4);
      for (const path of paths) {
        const { status, stdout, stderr } = spawnSync(
          'stilts',
          ['votlint', 'ucd=true', 'unit=true', `votable=${path}`],
          { encoding: 'utf8' },
        );
        expect({ path, status, found: stdout + stderr }).toEqual({ path, status: 0, found: '' });
      }
    },
  );

  it.skipIf(missing.fitsverify)(
    `fitsverify finds nothing${missing.fitsverify ? ` (${missing.fitsverify})` : ''}`,
    async () => {
      const paths = await tablesCalled('fits');
      expect(paths).toHaveLength(4);
      for (const path of paths) {
        const { status, stdout } = spawnSync('fitsverify', ['-q', path], { encoding: 'utf8' });
        expect({ status, stdout: stdout.replace(path, '') }).toEqual({
          status: 0,
          stdout: expect.stringContaining('verification OK'),
        });
      }
    },
  );

  it.skipIf(missing.python)(
    `astropy, specutils and pyarrow read them${missing.python ? ` (${missing.python})` : ''}`,
    async () => {
      const names = [
        'catalogue.vot',
        'catalogue.fits',
        'catalogue.csv',
        'catalogue.parquet',
        'spectrum.vot',
        'spectrum.fits',
      ];
      const output = execFileSync(
        PYTHON,
        [join(import.meta.dirname, 'read-tables.py'), ...names.map((name) => join(directory, name))],
        { encoding: 'utf8', maxBuffer: 2 ** 26 },
      );
      const column = (unit: string, first: unknown, rows: number) => ({ unit, first, rows });
      const found: unknown = JSON.parse(output);
      for (const name of ['catalogue.vot', 'catalogue.fits', 'catalogue.parquet'])
        expect(found).toHaveProperty([name, 'columns', 'ra'], column('deg', 10.5, 2));
      expect(found).toHaveProperty(['catalogue.csv', 'columns', 'ra', 'first'], 10.5);
      expect(found).toHaveProperty(['catalogue.parquet', 'columns', 'targetname', 'first'], 'J1 "é" <&>');
      expect(found).toHaveProperty(['spectrum.vot', 'parameters', 'type'], 'STAR');
      expect(found).toHaveProperty(
        ['spectrum.vot', 'columns', 'wave'],
        column('Angstrom', 3699.986328125, 3908),
      );
      expect(found).toHaveProperty(['spectrum.fits', 'specutils'], {
        flux: 290.5857238769531,
        wave: 3699.986328125,
        unit: 'Angstrom',
        uncertain: true,
      });
    },
  );
});
