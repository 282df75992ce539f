import { randomUUID } from 'node:crypto';
import { link, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { type Say, sha256 } from '../embedded/downloads.ts';
import { isAlive, ownIdentity, ProcessIdentity, systemCode } from '../embedded/process.ts';

/** What was installed: `installation.json` in its directory. */
const Description = z.object({
  source: z.enum(['npm', 'wheel']),
  /** Version of libtensorflow. */
  tensorflow: z.string().min(1),
  /** The native files, paths relative to the directory. */
  files: z.array(z.object({ path: z.string(), bytes: z.number(), sha256: z.string() })).min(1),
});

/** A whole directory in the cache. */
export type Installation = z.infer<typeof Description> & { directory: string };

export interface Made {
  source: Installation['source'];
  tensorflow: string;
  /** Paths, relative to the directory, of the files to be known by their hashes. */
  files: string[];
}

export interface InstallOptions {
  directory: string;
  say: Say;
  signal?: AbortSignal;
  /** Fills an empty directory, which is renamed into place afterwards. */
  make(scratch: string): Promise<Made>;
}

const DESCRIPTION = 'installation.json';
const POLL_MILLISECONDS = 300;

/**
 * The installation in a directory, its files there in their sizes (hashing 600 MB takes a second: see `isIntact`);
 * undefined where there is none that is whole.
 */
export async function findInstallation(directory: string): Promise<Installation | undefined> {
  const text = await readIfPresent(join(directory, DESCRIPTION));
  if (text === undefined) return undefined;
  const description = Description.safeParse(parseJson(text)).data;
  if (description === undefined) return undefined;
  for (const { path, bytes } of description.files) {
    if ((await sizeOf(join(directory, path))) !== bytes) return undefined;
  }
  return { ...description, directory };
}

/** Have the files still the hashes that they were installed with? */
export async function isIntact({ directory, files }: Installation): Promise<boolean> {
  for (const file of files) {
    if ((await sha256(join(directory, file.path))) !== file.sha256) return false;
  }
  return true;
}

/**
 * The installation in a directory, made where absent: beside, then renamed. Of several processes one makes it and the
 * others wait for it.
 * @throws what `make` throws; nothing is left behind then
 */
export async function install(options: InstallOptions): Promise<Installation> {
  const { directory, say, signal, make } = options;
  const found = await findInstallation(directory);
  if (found !== undefined) return found;
  const cache = dirname(directory);
  await mkdir(cache, { recursive: true });
  return await withLock(`${directory}.lock`, say, signal, async () => {
    const theirs = await findInstallation(directory);
    if (theirs !== undefined) return theirs;
    const prefix = `${basename(directory)}.making-`;
    // Whoever made these is dead, for the lock is ours.
    for (const name of await readdir(cache)) {
      if (!name.startsWith(prefix)) continue;
      // What they had started may still be writing into it.
      await rm(join(cache, name), { recursive: true, force: true, maxRetries: 5 });
    }
    const scratch = await mkdtemp(join(cache, prefix));
    try {
      const { source, tensorflow, files } = await make(scratch);
      const description: z.infer<typeof Description> = { source, tensorflow, files: [] };
      for (const path of files) {
        const file = join(scratch, path);
        description.files.push({ path, bytes: (await stat(file)).size, sha256: await sha256(file) });
      }
      await writeFile(join(scratch, DESCRIPTION), JSON.stringify(description, null, 1));
      await rm(directory, { recursive: true, force: true });
      await rename(scratch, directory);
      return { ...description, directory };
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/** The lock of a dead process is taken over. */
async function withLock<T>(
  file: string,
  say: Say,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  // Linked into place with its content: nobody ever reads a lock half written.
  const beside = `${file}.${randomUUID()}`;
  await writeFile(beside, JSON.stringify(await ownIdentity()));
  try {
    for (let hasSaid = false; !(await isLinked(beside, file)); hasSaid = true) {
      signal?.throwIfAborted();
      const text = await readIfPresent(file);
      if (text === undefined) continue;
      const holder = ProcessIdentity.safeParse(parseJson(text)).data;
      if (holder === undefined || !(await isAlive(holder))) {
        await dropStale(file, text);
        continue;
      }
      if (!hasSaid) say(`Process ${holder.pid} is setting it up already; waiting for it …`);
      await sleep(POLL_MILLISECONDS, undefined, { signal });
    }
  } finally {
    await rm(beside, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

/** Of two that meet a stale lock one takes it away; the other must not take the new lock of the first. */
async function dropStale(file: string, staleText: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) === staleText) await rm(aside);
  else await rename(aside, file);
}

async function isLinked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** Text of a file; undefined where there is none. */
export async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** undefined where it is not JSON: then it is nothing of ours. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
