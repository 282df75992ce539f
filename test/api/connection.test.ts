import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Connection, connect } from '../../db/connection.ts';
import { startPostgres } from '../../deploy/embedded/postgres.ts';

let base: string;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let connection: Connection;
let other: Connection;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), 'connection of a test '));
  postgres = await startPostgres({ dataDir: join(base, 'postgres'), logFile: join(base, 'postgres.log') });
  connection = connect(postgres.url);
  other = connect(postgres.url);
});
afterAll(async () => {
  await connection.close();
  await other.close();
  await postgres.stop();
  rmSync(base, { recursive: true, force: true });
});

it('a connection that ends in a transaction fails it, and neither the process nor the next query', async () => {
  // An error that nobody listens for ends the run of the tests.
  const broken = connection.db.transaction(async (tx) => {
    const { rows } = await tx.execute(sql`select pg_backend_pid() as pid`);
    await other.db.execute(sql`select pg_terminate_backend(${rows[0]?.['pid']}::int)`);
    await delay(200);
    await tx.execute(sql`select 1`);
  });
  await expect(broken).rejects.toThrow();
  expect((await connection.db.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }]);
});
