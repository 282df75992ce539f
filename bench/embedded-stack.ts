import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { PartName } from '../deploy/embedded/data-directory.ts';
import { packageRoot } from '../storage/package-root.ts';
import { freePort } from '../deploy/embedded/port.ts';
import { ProcessIdentity } from '../deploy/embedded/process.ts';

const Recorded = z.record(PartName, ProcessIdentity);

/** Everything, as `npm start` runs it, for as long as a benchmark lasts. */
export interface RunningStack {
  apiUrl: string;
  temporalAddress: string;
  /** Root of the file store. */
  filesDirectory: string;
  /** Process ids of the parts, as they are now. */
  pids(): Promise<Record<PartName, number>>;
  /** Rejects when it ends without having been told to. */
  failed: Promise<never>;
  stop(): Promise<void>;
}

/**
 * Starts the stack on a data directory, with an archive, the way a user does; resolves once it is ready.
 * @throws Error with what it said where it does not come up
 */
export async function startStack(options: {
  data: string;
  spectra: string;
  signal: AbortSignal;
}): Promise<RunningStack> {
  const { data, spectra, signal } = options;
  const ports = { api: await freePort(), temporal: await freePort(), ui: await freePort() };
  const child = spawn(
    process.execPath,
    [
      join(packageRoot(), 'bin', 'spectrolabe.mjs'),
      'up',
      ...['--data', data, '--spectra', spectra, '--port', String(ports.api)],
      ...['--temporal-port', String(ports.temporal), '--temporal-ui-port', String(ports.ui)],
    ],
    {
      // A process group of its own: on Ctrl-C it is we who stop it, once.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      // A set-up in the background would be measured too.
      env: {
        ...process.env,
        DATABASE_URL: undefined,
        TEMPORAL_ADDRESS: undefined,
        TENSORFLOW_SETUP: 'never',
      },
    },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString()}`.slice(-4000);
  });
  const exited = once(child, 'exit');
  const failed = exited.then(() => {
    throw new Error(`the stack ended by itself:\n${said}`);
  });
  failed.catch(() => undefined); // who waits for it hears of it
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await exited;
  };
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout }))
      if (line.includes('Spectrolabe is ready')) return;
  })();
  try {
    await Promise.race([ready, failed, aborted(signal)]);
  } catch (error) {
    await stop();
    throw error;
  }
  child.stdout.resume();
  return {
    apiUrl: `http://127.0.0.1:${ports.api}`,
    temporalAddress: `127.0.0.1:${ports.temporal}`,
    filesDirectory: join(data, 'files'),
    pids: async () => {
      const recorded = Recorded.parse(JSON.parse(await readFile(join(data, 'processes.json'), 'utf8')));
      return z
        .record(PartName, z.number())
        .parse(Object.fromEntries(Object.entries(recorded).map(([name, { pid }]) => [name, pid])));
    },
    failed,
    stop,
  };
}

/** Rejects with the signal's reason once it is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = (): void => reject(signal.reason);
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}
