import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Environment } from '../contracts/environment.ts';
import { WorkerTensorflow } from '../contracts/system.ts';
import type { WorkerBackendsRepository } from '../db/repositories/worker-backends.ts';
import { reasonOf, within } from '../deploy/embedded/downloads.ts';
import { messageOf } from '../deploy/embedded/process.ts';
import { hasNvidiaDriver, nativeBackends } from '../deploy/tensorflow/backends.ts';
import { findInstallation } from '../deploy/tensorflow/installation.ts';
import {
  setUpTensorflow,
  tensorflowDirectory,
  type SetUpOptions,
} from '../deploy/tensorflow/set-up-tensorflow.ts';

/** What a process that loaded TensorFlow says of it. */
const TensorflowFound = WorkerTensorflow.omit({ state: true }).required({
  backend: true,
  version: true,
  threads: true,
});
export type TensorflowFound = z.infer<typeof TensorflowFound>;

export interface TensorflowSetupOptions {
  /** Where it is recorded. */
  backends: Pick<WorkerBackendsRepository, 'upsert'>;
  /** Of this worker process in Temporal. */
  identity: string;
  /** `never`: what lies in the cache is used, nothing is fetched. */
  mode: Environment['TENSORFLOW_SETUP'];
  log: Logger;
  /** Nothing begins before: the set-up takes processor and network, and must not delay the worker. */
  started: Promise<void>;
  /** The project's cache of fetched programs. */
  cache?: string;
  /** Stand-ins for tests. */
  setUp?: (options: SetUpOptions) => Promise<unknown>;
  find?: (signal: AbortSignal, cache?: string) => Promise<TensorflowFound>;
}

export interface TensorflowSetup {
  /** Resolves once it is known which TensorFlow there is, or that there is none; never rejects. */
  ready: Promise<void>;
  /** Gives a set-up under way up. */
  close(): Promise<void>;
}

/** On a GPU newer than the CUDA build its first use compiles for minutes. */
const PROBE_MILLISECONDS = 10 * 60_000;
/** Far more often than the records of workers that are gone are deleted. */
const RENEWAL_MILLISECONDS = 3_600_000;

/**
 * Sets native TensorFlow up in the background where it is absent, finds out which TensorFlow trainings of this worker
 * get, and records it for `/api/workers`. Whatever goes wrong is recorded and logged; the worker goes on.
 */
export function startTensorflowSetup(options: TensorflowSetupOptions): TensorflowSetup {
  const { backends, identity, log, started } = options;
  const closing = new AbortController();
  const { signal } = closing;
  let current: WorkerTensorflow = { state: 'setting up' };

  async function record(): Promise<void> {
    try {
      await backends.upsert(identity, current);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'which TensorFlow there is could not be recorded');
    }
  }

  async function run(): Promise<void> {
    await Promise.race([started, aborted(signal)]);
    signal.throwIfAborted();
    await record();
    try {
      current = await determine(options, signal);
    } catch (error) {
      signal.throwIfAborted();
      current = { state: 'failed', note: messageOf(error) };
    }
    await record();
    const { state, ...found } = current;
    if (state === 'ready' && found.backend !== 'javascript') log.info(found, 'TensorFlow is ready');
    else if (state === 'ready') log.warn(found, 'TensorFlow is ready in JavaScript alone, which is slow');
    else
      log.warn(found, 'TensorFlow could not be set up; everything but training and scoring runs without it');
  }

  const ready = run().catch((error: unknown) => {
    if (!signal.aborted) log.warn({ err: error }, 'the set-up of TensorFlow ended');
  });
  let renewed = Promise.resolve();
  const renewal = setInterval(() => {
    renewed = record();
  }, RENEWAL_MILLISECONDS);
  renewal.unref();
  return {
    ready,
    close: async () => {
      clearInterval(renewal);
      closing.abort(new Error('the worker ends'));
      await ready;
      await renewed;
    },
  };
}

/** @throws Error where TensorFlow could not even be tried */
async function determine(options: TensorflowSetupOptions, signal: AbortSignal): Promise<WorkerTensorflow> {
  const { mode, log, cache, setUp = setUpTensorflow, find = findTensorflow } = options;
  let failure: string | undefined;
  if (mode === 'auto' && !(await isBestSetUp(cache))) {
    try {
      await setUp({ say: (message) => log.info(message), signal, cache });
    } catch (error) {
      signal.throwIfAborted();
      failure = messageOf(error);
    }
  }
  const found = await find(signal, cache);
  if (failure === undefined) return { state: 'ready', ...found };
  return { state: 'failed', ...found, note: [failure, found.note].filter(Boolean).join('; ') };
}

/** Is the best of this machine's native backends in the cache? */
async function isBestSetUp(cache: string | undefined): Promise<boolean> {
  const [best] = nativeBackends(await hasNvidiaDriver());
  return best !== undefined && (await findInstallation(tensorflowDirectory(best, cache))) !== undefined;
}

/**
 * Which TensorFlow a training gets here, found out by a process that loads it and ends.
 * @throws Error with that process' last words where it died
 */
export async function findTensorflow(
  signal: AbortSignal,
  cache?: string,
  probe = fileURLToPath(new URL('./tensorflow-probe.js', import.meta.url)),
): Promise<TensorflowFound> {
  const args = [probe, ...(cache === undefined ? [] : [cache])];
  let stdout: string;
  try {
    ({ stdout } = await promisify(execFile)(process.execPath, args, {
      signal: within(PROBE_MILLISECONDS, signal),
      // On a GPU TensorFlow takes all memory otherwise, and a training may be running.
      env: { ...process.env, TF_FORCE_GPU_ALLOW_GROWTH: 'true' },
    }));
  } catch (error) {
    const death =
      error instanceof Error && 'signal' in error && error.signal ? ` by ${String(error.signal)}` : '';
    throw new Error(`the process that loads TensorFlow ended${death}: ${reasonOf(error)}`, { cause: error });
  }
  return TensorflowFound.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
