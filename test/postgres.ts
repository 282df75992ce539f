import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { migrateDatabase } from '../db/migrate.ts';
import { startPostgres } from '../deploy/embedded/postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Of a database with all migrations, which nobody is connected to: the template of those that tests make. */
    databaseUrl: string;
  }
}

/** Of a PostgreSQL for several files at once, whose data nobody needs after a crash. */
const SETTINGS = { max_connections: '300', fsync: 'off', full_page_writes: 'off' };

/** One PostgreSQL for the test files that need no more than a database of their own; to start one takes seconds. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const base = await mkdtemp(join(tmpdir(), 'postgres of tests '));
  const start = () => startPostgres({ dataDir: join(base, 'postgres'), logFile: join(base, 'postgres.log') });
  const first = await start();
  const client = new Client({ connectionString: first.url });
  await client.connect();
  for (const [name, value] of Object.entries(SETTINGS))
    await client.query(`alter system set ${name} = ${value}`);
  await client.end();
  await first.stop();
  const postgres = await start();
  await migrateDatabase(postgres.url);
  project.provide('databaseUrl', postgres.url);
  return async () => {
    await postgres.stop();
    await rm(base, { recursive: true, force: true });
  };
}
