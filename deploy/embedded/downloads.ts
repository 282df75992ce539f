import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { packageRoot } from '../../storage/package-root.ts';
import { messageOf } from './process.ts';

/** Tells a person what takes long. */
export type Say = (message: string) => void;

/** SHA-256 of a file, in hexadecimal digits. */
export async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

/** Aborts after so many milliseconds, or with the signal. */
export function within(milliseconds: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(milliseconds);
  return signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
}

/**
 * A Python with pip, by the name that starts it.
 * @throws Error where there is none
 */
export async function findPython(): Promise<string> {
  for (const name of ['python3', 'python', '/usr/bin/python3']) {
    try {
      // A working directory of ours: `python -m` looks for modules in it first.
      await promisify(execFile)(name, ['-m', 'pip', '--version'], { cwd: packageRoot() });
      return name;
    } catch (error) {
      // Absent, or without pip: the next name. Anything else is worth telling.
      if (error instanceof Error && 'code' in error) continue;
      throw error;
    }
  }
  throw new Error('there is no python3 with pip');
}

/** Why a fetch failed: fetch() hides it behind "fetch failed"; a program's own words say more than its exit code. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('stderr' in error && typeof error.stderr === 'string' && error.stderr.trim() !== '') {
    return error.stderr.trim().split('\n').slice(-3).join(' ');
  }
  return error.cause instanceof Error ? messageOf(error.cause) : messageOf(error);
}
