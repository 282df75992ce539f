import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateDatabase } from '../../db/migrate.ts';
import { takeDataDirectory, type DataDirectory, type PartName, type Services } from './data-directory.ts';
import { type Say } from './downloads.ts';
import { packageRoot } from '../../storage/package-root.ts';
import { freePort, isPortFree } from './port.ts';
import { POSTGRES_SHUTDOWN, startPostgres } from './postgres.ts';
import { logTail, messageOf, startProcess, type Exit, type Ladder, type ManagedProcess } from './process.ts';
import { loadSamples, startScan, submitSampleJob } from './samples.ts';
import { findTemporal } from './temporal-binaries.ts';
import { registerSearchAttributes } from '../services/temporal-namespace.ts';
import { startTemporal, TEMPORAL_SHUTDOWN } from './temporal.ts';

/** Where the stores are, as far as they are not in the data directory, and what opens them. */
export type StoreVariables = Partial<Pick<Services, 'OBJECTS_URL' | 'FILES_URL' | S3Variable>>;
type S3Variable =
  'S3_ENDPOINT' | 'S3_REGION' | 'S3_DOWNLOAD_ENDPOINT' | 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY';

export interface StackOptions {
  /** Directory of all state. */
  data: string;
  /** Of dashboard and API; 0 takes a free one. */
  port: number;
  /** Address to bind; `readEnvironment` refuses all but this machine's own. */
  host?: string;
  /** An existing archive, a directory or `s3://bucket/prefix`, used in place and read-only. */
  spectra?: string;
  /** Load no samples into a new data directory. */
  empty?: boolean;
  /** No web UI of Temporal. */
  headless?: boolean;
  /** Services that exist, used instead of ours. */
  databaseUrl?: string;
  stores?: StoreVariables;
  temporalAddress?: string;
  /** Ports of our own services; free ones when absent, Temporal's UI at 10001 if free. */
  postgresPort?: number;
  temporalPort?: number;
  temporalUiPort?: number;
  say: Say;
  /** Aborted by Ctrl-C: a start under way is given up and undone in order. */
  signal?: AbortSignal;
  /** Aborted by a second Ctrl-C: stopping does not wait. What the databases have acknowledged is on disk. */
  forceSignal?: AbortSignal;
}

export interface Stack {
  /** Of dashboard and API. */
  url: string;
  temporalUrl: string | undefined;
  dataDirectory: string;
  /** Process ids of the running parts, as they are now. */
  pids(): Partial<Record<PartName, number>>;
  /** Stops API, workers, Temporal, PostgreSQL, in this order, and gives the data directory free. */
  stop(): Promise<void>;
  /** Rejects when a part cannot be brought back. */
  failed: Promise<never>;
}

const DEFAULT_UI_PORT = 10001;
const READY_SECONDS = 120;
const LADDERS: Record<PartName, Ladder> = {
  API: [['SIGTERM', 10]],
  'control worker': [['SIGTERM', 25]],
  'cpu worker': [['SIGTERM', 25]],
  Temporal: TEMPORAL_SHUTDOWN,
  PostgreSQL: POSTGRES_SHUTDOWN,
};
/** Parts of one step are stopped together. */
const STOP_ORDER: readonly (readonly PartName[])[] = [
  ['API'],
  ['control worker', 'cpu worker'],
  ['Temporal'],
  ['PostgreSQL'],
];
/** A part that dies is started again, each time a little later, until it has died so often in a row. */
const MAX_DEATHS_IN_A_ROW = 8;
const LONGEST_PAUSE_MILLISECONDS = 15_000;
/** A part that fails at its start dies sooner than this. */
const STABLE_MILLISECONDS = 5_000;

/**
 * Starts everything on this machine: PostgreSQL, Temporal, migrations, API and workers, each in a process group of its
 * own and supervised. What a killed start left running is ended first. Resolves once `/api/ready` answers 200.
 * @throws DataDirectoryInUse; Error with what to do about it. Nothing keeps running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { say, signal } = options;
  const directory = await takeDataDirectory(options.data);
  const parts = new Supervisor(directory, say);
  options.forceSignal?.addEventListener('abort', () => parts.force(), { once: true });
  try {
    const orphans = await directory.endOrphans(LADDERS);
    if (orphans.length > 0) say(`Ended what an earlier start had left running: ${orphans.join(', ')}.`);
    signal?.throwIfAborted();

    const host = options.host ?? '127.0.0.1';
    const port = await choosePort(options.port, host);
    const isOwnArchive = options.spectra === undefined && options.stores?.FILES_URL === undefined;
    const hasSampleJob = await loadSamples(directory, !options.empty && isOwnArchive);

    const databaseUrl = options.databaseUrl ?? (await launchPostgres(parts, directory, options));
    signal?.throwIfAborted();
    const temporal =
      options.temporalAddress === undefined
        ? await launchTemporal(parts, directory, options)
        : await useTemporal(options.temporalAddress);
    signal?.throwIfAborted();
    await migrate(databaseUrl, options);
    signal?.throwIfAborted();

    const services = {
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporal.address,
      FILES_URL: directory.files,
      TEMP_DIR: directory.temp,
      OBJECTS_URL: directory.objects,
      ...options.stores,
      SPECTRA_URL: options.spectra,
      TEMPORAL_UI_URL: temporal.uiUrl,
      HOST: host,
      PORT: String(port),
    };
    directory.shareServices(services);
    const environment = { ...process.env, ...WORKER_ENVIRONMENT, ...services };
    const metrics = metricsAddresses(process.env['METRICS_ADDRESS']);
    for (const [name, entry, extra] of [
      ['API', 'api/server.js', {}],
      ['control worker', 'workers/control.js', { METRICS_ADDRESS: metrics.control }],
      ['cpu worker', 'workers/cpu.js', { METRICS_ADDRESS: metrics.cpu }],
    ] as const) {
      await parts.launch(name, (record) =>
        startProcess({
          name,
          command: process.execPath,
          args: ['--enable-source-maps', compiled(entry)],
          env: { ...environment, ...extra },
          logFile: directory.log(name),
          cwd: directory.root,
          onSpawn: record,
        }),
      );
    }
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
    directory.announce(url);
    await Promise.race([untilReady(url, directory, signal), parts.failed]);
    if (hasSampleJob) await submitSampleJob(directory, url);
    else await scan(url, say);
    return {
      url,
      temporalUrl: temporal.uiUrl,
      dataDirectory: directory.root,
      pids: () => parts.pids(),
      stop: () => parts.stop(),
      failed: parts.failed,
    };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

/** Starts one part, at first and again; `record` takes its pid as soon as there is one. */
type Start = (record: ManagedProcessRecorder) => Promise<ManagedProcess>;
type ManagedProcessRecorder = (identity: ManagedProcess['identity']) => void;

/** Keeps the parts running until it is told to stop them. */
class Supervisor {
  readonly failed: Promise<never>;
  readonly #directory: DataDirectory;
  readonly #say: Say;
  readonly #running = new Map<PartName, ManagedProcess>();
  /** Restarts under way: stopping waits for them, or a part could start after it. */
  readonly #restarts = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #fail: (error: Error) => void = () => undefined;
  #stopped: Promise<void> | undefined;
  #forced = false;

  constructor(directory: DataDirectory, say: Say) {
    this.#directory = directory;
    this.#say = say;
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    // Who waits for it hears of it; that nobody waits yet must not end the process.
    this.failed.catch(() => undefined);
  }

  async launch(name: PartName, start: Start): Promise<void> {
    await this.#start(name, start);
    const restarts = this.#supervise(name, start).catch((error: unknown) => {
      this.#fail(new Error(`${name}: ${messageOf(error)}`, { cause: error }));
    });
    this.#restarts.add(restarts);
  }

  pids(): Partial<Record<PartName, number>> {
    return Object.fromEntries([...this.#running].map(([name, { identity }]) => [name, identity.pid]));
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopInOrder();
    return this.#stopped;
  }

  force(): void {
    this.#forced = true;
    for (const [name, part] of this.#running) void part.stop(forcedLadder(name));
  }

  async #stopInOrder(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#restarts);
    for (const names of STOP_ORDER) {
      await Promise.all(
        names.map(async (name) => {
          await this.#running.get(name)?.stop(this.#forced ? forcedLadder(name) : LADDERS[name]);
        }),
      );
    }
    this.#directory.release();
  }

  async #start(name: PartName, start: Start): Promise<ManagedProcess> {
    const part = await start((identity) => {
      this.#directory.record(name, identity);
    });
    this.#running.set(name, part);
    return part;
  }

  async #supervise(name: PartName, start: Start): Promise<void> {
    const stopping = this.#stopping.signal;
    const stopped = new Promise<'stopping'>((resolve) => {
      stopping.addEventListener('abort', () => resolve('stopping'), { once: true });
    });
    let deaths = 0;
    let since = Date.now();
    for (;;) {
      const part = this.#running.get(name);
      if (part === undefined) return;
      const end = await Promise.race([part.exited.then(describe), stopped]);
      if (stopping.aborted) return;
      deaths = Date.now() - since > STABLE_MILLISECONDS ? 1 : deaths + 1;
      if (deaths > MAX_DEATHS_IN_A_ROW) {
        const log = this.#directory.log(name);
        throw new Error(
          `it ended ${deaths} times in a row (${end}).\n${await logTail(log)}\n(whole log: ${log})`,
        );
      }
      this.#say(`${name} ended (${end}); it is started again.`);
      await Promise.race([sleep(Math.min(LONGEST_PAUSE_MILLISECONDS, 250 * 2 ** (deaths - 1))), stopped]);
      if (stopping.aborted) return;
      since = Date.now();
      try {
        await this.#start(name, start);
        this.#say(`${name} runs again.`);
      } catch (error) {
        // The dead process stays in the list, so that the next round counts one more death.
        this.#say(`${name} could not be started again: ${messageOf(error)}`);
      }
    }
  }
}

function forcedLadder(name: PartName): Ladder {
  return name === 'PostgreSQL' ? [['SIGQUIT', 5]] : [['SIGKILL', 5]];
}

function describe({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`;
}

/** For every process of ours. */
export const WORKER_ENVIRONMENT = {
  NODE_ENV: 'production',
  // Files are read ahead on these threads, which wait for a disk most of the time.
  UV_THREADPOOL_SIZE: '16',
};

/** Path of a compiled entry point: the children run from dist/, also where this file itself is the source (tests). */
function compiled(entry: string): string {
  return join(packageRoot(), 'dist', entry);
}

/** Of workers on the same machine: the control worker has the port that is named, the cpu worker the one above. */
function metricsAddresses(address: string | undefined): { control?: string; cpu?: string } {
  const [, host, port] = /^(.+):(\d+)$/.exec(address ?? '') ?? [];
  if (port === undefined) return { control: address, cpu: address };
  return { control: address, cpu: `${host}:${Number(port) + 1}` };
}

async function choosePort(port: number, host: string): Promise<number> {
  if (port === 0) return freePort();
  if (await isPortFree(port, host)) return port;
  throw new Error(
    `Port ${port} of ${host} is taken by another program (ss -ltnp "sport = :${port}" tells which). Stop it, or take another port: npm start -- --port ${port + 10}`,
  );
}

/** It keeps its port when it is started again: the others know its address. */
async function launchPostgres(
  parts: Supervisor,
  directory: DataDirectory,
  options: StackOptions,
): Promise<string> {
  let port = options.postgresPort;
  let url = '';
  await parts.launch('PostgreSQL', async (onSpawn) => {
    const logFile = directory.log('PostgreSQL');
    const postgres = await startPostgres({ dataDir: directory.postgres, port, logFile, onSpawn });
    ({ port, url } = postgres);
    return postgres.process;
  });
  return url;
}

interface TemporalPlace {
  address: string;
  uiUrl: string | undefined;
}

async function launchTemporal(
  parts: Supervisor,
  directory: DataDirectory,
  { say, signal, headless, temporalPort, temporalUiPort }: StackOptions,
): Promise<TemporalPlace> {
  const executable = await findTemporal(say, signal);
  const port = temporalPort ?? (await freePort());
  let uiPort: number | 'none' = headless
    ? 'none'
    : (temporalUiPort ?? (await preferredPort(DEFAULT_UI_PORT)));
  let place: TemporalPlace = { address: '', uiUrl: undefined };
  await parts.launch('Temporal', async (onSpawn) => {
    const databaseFile = directory.temporalDatabase;
    const logFile = directory.log('Temporal');
    const start = () => startTemporal({ executable, databaseFile, logFile, port, uiPort, onSpawn });
    const temporal = await start().catch(async (error: unknown) => {
      // Another stack, started at the same moment, took the port that was free when we looked.
      if (uiPort === 'none' || temporalUiPort !== undefined || (await isPortFree(uiPort))) throw error;
      uiPort = await freePort();
      return start();
    });
    place = { address: temporal.address, uiUrl: temporal.uiUrl };
    return temporal.process;
  });
  return place;
}

async function useTemporal(address: string): Promise<TemporalPlace> {
  try {
    await registerSearchAttributes(address);
  } catch (error) {
    throw new Error(`Temporal at ${address} (TEMPORAL_ADDRESS) cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return { address, uiUrl: process.env['TEMPORAL_UI_URL'] };
}

/** The URL holds a password: it stays out of the message. */
async function migrate(url: string, { databaseUrl }: StackOptions): Promise<void> {
  try {
    await migrateDatabase(url);
  } catch (error) {
    const which = databaseUrl === undefined ? 'The database' : 'The database of DATABASE_URL';
    throw new Error(`${which} cannot be used: ${messageOf(error)}`, { cause: error });
  }
}

async function preferredPort(port: number): Promise<number> {
  return (await isPortFree(port)) ? port : freePort();
}

async function untilReady(url: string, directory: DataDirectory, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + READY_SECONDS * 1000;
  for (;;) {
    signal?.throwIfAborted();
    const missing = await readiness(url);
    if (missing === undefined) return;
    if (Date.now() > deadline) {
      const log = directory.log('API');
      throw new Error(
        `${url}/api/ready was not ready within ${READY_SECONDS} s: ${missing}\n${await logTail(log)}\n(logs: ${directory.root}/logs)`,
      );
    }
    await sleep(100);
  }
}

/** undefined once ready, else what the API said. */
async function readiness(url: string): Promise<string | undefined> {
  try {
    const answer = await fetch(`${url}/api/ready`, { signal: AbortSignal.timeout(5000) });
    const text = await answer.text();
    return answer.ok ? undefined : text;
  } catch (error) {
    // Not listening yet.
    return error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
  }
}

/** A catalogue that is a little behind is no reason not to start. */
async function scan(url: string, say: Say): Promise<void> {
  try {
    await startScan(url);
  } catch (error) {
    say(`The archive could not be scanned: ${messageOf(error)}`);
  }
}
