import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { inject } from 'vitest';
import { startServer } from '../../api/start-server.ts';
import { type Environment, readEnvironment } from '../../contracts/environment.ts';
import { readSecret } from '../../storage/process-environment.ts';
import { connect } from '../../db/connection.ts';
import { createJobsRepository } from '../../db/repositories/jobs.ts';
import { createOutboxRepository } from '../../db/repositories/outbox.ts';

/** Nobody listens there: Temporal is down. */
export const NO_TEMPORAL = '127.0.0.1:1';

/** Runs one statement where the databases of tests are made. */
async function administer(statement: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl('postgres') });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Of another database of the PostgreSQL that all test files share. */
function databaseUrl(name: string): string {
  const url = new URL(inject('databaseUrl'));
  url.pathname = `/${name}`;
  return url.href;
}

/** The whole API on a database and a file store of its own. */
export async function startTestServer(overrides: Partial<Record<keyof Environment, string>> = {}) {
  const base = await mkdtemp(join(tmpdir(), 'api of a test '));
  const database = `test_${randomBytes(6).toString('hex')}`;
  const template = new URL(inject('databaseUrl')).pathname.slice(1);
  await administer(`create database ${database} template ${template}`);
  const url = databaseUrl(database);
  const environment = readEnvironment(
    {
      DATABASE_URL: url,
      TEMPORAL_ADDRESS: NO_TEMPORAL,
      FILES_URL: join(base, 'files'),
      TEMP_DIR: join(base, 'tmp'),
      OBJECTS_URL: join(base, 'objects'),
      PORT: '0',
      ...overrides,
    },
    readSecret,
  );
  const log = pino({ level: 'silent' });
  const { db, pool, close } = connect(url);
  let server = await startServer(environment, log);
  return {
    get origin() {
      return server.url;
    },
    get url() {
      return `${server.url}/api`;
    },
    db,
    pool,
    jobs: createJobsRepository(db),
    outbox: createOutboxRepository(db),
    environment,
    filesDir: environment.FILES_URL,
    /** Stops the API and starts it again, with other settings. */
    async restart(changes: Partial<Environment> = {}) {
      await server.stop();
      server = await startServer({ ...environment, ...changes }, log);
    },
    async close() {
      await server.stop();
      await close();
      await administer(`drop database ${database} with (force)`);
      await rm(base, { recursive: true, force: true });
    },
  };
}

export type TestServer = Awaited<ReturnType<typeof startTestServer>>;

/** An answer, read whole. `body` is undefined where there is none. */
export interface Answer {
  status: number;
  headers: Headers;
  body: unknown;
}

/** Sends a request with an optional JSON body and reads the answer. */
export async function call(
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? undefined : isJson ? (JSON.parse(text) as unknown) : text,
  };
}
