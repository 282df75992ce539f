import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../db/connection.ts';
import { migrateDatabase } from '../../db/migrate.ts';
import { startPostgres } from '../../deploy/embedded/postgres.ts';

let base: string;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'migrations of a test '));
  postgres = await startPostgres({ dataDir: join(base, 'postgres'), logFile: join(base, 'postgres.log') });
});
afterAll(async () => {
  await postgres.stop();
  await rm(base, { recursive: true, force: true });
});

it('migrates a database once, however many processes do it at the same time', async () => {
  await Promise.all(Array.from({ length: 4 }, () => migrateDatabase(postgres.url)));
  const { db, close } = connect(postgres.url);
  const { rows } = await db.execute(
    sql`select count(*)::int as all, count(distinct hash)::int as different from drizzle.__drizzle_migrations`,
  );
  await close();
  expect(rows).toHaveLength(1);
  expect(rows[0]?.['all']).toBe(rows[0]?.['different']);
  expect(rows[0]?.['all']).toBeGreaterThan(1);
});
