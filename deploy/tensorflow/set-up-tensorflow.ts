import { execFile } from 'node:child_process';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { cacheDirectory } from '../embedded/cache.ts';
import { reasonOf, type Say, within } from '../embedded/downloads.ts';
import { packageRoot } from '../../storage/package-root.ts';
import { hasNvidiaDriver, nativeBackends, type NativeBackend } from './backends.ts';
import { findInstallation, install, type Installation, isIntact, readIfPresent } from './installation.ts';
import { CPU_WHEELS, GPU_WHEELS, NODE_API_VERSION, TENSORFLOW_VERSION, TFJS_VERSION } from './pinned.ts';
import { compileBinding, downloadWheel, findCompiler, unpackWheel } from './wheel.ts';

const run = promisify(execFile);

/** Where direct downloads are closed a connection may hang instead of failing; the wheel is tried soon. */
const PROBE_MILLISECONDS = 3_000;
const NPM_MILLISECONDS = 10 * 60_000;
const NPMS_DOWNLOAD_MILLISECONDS = 15 * 60_000;
const TRIAL_MILLISECONDS = 60_000;
const REMINDER_MILLISECONDS = 15_000;
const ADVICE =
  'Everything but training and scoring runs without it. They need the npm registry and, where npm’s own download of TensorFlow is closed, python3 with pip and a C++ compiler (Linux on x86-64: apt install g++ python3-pip). Then: npm run doctor -- --set-up';

/**
 * Where the native TensorFlow of a backend lies, or will lie. The versions are those that are pinned: npm's own download
 * brings an older library, as `installation.json` tells.
 */
export function tensorflowDirectory(backend: NativeBackend, cache = cacheDirectory()): string {
  const machine = `${process.platform}-${process.arch}-napi${NODE_API_VERSION}`;
  return join(cache, `${backend}-${TFJS_VERSION}-${TENSORFLOW_VERSION}-${machine}`);
}

export interface SetUpOptions {
  say: Say;
  signal?: AbortSignal;
  /** The project's cache of fetched programs. */
  cache?: string;
  /** Those that may be set up; the machine decides when absent. */
  backends?: readonly NativeBackend[];
  /** Try a CUDA build again that has failed before. */
  again?: boolean;
  /** The CUDA build is for another machine (an image's): that no GPU is here is no reason against it. */
  elsewhere?: boolean;
}

/**
 * Puts native TensorFlow into the cache where it is not there yet: the CUDA build where the machine has an NVIDIA
 * driver and it works, else the one for the processor. npm's own download first, the Python wheel second. Takes half a
 * minute to many minutes, with processor and network: call it in the background.
 * @throws Error naming everything that was tried and what to do
 */
export async function setUpTensorflow(options: SetUpOptions): Promise<Installation> {
  const backends = options.backends ?? nativeBackends(await hasNvidiaDriver());
  if (backends.includes('tfjs-node-gpu')) {
    const installation = await setUpGpu(options);
    if (installation !== undefined) return installation;
  }
  try {
    return await setUpBackend('tfjs-node', options);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new Error(`${reasonOf(error)}\n${ADVICE}`, { cause: error });
  }
}

/** undefined where it does not do. That is remembered: each attempt fetches 2.4 GB. */
async function setUpGpu(options: SetUpOptions): Promise<Installation | undefined> {
  const { say, signal, cache, again = false } = options;
  const memory = `${tensorflowDirectory('tfjs-node-gpu', cache)}.failed`;
  const before = again ? undefined : await readIfPresent(memory);
  if (before !== undefined) {
    say(`The CUDA build failed before; npm run doctor -- --set-up tries it again. ${before}`);
    return undefined;
  }
  try {
    const installation = await setUpBackend('tfjs-node-gpu', options);
    await rm(memory, { force: true });
    return installation;
  } catch (error) {
    signal?.throwIfAborted();
    say(`${reasonOf(error)}\nGoing on without the GPU.`);
    await writeFile(memory, reasonOf(error));
    return undefined;
  }
}

/**
 * One backend into the cache, see {@link setUpTensorflow}. An installation whose files have changed is made again.
 * @throws Error naming both ways and why they failed
 */
export async function setUpBackend(
  backend: NativeBackend,
  { say, signal, cache, elsewhere = false }: SetUpOptions,
): Promise<Installation> {
  const directory = tensorflowDirectory(backend, cache);
  const found = await findInstallation(directory);
  if (found !== undefined) {
    if (await isIntact(found)) return found;
    say(`The files in ${directory} are not those that were installed; they are made again.`);
    await rm(join(directory, 'installation.json'), { force: true });
  }
  const began = performance.now();
  const installation = await install({
    directory,
    say,
    signal,
    make: async (scratch) => {
      await step(say, 'npm packages', () => installPackages(scratch, signal));
      const packageDirectory = join(scratch, 'node_modules', '@tensorflow', backend);
      const failures: string[] = [];
      for (const { source, title, bring } of ROUTES) {
        try {
          await bring({ backend, packageDirectory, scratch, say, signal });
          const { tensorflow, gpu } = await tryInstallation(scratch, backend, signal);
          if (backend === 'tfjs-node-gpu' && !gpu && !elsewhere)
            throw new Error('it finds no GPU that it can use');
          await dropSourceMaps(scratch);
          return { source, tensorflow, files: await nativeFiles(packageDirectory, scratch) };
        } catch (error) {
          signal?.throwIfAborted();
          say(`TensorFlow: ${title} does not do: ${reasonOf(error)}`);
          failures.push(`  ${title}: ${reasonOf(error)}`);
          for (const name of ['deps', 'lib', 'build']) {
            await rm(join(packageDirectory, name), { recursive: true, force: true });
          }
        }
      }
      throw new Error([`Native TensorFlow (${backend}) could not be set up:`, ...failures].join('\n'));
    },
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  say(`TensorFlow ${installation.tensorflow} (${backend}) is set up in ${directory}, after ${seconds} s.`);
  return installation;
}

interface RouteInput {
  backend: NativeBackend;
  /** Of tfjs-node, installed without its script. */
  packageDirectory: string;
  scratch: string;
  say: Say;
  signal?: AbortSignal;
}

interface Route {
  source: Installation['source'];
  title: string;
  /** Brings libraries and binding into the package. */
  bring(input: RouteInput): Promise<void>;
}

const ROUTES: readonly Route[] = [
  { source: 'npm', title: 'npm’s own download', bring: fromNpmsDownload },
  { source: 'wheel', title: 'the Python wheel', bring: fromWheels },
];

/** The JavaScript half, at the hashes of the lock file; nothing of it runs while it is installed. */
async function installPackages(scratch: string, signal?: AbortSignal): Promise<void> {
  const list = join(packageRoot(), 'deploy', 'tensorflow', 'packages');
  for (const name of ['package.json', 'package-lock.json']) {
    await copyFile(join(list, name), join(scratch, name));
  }
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  // --prefix: under `npm run` the environment names the project's directory.
  await run('npm', ['ci', ...flags, '--prefix', scratch], {
    cwd: scratch,
    env: { ...process.env, NODE_ENV: undefined, npm_config_omit: undefined },
    signal: within(NPM_MILLISECONDS, signal),
  });
}

const Binary = z.object({ binary: z.object({ host: z.url() }) });

/** tfjs-node's own install script: libtensorflow and a finished binding from its makers' store. */
async function fromNpmsDownload({ packageDirectory, scratch, say, signal }: RouteInput): Promise<void> {
  const text = await readFile(join(packageDirectory, 'package.json'), 'utf8');
  await probe(process.env['CDN_STORAGE'] || Binary.parse(JSON.parse(text)).binary.host, signal);
  const commands = [join(scratch, 'node_modules', '.bin'), dirname(process.execPath), process.env['PATH']];
  const gpu = packageDirectory.endsWith('-gpu') ? ['gpu'] : [];
  await step(say, 'npm’s own download', () =>
    run(process.execPath, [join('scripts', 'install.js'), ...gpu], {
      cwd: packageDirectory,
      env: { ...process.env, PATH: commands.join(delimiter) },
      signal: within(NPMS_DOWNLOAD_MILLISECONDS, signal),
    }),
  );
}

/** Any answer will do; behind a proxy, which fetch() does not take, only the download itself can tell. */
async function probe(url: string, signal: AbortSignal | undefined): Promise<void> {
  if (['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy'].some((name) => process.env[name])) return;
  await fetch(url, { method: 'HEAD', signal: within(PROBE_MILLISECONDS, signal) });
}

async function fromWheels({ backend, packageDirectory, scratch, say, signal }: RouteInput): Promise<void> {
  const machine = `${process.platform}-${process.arch}`;
  const wheels = (backend === 'tfjs-node-gpu' ? GPU_WHEELS : CPU_WHEELS)[machine];
  if (wheels === undefined) throw new Error(`no wheel is known for ${machine}`);
  // Before hundreds of megabytes come for nothing.
  await findCompiler();
  const downloads = join(scratch, 'wheels');
  for (const wheel of wheels) {
    const file = await step(say, `wheel ${wheel.requirement}`, () => downloadWheel(wheel, downloads, signal));
    await step(say, 'unpacking', () => unpackWheel(file, join(packageDirectory, 'deps'), signal));
    await rm(downloads, { recursive: true });
  }
  const headers = join(scratch, 'node_modules', 'node-api-headers', 'include');
  await step(say, 'compiling the binding', () => compileBinding(packageDirectory, headers, signal));
}

const Trial = z.object({ product: z.array(z.number()), tensorflow: z.string(), gpu: z.boolean() });

/**
 * Multiplies two matrices in a process of its own.
 * @throws Error where the answer is wrong or the process dies
 */
async function tryInstallation(
  directory: string,
  backend: NativeBackend,
  signal?: AbortSignal,
): Promise<z.infer<typeof Trial>> {
  const script = join(packageRoot(), 'deploy', 'tensorflow', 'trial.cjs');
  const { stdout } = await run(process.execPath, [script, directory, `@tensorflow/${backend}`], {
    signal: within(TRIAL_MILLISECONDS, signal),
  });
  const trial = Trial.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
  if (trial.product.join() !== '7,10,15,22')
    throw new Error(`it multiplies wrongly: ${trial.product.join()}`);
  return trial;
}

/** A fifth of what lies on the disk, and nobody steps through tfjs. */
async function dropSourceMaps(scratch: string): Promise<void> {
  const packages = join(scratch, 'node_modules');
  for (const name of await readdir(packages, { recursive: true })) {
    if (name.endsWith('.map')) await rm(join(packages, name));
  }
}

async function nativeFiles(packageDirectory: string, scratch: string): Promise<string[]> {
  const files: string[] = [];
  for (const part of [join('deps', 'lib'), 'lib']) {
    const root = join(packageDirectory, part);
    for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) files.push(join(entry.parentPath, entry.name).slice(scratch.length + 1));
    }
  }
  return files.sort();
}

/** Says what is done, and every while that it is still being done. */
async function step<T>(say: Say, title: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(0);
  say(`TensorFlow: ${title} …`);
  const reminder = setInterval(
    () => say(`TensorFlow: ${title} … (${seconds()} s so far)`),
    REMINDER_MILLISECONDS,
  );
  try {
    return await work();
  } finally {
    clearInterval(reminder);
  }
}
