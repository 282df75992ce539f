import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drizzle } from 'drizzle-orm/node-postgres';
import { migrate } from 'drizzle-orm/node-postgres/migrator';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import { encodeRows } from '../../db/catalogue-encoding.ts';
import { catalogueRow, type CataloguedFile, type Reading } from '../../db/catalogue-row.ts';
import { connect, type Connection } from '../../db/connection.ts';
import { migrateDatabase } from '../../db/migrate.ts';
import { createSpectraRepository, type SpectraRepository } from '../../db/repositories/spectra.ts';
import { startPostgres, type RunningPostgres } from '../../deploy/embedded/postgres.ts';

let base: string;
let postgres: RunningPostgres;
let connection: Connection;
let spectra: SpectraRepository;

const Journal = z.looseObject({ entries: z.array(z.looseObject({ tag: z.string() })) });
const FIRST_MIGRATION = '0000_first';
const OLD_ROW = `insert into spectra
  (path, filename, filename_key, header_filename, header_filename_key, layout, size, modified_at)
  values ('old/a.fits.gz', 'a.fits.gz', 'a.fits', 'a.fits', 'a.fits', 'test', 1, now())`;

/** A database as the first release left it, with a row in it. */
async function makeOldDatabase(url: string): Promise<void> {
  const folder = join(base, 'first migration');
  await mkdir(join(folder, 'meta'), { recursive: true });
  await copyFile(`db/migrations/${FIRST_MIGRATION}.sql`, join(folder, `${FIRST_MIGRATION}.sql`));
  const journal = Journal.parse(JSON.parse(await readFile('db/migrations/meta/_journal.json', 'utf8')));
  journal.entries = journal.entries.filter(({ tag }) => tag === FIRST_MIGRATION);
  await writeFile(join(folder, 'meta', '_journal.json'), JSON.stringify(journal));
  const old = connect(url);
  await migrate(drizzle(old.pool), { migrationsFolder: folder });
  await old.pool.query(OLD_ROW);
  await old.close();
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'catalogue of a test '));
  postgres = await startPostgres({ dataDir: join(base, 'postgres') });
  await makeOldDatabase(postgres.url);
  await migrateDatabase(postgres.url);
  connection = connect(postgres.url);
  spectra = createSpectraRepository(connection.db);
});
afterAll(async () => {
  await connection.close();
  await postgres.stop();
  await rm(base, { recursive: true, force: true });
});
beforeEach(() => spectra.removeDirectory('t'));

const file = (name: string, size = 1): CataloguedFile => ({
  path: `t/${name}`,
  size,
  modifiedAt: new Date(1_700_000_000_123),
});
const read = (metadata: SpectrumMetadata): Reading => ({ layout: 'test', metadata });
const encodeCatalogueRows = (rows: readonly { file: CataloguedFile; reading: Reading }[]) =>
  encodeRows(rows.map(({ file, reading }) => catalogueRow(file, reading)));
const batch = (...rows: [name: string, metadata: SpectrumMetadata][]) =>
  encodeCatalogueRows(rows.map(([name, metadata]) => ({ file: file(name), reading: read(metadata) })));

/** The transaction that wrote a row, and where it lies: both change with every write. */
async function version(name: string): Promise<unknown> {
  const { rows } = await connection.pool.query<Record<string, unknown>>(
    'select xmin, xmax, ctid from spectra where path = $1',
    [`t/${name}`],
  );
  return rows[0];
}
const targetname = async (name: string) => (await spectra.find(`t/${name}`))?.targetname;

it('finds and replaces the rows of an older data directory', async () => {
  expect((await spectra.find('a.fits'))?.path).toBe('old/a.fits.gz');
  const reading = read({ header_filename: 'a.fits', targetname: 'now' });
  await spectra.upsertEncoded([
    encodeCatalogueRows([{ file: { path: 'old/a.fits.gz', size: 1, modifiedAt: new Date() }, reading }]),
  ]);
  expect((await spectra.find('a.fits'))?.targetname).toBe('now');
});

it('gives back every column as it was encoded', async () => {
  const reading = read({
    targetname: 'é\0x\ud800y',
    observed_at: '2012-01-01T00:00:00',
    type: 'STAR',
    subtype: '',
    ra: 359.999999999999,
    dec: -1e-300,
    magtype: 'ugriz',
    mag_1: 1,
    mag_2: -0.1,
    mag_3: NaN,
    mag_4: Infinity,
    mag_5: 5,
    mag_6: 6,
    mag_7: 7,
    sn_u: 1.25,
    sn_g: 2.25,
    sn_r: 3.25,
    sn_i: 4.25,
    sn_z: 5.25,
    z: 0.1,
    z_err: 1e-5,
    obsid: '漢'.repeat(300),
    header_filename: 'another.fits.gz',
  });
  const large: CataloguedFile = { ...file('large.fits', 2 ** 40 + 5), modifiedAt: new Date(-1001) };
  const unreadable = { file: file('unreadable'), reading: { unreadableReason: '' } };
  await spectra.upsertEncoded([encodeCatalogueRows([{ file: large, reading }, unreadable])]);
  expect(await spectra.find(large.path)).toMatchObject({
    ...catalogueRow(large, reading),
    targetname: 'é\ufffdx\ufffdy',
  });
  expect(await spectra.find('t/unreadable')).toMatchObject(catalogueRow(unreadable.file, unreadable.reading));
  expect((await spectra.find('another.fits'))?.path).toBe(large.path);
});

it('writes what is new or differs, and nothing else', async () => {
  await spectra.upsertEncoded([batch(['a', { ra: 1, dec: 2 }], ['b', { ra: 1 }]), batch(['c', {}])]);
  const [a, b, c] = [await version('a'), await version('b'), await version('c')];
  await spectra.upsertEncoded([batch(['c', {}]), batch(['b', { ra: 1 }], ['a', { ra: 1, dec: 2 }])]);
  expect([await version('a'), await version('b'), await version('c')]).toEqual([a, b, c]);

  // The same values in other columns, and signs that turn in two columns at once, are differences.
  await spectra.upsertEncoded([batch(['a', { ra: -1, dec: -2 }], ['b', { dec: 1 }], ['c', {}], ['d', {}])]);
  expect(await spectra.find('t/a')).toMatchObject({ ra: -1, dec: -2 });
  expect(await spectra.find('t/b')).toMatchObject({ ra: null, dec: 1 });
  expect(await version('c')).toEqual(c);
  expect(await version('d')).toBeDefined();
});

it('notices every difference in a stretch of rows that it has', async () => {
  const rows: Parameters<typeof batch> = [
    ['a', { ra: 1, dec: 2 }],
    ['b', { ra: 3, dec: 4 }],
    ['d', { ra: 5 }],
  ];
  await spectra.upsertEncoded([batch(...rows)]);
  const before = await Promise.all(['a', 'b', 'd'].map(version));
  await spectra.upsertEncoded([batch(...rows)]);
  expect(await Promise.all(['a', 'b', 'd'].map(version))).toEqual(before);

  // Two rows that change by the same, or into each other.
  await spectra.upsertEncoded([
    batch(['a', { ra: -1, dec: 2 }], ['b', { ra: -3, dec: 4 }], ['d', { ra: 5 }]),
  ]);
  expect([(await spectra.find('t/a'))?.ra, (await spectra.find('t/b'))?.ra]).toEqual([-1, -3]);
  await spectra.upsertEncoded([
    batch(['a', { ra: -3, dec: 4 }], ['b', { ra: -1, dec: 2 }], ['d', { ra: 5 }]),
  ]);
  expect([(await spectra.find('t/a'))?.ra, (await spectra.find('t/b'))?.ra]).toEqual([-3, -1]);

  // One more between them, then a batch that leaves it out, then one that has a row more at each end.
  await spectra.upsertEncoded([batch(['c', {}])]);
  const unchanged = await version('d');
  await spectra.upsertEncoded([
    batch(['a', { ra: -3, dec: 4 }], ['b', { ra: 0 }], ['d', { ra: 5 }]),
    batch(['9', {}], ['a', { ra: -3, dec: 4 }], ['b', { ra: 0 }], ['c', {}], ['d', { ra: 5 }], ['e', {}]),
  ]);
  expect((await spectra.find('t/b'))?.ra).toBe(0);
  expect([await version('9'), await version('e')]).not.toContain(undefined);
  expect(await version('d')).toEqual(unchanged);
});

it('takes the last of two with one path, within a batch and across batches', async () => {
  await spectra.upsertEncoded([
    batch(['a', { targetname: '1' }], ['a', { targetname: '2' }]),
    batch(['b', { targetname: '3' }]),
    batch(['a', { targetname: '4' }], ['b', { targetname: '5' }]),
    encodeCatalogueRows([]),
  ]);
  expect([await targetname('a'), await targetname('b')]).toEqual(['4', '5']);
  // The last one counts also where it is what was there before.
  await spectra.upsertEncoded([batch(['a', { targetname: 'x' }]), batch(['a', { targetname: '4' }])]);
  expect(await targetname('a')).toBe('4');
  await spectra.upsertEncoded([]);
});

it('takes the same files from several writers at once', async () => {
  const batches = (writer: string) =>
    Array.from({ length: 8 }, (_, part) =>
      batch(
        ...Array.from({ length: 100 }, (_, i): [string, SpectrumMetadata] => [
          `${part}-${i}`,
          { obsid: writer },
        ]),
      ),
    );
  await Promise.all([
    spectra.upsertEncoded(batches('1')),
    spectra.upsertEncoded(batches('2').reverse()),
    spectra.upsertEncoded(batches('3')),
  ]);
  const { rows } = await connection.pool.query<{ writers: number; rows: number }>(
    `select count(distinct obsid)::int as writers, count(*)::int as rows from spectra where path like 't/%'`,
  );
  expect(rows).toEqual([{ writers: 1, rows: 800 }]);
});

it('says which files are missing, by path, size and time', async () => {
  await spectra.upsertEncoded([batch(['same', {}], ['size', {}], ['time', {}])]);
  const before = await version('same');
  const asked = [
    file('same'),
    file('size', 2),
    { ...file('time'), modifiedAt: new Date(0) },
    file('absent é'),
  ];
  expect(await spectra.missing(asked)).toEqual(new Set(['t/size', 't/time', 't/absent é']));
  expect(await version('same')).toEqual(before);
  expect(await spectra.missing([])).toEqual(new Set());
});

it('marks an unchanged row as seen once after a scan began', async () => {
  await spectra.upsertEncoded([batch(['met', {}], ['gone', {}])]);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const begunAt = await spectra.beginScan();
  await spectra.upsertEncoded([batch(['met', {}])]);
  const seen = await version('met');
  await spectra.upsertEncoded([batch(['met', {}])]);
  expect(await version('met')).toEqual(seen);
  expect(await spectra.removeMissing('t', begunAt)).toBe(1);
  expect(await spectra.missing([file('met'), file('gone')])).toEqual(new Set(['t/gone']));
});
