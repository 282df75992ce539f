import { execFile } from 'node:child_process';
import { access, constants, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { findPython, reasonOf, type Say } from './embedded/downloads.ts';
import { findBinaries } from './embedded/postgres.ts';
import { systemCode } from './embedded/process.ts';
import { findTemporal, locateTemporal } from './embedded/temporal-binaries.ts';
import { hasNvidiaDriver, nativeBackends } from './tensorflow/backends.ts';
import { findInstallation, isIntact } from './tensorflow/installation.ts';
import { setUpTensorflow, tensorflowDirectory } from './tensorflow/set-up-tensorflow.ts';
import { findCompiler } from './tensorflow/wheel.ts';

const run = promisify(execFile);

/** One thing that was looked at. `note`: it does without, or with less. */
export interface Finding {
  name: string;
  state: 'ok' | 'note' | 'missing';
  found: string;
  /** What to do about it; absent where all is well. */
  action?: string;
}

export interface DoctorOptions {
  /** The data directory, there or not. */
  data: string;
  /** Fetch what can be fetched. */
  setUp: boolean;
  say: Say;
  signal?: AbortSignal;
}

const GIB = 1024 ** 3;
/** PostgreSQL, Temporal and three Node processes take one and a half; a training the rest. */
const LEAST_MEMORY_BYTES = 4 * GIB;
const LEAST_DISK_BYTES = 1 * GIB;
const ENOUGH_DISK_BYTES = 10 * GIB;

/** Looks at everything that Spectrolabe needs on this machine, one finding a thing; with `setUp` fetches it first. */
export async function examine({ data, setUp, say, signal }: DoctorOptions): Promise<Finding[]> {
  const temporal = await examineTemporal(setUp, say, signal);
  const tensorflow = await examineTensorflow(setUp, say, signal);
  // Two tools that are wanted only while something is still to be fetched or built.
  const wanted = [temporal, tensorflow].some(({ state }) => state === 'missing');
  return [
    { name: 'Node.js', state: 'ok', found: `${process.version} (${process.execPath})` },
    await examinePostgres(),
    temporal,
    tensorflow,
    await examineTool('Python with pip', 'python3-pip', wanted, async () => {
      const python = await findPython();
      return `${(await run(python, ['--version'])).stdout.trim()} (${python})`;
    }),
    await examineTool('C++ compiler', 'g++', wanted, async () => {
      const compiler = await findCompiler();
      return (await run(compiler, ['--version'])).stdout.split('\n')[0] ?? compiler;
    }),
    await examineGpu(),
    { name: 'Cores', state: 'ok', found: String(availableParallelism()) },
    judgeMemory(Math.min(process.constrainedMemory() || Infinity, totalmem())),
    await examineDisk(resolve(data)),
  ];
}

async function examinePostgres(): Promise<Finding> {
  const name = 'PostgreSQL';
  if (process.env['DATABASE_URL']) return { name, state: 'ok', found: 'the one that DATABASE_URL names' };
  try {
    const { directory, libraryPath } = await findBinaries();
    const { stdout } = await run(join(directory, 'postgres'), ['--version'], {
      env: { ...process.env, LD_LIBRARY_PATH: libraryPath },
    });
    return { name, state: 'ok', found: `${stdout.trim()} (npm package)` };
  } catch (error) {
    return {
      name,
      state: 'missing',
      found: reasonOf(error),
      action: 'npm ci, or set DATABASE_URL to a PostgreSQL of your own',
    };
  }
}

async function examineTemporal(setUp: boolean, say: Say, signal?: AbortSignal): Promise<Finding> {
  const name = 'Temporal';
  if (process.env['TEMPORAL_ADDRESS']) {
    return { name, state: 'ok', found: 'the one that TEMPORAL_ADDRESS names' };
  }
  const action = 'npm run doctor -- --set-up fetches it, and so does the first npm start';
  try {
    const path = setUp ? await findTemporal(say, signal) : await locateTemporal();
    return path === undefined
      ? { name, state: 'missing', found: 'not fetched yet', action }
      : { name, state: 'ok', found: path };
  } catch (error) {
    signal?.throwIfAborted();
    return { name, state: 'missing', found: reasonOf(error), action: 'docs/troubleshooting.md' };
  }
}

async function examineTensorflow(setUp: boolean, say: Say, signal?: AbortSignal): Promise<Finding> {
  const name = 'TensorFlow';
  const action = 'npm run doctor -- --set-up (training and scoring need it, nothing else does)';
  if (setUp) {
    try {
      await setUpTensorflow({ say, signal, again: true });
    } catch (error) {
      signal?.throwIfAborted();
      return { name, state: 'missing', found: reasonOf(error), action: 'docs/tensorflow.md' };
    }
  }
  for (const backend of nativeBackends(await hasNvidiaDriver())) {
    const installation = await findInstallation(tensorflowDirectory(backend));
    if (installation === undefined) continue;
    const { tensorflow, source, directory } = installation;
    const origin = source === 'npm' ? 'npm’s own download' : 'the Python wheel';
    const found = `${backend}, TensorFlow ${tensorflow} from ${origin} (${directory})`;
    return (await isIntact(installation))
      ? { name, state: 'ok', found }
      : { name, state: 'missing', found: `${found}: its files have changed`, action };
  }
  return { name, state: 'missing', found: 'not set up: training would run in JavaScript, too slow', action };
}

/** Of no use where everything is there already. */
async function examineTool(
  name: string,
  debianPackage: string,
  wanted: boolean,
  find: () => Promise<string>,
): Promise<Finding> {
  try {
    return { name, state: 'ok', found: await find() };
  } catch (error) {
    const found = reasonOf(error);
    if (!wanted) return { name, state: 'ok', found: `${found}; not needed, all is set up` };
    const action = `needed only where direct downloads are closed: apt install ${debianPackage}`;
    return { name, state: 'note', found, action };
  }
}

async function examineGpu(): Promise<Finding> {
  const name = 'GPU';
  if (!(await hasNvidiaDriver())) {
    return { name, state: 'ok', found: 'no NVIDIA driver; training runs on the processor' };
  }
  try {
    const query = ['--query-gpu=name,memory.total', '--format=csv,noheader'];
    return {
      name,
      state: 'ok',
      found: (await run('nvidia-smi', query)).stdout.trim().replaceAll('\n', '; '),
    };
  } catch (error) {
    return { name, state: 'note', found: `an NVIDIA driver, but nvidia-smi says: ${reasonOf(error)}` };
  }
}

/** @param bytes of the machine, or of the container where it is smaller */
export function judgeMemory(bytes: number): Finding {
  const name = 'Memory';
  const found = inGibibytes(bytes);
  if (bytes >= LEAST_MEMORY_BYTES) return { name, state: 'ok', found };
  return { name, state: 'note', found, action: `${inGibibytes(LEAST_MEMORY_BYTES)} are comfortable` };
}

async function examineDisk(directory: string): Promise<Finding> {
  const there = await nearestExisting(directory);
  try {
    await access(there, constants.W_OK);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    const action = 'take a directory that you may write to: --data DIR';
    return { name: 'Data directory', state: 'missing', found: `${there} cannot be written to`, action };
  }
  const { bavail, bsize } = await statfs(there);
  return judgeDisk(directory, bavail * bsize);
}

/** @param freeBytes for us on the disk of the data directory */
export function judgeDisk(directory: string, freeBytes: number): Finding {
  const name = 'Data directory';
  const found = `${directory}, ${inGibibytes(freeBytes)} free`;
  if (freeBytes >= ENOUGH_DISK_BYTES) return { name, state: 'ok', found };
  const action = `free some, or take another disk with --data DIR (${inGibibytes(ENOUGH_DISK_BYTES)} are comfortable)`;
  return { name, state: freeBytes < LEAST_DISK_BYTES ? 'missing' : 'note', found, action };
}

async function nearestExisting(directory: string): Promise<string> {
  try {
    await access(directory);
    return directory;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || dirname(directory) === directory) return directory;
    return nearestExisting(dirname(directory));
  }
}

function inGibibytes(bytes: number): string {
  return `${(bytes / GIB).toFixed(1)} GiB`;
}
