import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorkerTensorflow } from '../contracts/system.ts';
import { hasNvidiaDriver, nativeBackends } from '../deploy/tensorflow/backends.ts';
import { tensorflowDirectory } from '../deploy/tensorflow/set-up-tensorflow.ts';
import {
  findTensorflow,
  startTensorflowSetup,
  type TensorflowFound,
  type TensorflowSetupOptions,
} from './tensorflow-setup.ts';

let cache: string;
let recorded: WorkerTensorflow[];
let logged: string[];
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'cache of a test '));
  recorded = [];
  logged = [];
});
afterEach(() => rm(cache, { recursive: true, force: true }));

const native: TensorflowFound = { backend: 'tfjs-node', version: '2.15.1', threads: 2 };
const slow: TensorflowFound = { backend: 'javascript', version: '4.22.0', threads: 1, note: 'slow' };
const LEVELS: Readonly<Record<number, string>> = { 30: 'info', 40: 'warn' };

function start(options: Partial<TensorflowSetupOptions>) {
  const log = pino(
    {},
    {
      write: (line: string) => {
        const { level, msg } = JSON.parse(line) as { level: number; msg: string };
        logged.push(`${LEVELS[level] ?? level} ${msg}`);
      },
    },
  );
  return startTensorflowSetup({
    backends: {
      upsert: (identity, tensorflow) => {
        expect(identity).toBe('1@here');
        recorded.push(tensorflow);
        return Promise.resolve();
      },
    },
    identity: '1@here',
    mode: 'auto',
    log,
    started: Promise.resolve(),
    cache,
    setUp: () => Promise.reject(new Error('nothing is to be fetched here')),
    find: () => Promise.resolve(native),
    ...options,
  });
}

/** The best backend of this machine, as if it lay in the cache. */
async function putIntoCache(): Promise<void> {
  const [best = 'tfjs-node'] = nativeBackends(await hasNvidiaDriver());
  const directory = tensorflowDirectory(best, cache);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'library'), '12');
  const files = [{ path: 'library', bytes: 2, sha256: '' }];
  const description = { source: 'wheel', tensorflow: '2.15.1', files };
  await writeFile(join(directory, 'installation.json'), JSON.stringify(description));
}

describe('the set-up of TensorFlow in a worker', () => {
  it('fetches what is absent, once the worker has started, then says what there is', async () => {
    const steps: string[] = [];
    let begin = () => {};
    const started = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const { ready } = start({
      started,
      setUp: ({ say, cache: into }) => {
        expect(into).toBe(cache);
        say('fetching');
        steps.push(`set up after ${recorded.map(({ state }) => state).join()}`);
        return Promise.resolve();
      },
      find: (_, from) => {
        expect(from).toBe(cache);
        steps.push('find');
        return Promise.resolve(native);
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect({ recorded, steps }).toEqual({ recorded: [], steps: [] });
    begin();
    await ready;
    expect(steps).toEqual(['set up after setting up', 'find']);
    expect(recorded).toEqual([{ state: 'setting up' }, { state: 'ready', ...native }]);
    expect(logged).toEqual(['info fetching', 'info TensorFlow is ready']);
  });

  it('fetches nothing that is there', async () => {
    await putIntoCache();
    await start({}).ready;
    expect(recorded.at(-1)).toEqual({ state: 'ready', ...native });
  });

  it('fetches nothing where it is switched off, and warns of JavaScript', async () => {
    await start({ mode: 'never', find: () => Promise.resolve(slow) }).ready;
    expect(recorded.at(-1)).toEqual({ state: 'ready', ...slow });
    expect(logged).toEqual(['warn TensorFlow is ready in JavaScript alone, which is slow']);
  });

  it('records why it failed and what there is all the same', async () => {
    await start({
      setUp: () => Promise.reject(new Error('no network')),
      find: () => Promise.resolve(slow),
    }).ready;
    expect(recorded.at(-1)).toEqual({ ...slow, state: 'failed', note: 'no network; slow' });
    expect(logged).toEqual([expect.stringContaining('warn TensorFlow could not be set up')]);
  });

  it('records that TensorFlow cannot even be tried', async () => {
    const probe = join(cache, 'probe.cjs');
    await writeFile(probe, `process.kill(process.pid, 'SIGKILL')`);
    await start({ mode: 'never', find: (signal) => findTensorflow(signal, cache, probe) }).ready;
    expect(recorded.at(-1)).toMatchObject({ state: 'failed' });
    expect(recorded.at(-1)?.note).toContain('ended by SIGKILL');
  });

  it('goes on where the database is away', async () => {
    const { ready } = start({ backends: { upsert: () => Promise.reject(new Error('no database')) } });
    await ready;
    expect(logged).toContain('warn which TensorFlow there is could not be recorded');
  });

  it.each(['before the worker has started', 'while it fetches'])('is given up %s', async (when) => {
    let fetching = () => {};
    const isFetching = new Promise<void>((resolve) => {
      fetching = resolve;
    });
    const { close, ready } = start({
      ...(when === 'while it fetches' ? {} : { started: new Promise(() => undefined) }),
      setUp: ({ signal }) =>
        new Promise((_, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('given up')));
          fetching();
        }),
    });
    if (when === 'while it fetches') await isFetching;
    await close();
    await ready;
    expect(recorded).toEqual(when === 'while it fetches' ? [{ state: 'setting up' }] : []);
    expect(logged).toEqual([]);
  });
});

describe('finding TensorFlow', () => {
  const say = async (program: string) => {
    const probe = join(cache, 'probe.cjs');
    await writeFile(probe, program);
    return findTensorflow(new AbortController().signal, 'a cache', probe);
  };

  it('reads the last line of the process that tried it', async () => {
    const program = `console.log('chatter'); console.log(JSON.stringify({
      backend: 'tfjs-node', version: process.argv[2], threads: 2, note: process.env.TF_FORCE_GPU_ALLOW_GROWTH }))`;
    expect(await say(program)).toEqual({
      backend: 'tfjs-node',
      version: 'a cache',
      threads: 2,
      note: 'true',
    });
  });

  it('refuses an answer that is none', async () => {
    await expect(say('console.log(JSON.stringify({ backend: "abacus" }))')).rejects.toThrow('backend');
    await expect(say('console.error("no memory"); process.exit(3)')).rejects.toThrow('ended: no memory');
  });
});
