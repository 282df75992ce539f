import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NAMESPACE } from '../../contracts/task-queues.ts';
import { prepareNamespace } from '../services/temporal-namespace.ts';
import { freePort } from './port.ts';
import {
  logTail,
  messageOf,
  startProcess,
  type Exit,
  type Ladder,
  type ManagedProcess,
  type ProcessIdentity,
} from './process.ts';

export interface StartTemporalOptions {
  /** Path of the Temporal CLI, see `findTemporal`. */
  executable: string;
  /** One SQLite file holds all of the server's state. */
  databaseFile: string;
  logFile: string;
  /** A free one when absent. */
  port?: number;
  /** A free one when absent; `'none'` starts no web UI. */
  uiPort?: number | 'none';
  onSpawn?: (identity: ProcessIdentity) => void;
}

export interface RunningTemporal {
  /** `127.0.0.1:port` */
  address: string;
  uiUrl: string | undefined;
  process: ManagedProcess;
  stop(): Promise<Exit>;
}

const READY_SECONDS = 60;
export const TEMPORAL_SHUTDOWN: Ladder = [['SIGTERM', 15]];

/**
 * Starts Temporal's own server, with its web UI, on 127.0.0.1; resolves once our namespace is served and prepared.
 * @throws Error with the last lines of its log where it does not come up
 */
export async function startTemporal(options: StartTemporalOptions): Promise<RunningTemporal> {
  const port = options.port ?? (await freePort());
  const uiPort = options.uiPort ?? (await freePort());
  await mkdir(dirname(options.databaseFile), { recursive: true });
  const server = await startProcess({
    name: 'Temporal',
    command: options.executable,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port)],
      ...['--namespace', NAMESPACE, '--db-filename', options.databaseFile, '--log-level', 'warn'],
      // What is acknowledged is on disk; the write-ahead log makes that affordable.
      ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=full'],
      // Tasks come in the order in which they were scheduled, so that a merge can follow the shards. Those of an earlier
      // version may lie in other partitions: all are read.
      ...['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
      ...(uiPort === 'none' ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ],
    // Not our environment: TEMPORAL_* variables and profiles would change what the command does.
    env: {
      PATH: process.env['PATH'],
      HOME: dirname(options.databaseFile),
      TMPDIR: process.env['TMPDIR'],
    },
    cwd: dirname(options.databaseFile),
    logFile: options.logFile,
    onSpawn: options.onSpawn,
  });
  const address = `127.0.0.1:${port}`;
  try {
    await untilServing(server, address);
  } catch (error) {
    await server.stop(TEMPORAL_SHUTDOWN);
    throw new Error(
      `Temporal did not start: ${messageOf(error)}\n${await logTail(options.logFile)}\n(whole log: ${options.logFile})`,
      { cause: error },
    );
  }
  return {
    address,
    uiUrl: uiPort === 'none' ? undefined : `http://127.0.0.1:${uiPort}`,
    process: server,
    stop: () => server.stop(TEMPORAL_SHUTDOWN),
  };
}

async function untilServing(server: ManagedProcess, address: string): Promise<void> {
  const deadline = Date.now() + READY_SECONDS * 1000;
  for (;;) {
    try {
      await prepareNamespace(address);
      return;
    } catch (error) {
      if (server.hasExited()) throw new Error('it ended while starting', { cause: error });
      if (Date.now() > deadline) throw error;
    }
    await Promise.race([server.exited, sleep(100)]);
  }
}
