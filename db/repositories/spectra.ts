import { and, asc, desc, gte, isNull, lt, lte, sql, type SQL } from 'drizzle-orm';
import type { AnyPgColumn } from 'drizzle-orm/pg-core';
import type { CatalogueQuery } from '../../contracts/spectrum.ts';
import { TASK_QUEUES } from '../../contracts/task-queues.ts';
import { arrayParameter, ElementWriter } from '../binary-arrays.ts';
import {
  columnArray,
  encodedPaths,
  ENCODED_COLUMNS,
  encodeRows,
  stretchOf,
  takeApart,
  type EncodedRows,
  type EncodedStretch,
} from '../catalogue-encoding.ts';
import { nameKey, type CataloguedFile, type CatalogueRow } from '../catalogue-row.ts';
import type { Database } from '../connection.ts';
import { catalogueScan, spectra } from '../schema.ts';
import { createSnapshots } from '../snapshot.ts';
import { addToOutbox } from './outbox.ts';

export { catalogueRow, type CataloguedFile, type CatalogueRow, type Reading } from '../catalogue-row.ts';

const SCAN_WORKFLOW_ID = 'scan-archive';
const ROWS_AT_ONCE = 4096;
const readable = isNull(spectra.unreadableReason);
const number = (value: number): SQL => sql`${value}::float8`;
const likePattern = (value: string): string => value.replace(/[\\%_]/g, '\\$&');

/** Rows below a directory of the archive (its archive path, '' for all). */
const below = (directory: string): SQL =>
  directory === '' ? sql`true` : sql`starts_with(${spectra.path}, ${`${directory}/`})`;

/**
 * Within `radius` of a position, all in degrees. Haversine, exact at the poles and across right ascension 0;
 * the band of declinations before it is what the index answers.
 */
function inCone(ra: number, dec: number, radius: number): SQL | undefined {
  const halfChordSquared = Math.sin((radius * Math.PI) / 360) ** 2;
  return and(
    gte(spectra.dec, dec - radius),
    lte(spectra.dec, dec + radius),
    sql`power(sin(radians(${spectra.dec} - ${number(dec)}) / 2), 2)
      + cos(radians(${spectra.dec})) * cos(radians(${number(dec)}))
      * power(sin(radians(${spectra.ra} - ${number(ra)}) / 2), 2) <= ${number(halfChordSquared)}`,
  );
}

/** The magnitude in a band, where MAGTYPE names what MAG1 … MAG5 hold, a letter each (science/spectra/magnitudes.ts). */
const magnitude = (band: string): SQL => sql`case strpos(
    substring(lower(${spectra.magtype}) from '^(?!gbp)(u?gr?i?z?y?)'), ${band})
  when 1 then ${spectra.mag1} when 2 then ${spectra.mag2} when 3 then ${spectra.mag3}
  when 4 then ${spectra.mag4} when 5 then ${spectra.mag5} end`;

const SORT_COLUMNS: Readonly<Record<string, AnyPgColumn>> = {
  filename: spectra.filename,
  path: spectra.path,
  type: spectra.type,
  subtype: spectra.subtype,
  ra: spectra.ra,
  dec: spectra.dec,
  z: spectra.z,
  sn_g: spectra.snG,
  sn_r: spectra.snR,
  observed_at: spectra.observedAt,
};

/** What `list` takes, but for how many. */
export type CatalogueSelection = Omit<CatalogueQuery, 'limit' | 'format'>;

const LISTED = {
  filename: spectra.filename,
  path: spectra.path,
  layout: spectra.layout,
  size: sql`${spectra.size}::float8`,
  modified_at: sql`to_char(${spectra.modifiedAt} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  targetname: spectra.targetname,
  observed_at: spectra.observedAt,
  type: spectra.type,
  subtype: spectra.subtype,
  ra: spectra.ra,
  dec: spectra.dec,
  magtype: spectra.magtype,
  mag_1: spectra.mag1,
  mag_2: spectra.mag2,
  mag_3: spectra.mag3,
  mag_4: spectra.mag4,
  mag_5: spectra.mag5,
  mag_6: spectra.mag6,
  mag_7: spectra.mag7,
  sn_u: spectra.snU,
  sn_g: spectra.snG,
  sn_r: spectra.snR,
  sn_i: spectra.snI,
  sn_z: spectra.snZ,
  z: spectra.z,
  z_err: spectra.zErr,
  obsid: spectra.obsid,
  header_filename: spectra.headerFilename,
};
/** A spectrum under the names of the API; null where the file does not say. */
export type ListedSpectrum = Record<keyof typeof LISTED, string | number | null>;
const LISTED_COLUMNS = sql.join(
  Object.entries(LISTED).map(([name, column]) => sql`${column} as ${sql.identifier(name)}`),
  sql`, `,
);

async function* listed(rows: AsyncIterable<Record<string, unknown>>): AsyncGenerator<ListedSpectrum> {
  // The very columns that were asked for; PostgreSQL's types of them are text and float8.
  for await (const row of rows) yield row as ListedSpectrum;
}

/** Which spectra a list is about. */
function selected(query: CatalogueSelection): SQL | undefined {
  const { ra, dec, radius } = query;
  return and(
    readable,
    query.dir === undefined ? undefined : below(query.dir),
    query.type === undefined ? undefined : sql`${spectra.type} = ${query.type.toUpperCase()}`,
    query.subtype === undefined ? undefined : sql`starts_with(${spectra.subtype}, ${query.subtype})`,
    query.min_sn_g === undefined ? undefined : gte(spectra.snG, query.min_sn_g),
    query.z_min === undefined ? undefined : gte(spectra.z, query.z_min),
    query.z_max === undefined ? undefined : lte(spectra.z, query.z_max),
    query.mag_min === undefined ? undefined : sql`${magnitude(query.mag_band)} >= ${number(query.mag_min)}`,
    query.mag_max === undefined ? undefined : sql`${magnitude(query.mag_band)} <= ${number(query.mag_max)}`,
    ra === undefined || dec === undefined || radius === undefined ? undefined : inCone(ra, dec, radius),
    query.q === undefined || query.q === ''
      ? undefined
      : sql`(${spectra.filename} ilike ${`%${likePattern(query.q)}%`}
              or ${spectra.targetname} ilike ${`%${likePattern(query.q)}%`})`,
  );
}

function inOrder(sort: string): SQL[] {
  const column = SORT_COLUMNS[sort.replace(/^-/, '')] ?? spectra.path;
  return [sql`${sort.startsWith('-') ? desc(column) : asc(column)} nulls last`, asc(spectra.path)];
}

const PATH = ENCODED_COLUMNS.findIndex(({ name }) => name === 'path');
const DIGEST = ENCODED_COLUMNS.findIndex(({ name }) => name === 'digest');
const columnList = sql.raw(ENCODED_COLUMNS.map(({ name }) => name).join(', '));
const overwriting = sql.raw(ENCODED_COLUMNS.map(({ name }) => `${name} = excluded.${name}`).join(', '));

/** When the last scan began. */
const lastScan = sql`coalesce((select max(begun_at) from ${catalogueScan}), '-infinity')`;

/**
 * Is the row of `given` in the catalogue as it is, and seen since the last scan began? A subquery in the select
 * list is looked up in the index row by row; the planner, who can't know how many are given, would join the whole table.
 */
const isThere = sql`(
  select known.digest = given.digest
    and known.seen_at >= ${lastScan}
  from ${spectra} known where known.path = given.path)`;

/** Batches in as few groups as keep each path once in a group: a statement can't write a row twice. */
function groupsOfDistinctPaths(batches: readonly EncodedRows[]): EncodedRows[][] {
  const groups: { first: string; rows: EncodedRows }[][] = [];
  let taken = new Set<string>();
  for (const rows of batches) {
    const paths = encodedPaths(rows);
    const [first] = paths;
    if (first === undefined) continue;
    const group = groups.at(-1);
    if (group && !paths.some((path) => taken.has(path))) {
      group.push({ first, rows });
    } else {
      groups.push([{ first, rows }]);
      taken = new Set();
    }
    for (const path of paths) taken.add(path);
  }
  // In one order for all: two writers of the same files wait for each other instead of deadlocking.
  return groups.map((group) => group.sort((a, b) => (a.first < b.first ? -1 : 1)).map(({ rows }) => rows));
}

/**
 * A column of the rows as an item of a select list: there PostgreSQL walks all arrays side by side, where
 * `from unnest(a, b…)` makes a table of each first (2 µs a row for 32).
 */
function columnOf(group: readonly EncodedRows[], index: number): SQL {
  const { name, type, array } = columnArray(group, index);
  return sql`unnest(${array}::${sql.raw(type)}[]) as ${sql.raw(name)}`;
}

const givenFiles = (files: readonly CataloguedFile[]): SQL => {
  const columns = { path: new ElementWriter(), size: new ElementWriter(), modifiedAt: new ElementWriter() };
  for (const { path, size, modifiedAt } of files) {
    columns.path.writeText(path);
    columns.size.writeInt8(size);
    columns.modifiedAt.writeTimestamptz(modifiedAt);
  }
  return sql`unnest(${arrayParameter('text', files.length, [columns.path.written()])}::text[],
    ${arrayParameter('int8', files.length, [columns.size.written()])}::int8[],
    ${arrayParameter('timestamptz', files.length, [columns.modifiedAt.written()])}::timestamptz[]
  ) as given(path, size, modified_at)`;
};

export type SpectraRepository = ReturnType<typeof createSpectraRepository>;

/** The spectra catalogue. Directories are archive paths without slashes at their ends; '' is the whole archive. */
export function createSpectraRepository(db: Database) {
  const inSnapshot = createSnapshots(db);

  /**
   * Asked first: is each batch a stretch of the catalogue, row for row, seen since the last scan began? Where a directory is
   * preprocessed again that is so, and costs a third of looking up every path. Anything between two of its paths, or another
   * order of PostgreSQL's, and the answer is no.
   */
  async function areStretches(batches: readonly EncodedRows[]): Promise<boolean> {
    const stretches = batches.flatMap((batch) => stretchOf(batch) ?? []);
    const of = <T>(value: (stretch: EncodedStretch) => T) => sql.param(stretches.map(value));
    const result = await db.execute(sql`
      select from unnest(
        ${of(({ firstPath }) => firstPath)}::text[], ${of(({ lastPath }) => lastPath)}::text[],
        ${of(({ rowCount }) => rowCount)}::int8[], ${of(({ sha256 }) => sha256)}::bytea[]
      ) given(first_path, last_path, row_count, sha256), lateral (
        select count(*) as row_count, sha256(string_agg(int8send(digest), '' order by path)) as sha256
        from (select path, digest, seen_at from ${spectra}
          where path between given.first_path and given.last_path limit given.row_count + 1) stretch
        where seen_at >= ${lastScan}) known
      where (known.row_count = given.row_count and known.sha256 = given.sha256) is not true limit 1`);
    return result.rowCount === 0;
  }

  /** Asked then, with two columns of the 32: what is there unchanged is neither sent nor written. */
  async function areThere(group: EncodedRows[]): Promise<boolean> {
    const result = await db.execute(sql`
      select from (select ${columnOf(group, PATH)}, ${columnOf(group, DIGEST)}) given
      where ${isThere} is not true limit 1`);
    return result.rowCount === 0;
  }

  /**
   * Adds or replaces rows, in batches of a CatalogueEncoder, in one transaction; meant for some 1,000-4,000 rows. Of
   * two with one path the last counts. Rows that are there unchanged are not written.
   */
  async function upsertEncoded(batches: readonly Uint8Array[]): Promise<void> {
    const encoded = batches.map(takeApart);
    if (await areStretches(encoded)) return;
    const groups = groupsOfDistinctPaths(encoded);
    let areAllThere = true;
    for (const group of groups) areAllThere &&= await areThere(group);
    if (areAllThere) return;
    await db.transaction(async (tx) => {
      // What a crash could lose can be read from the files again.
      await tx.execute(sql`set local synchronous_commit = off`);
      // All groups: of a path in two of them the last counts, though it be the one that is there already.
      for (const group of groups) {
        const columns = ENCODED_COLUMNS.map((_, index) => columnOf(group, index));
        await tx.execute(sql`
          insert into ${spectra} (${columnList})
          select ${columnList} from (select ${sql.join(columns, sql`, `)}) given
          where ${isThere} is not true
          on conflict (path) do update set ${overwriting}, seen_at = now()`);
      }
    });
  }

  return {
    /** Adds rows, or replaces those of the same path; of two with one path the last counts. */
    upsertMany(rows: readonly CatalogueRow[]): Promise<void> {
      return upsertEncoded([encodeRows(rows)]);
    },

    upsertEncoded,

    /** The paths of files that the catalogue does not have with this size and time. Writes nothing. */
    async missing(files: readonly CataloguedFile[]): Promise<Set<string>> {
      const absent = new Set<string>();
      for (let start = 0; start < files.length; start += ROWS_AT_ONCE) {
        const result = await db.execute<{ path: string }>(sql`
          select given.path from ${givenFiles(files.slice(start, start + ROWS_AT_ONCE))}
          where (select known.size = given.size and known.modified_at = given.modified_at
            from ${spectra} known where known.path = given.path) is not true`);
        for (const row of result.rows) absent.add(row.path);
      }
      return absent;
    },

    /**
     * The path that a name means: an archive path, else a file name or FILENAME card, each with or without
     * `.gz`. Of several the one of exactly this file name, then the first by path.
     */
    async find(name: string): Promise<CatalogueRow | undefined> {
      const key = nameKey(name);
      const [row] = await db
        .select()
        .from(spectra)
        .where(
          sql`${spectra.path} = ${name} or ${spectra.filenameKey} = ${key} or ${spectra.headerFilenameKey} = ${key}`,
        )
        .orderBy(
          sql`${spectra.path} = ${name} desc`,
          sql`${spectra.filename} = ${name} desc`,
          sql`${spectra.filenameKey} = ${key} desc`,
          sql`${spectra.path} collate "C"`,
        )
        .limit(1);
      return row;
    },

    /** A page of the readable spectra, and how many there are in all; nulls come last. */
    async list(
      query: CatalogueSelection & { limit: number },
    ): Promise<{ total: number; rows: CatalogueRow[] }> {
      const where = selected(query);
      const total = await db.$count(spectra, where);
      const rows = await db
        .select()
        .from(spectra)
        .where(where)
        .orderBy(...inOrder(query.sort))
        .offset(query.offset)
        .limit(query.limit);
      return { total, rows };
    },

    /**
     * The readable spectra that `list` would page through, all of them where there is no limit, in memory a few at a time.
     * @param consume gets a function that begins with the first row again at each call: the same rows each time
     */
    stream<T>(
      query: CatalogueSelection & { limit?: number },
      consume: (rows: () => AsyncIterable<ListedSpectrum>) => AsyncIterable<T>,
    ): AsyncGenerator<T> {
      const limit = query.limit === undefined ? sql`` : sql` limit ${query.limit}`;
      const select = sql`select ${LISTED_COLUMNS} from ${spectra} where ${selected(query)}
        order by ${sql.join(inOrder(query.sort), sql`, `)} offset ${query.offset}${limit}`;
      return inSnapshot((rows) => consume(() => listed(rows(select))));
    },

    async removePath(path: string): Promise<void> {
      await db.delete(spectra).where(sql`${spectra.path} = ${path}`);
    },

    async removeDirectory(directory: string): Promise<void> {
      await db.delete(spectra).where(below(directory));
    },

    /** Asks for a scan of a directory (a `data_dir_path`). Returns the id of its workflow; one at a time runs. */
    async requestScan(dir: string): Promise<string> {
      await db.transaction((tx) =>
        addToOutbox(tx, SCAN_WORKFLOW_ID, {
          command: 'start',
          payload: { workflow: 'scanArchive', taskQueue: TASK_QUEUES.control, input: { dir } },
        }),
      );
      return SCAN_WORKFLOW_ID;
    },

    /** The database's clock when a scan begins, for removeMissing. From now on every upsert marks its rows as seen. */
    async beginScan(): Promise<Date> {
      const result = await db.execute<{ now: number }>(sql`
        insert into ${catalogueScan} (id, begun_at)
        values (1, date_trunc('milliseconds', clock_timestamp()))
        on conflict (id) do update set begun_at = excluded.begun_at
        returning (extract(epoch from begun_at) * 1000)::float8 as now`);
      const now = result.rows[0]?.now;
      if (now === undefined) throw new Error('the database told no time');
      return new Date(now);
    },

    /** Marks the files that are catalogued with this size and time as seen. Returns their paths; the others are to be read. */
    async confirmUnchanged(files: readonly CataloguedFile[]): Promise<Set<string>> {
      const confirmed = new Set<string>();
      for (let start = 0; start < files.length; start += ROWS_AT_ONCE) {
        const result = await db.execute<{ path: string }>(sql`
          update ${spectra} known set seen_at = now()
          from ${givenFiles(files.slice(start, start + ROWS_AT_ONCE))}
          where known.path = given.path and known.size = given.size and known.modified_at = given.modified_at
          returning known.path`);
        for (const row of result.rows) confirmed.add(row.path);
      }
      return confirmed;
    },

    /** Deletes the rows below a directory that were neither added nor confirmed since `begunAt` (of beginScan). */
    async removeMissing(directory: string, begunAt: Date): Promise<number> {
      const result = await db.delete(spectra).where(and(below(directory), lt(spectra.seenAt, begunAt)));
      return result.rowCount ?? 0;
    },
  };
}
