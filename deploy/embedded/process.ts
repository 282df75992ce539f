import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';

/**
 * A process named so that a reused pid is not mistaken for it.
 * `startedAt` is opaque: boot id and start tick on Linux, `ps`'s start time elsewhere.
 */
export const ProcessIdentity = z.object({ pid: z.number().int().positive(), startedAt: z.string().min(1) });
export type ProcessIdentity = z.infer<typeof ProcessIdentity>;

/** How a process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** Signals in the order they are tried, each with the seconds given to it. */
export type Ladder = readonly (readonly [signal: NodeJS.Signals, seconds: number])[];

/** A child in its own process group: a Ctrl-C in the terminal does not reach it, we stop it in order. */
export interface ManagedProcess {
  readonly name: string;
  readonly identity: ProcessIdentity;
  /** Settles once, when the process is gone; never rejects. */
  readonly exited: Promise<Exit>;
  hasExited(): boolean;
  /** Sends each signal of the ladder until the process is gone, then kills what is left of its group. */
  stop(ladder: Ladder): Promise<Exit>;
}

export interface StartProcessOptions {
  name: string;
  command: string;
  args: readonly string[];
  /** The whole environment; nothing is inherited. */
  env: Record<string, string | undefined>;
  /** Standard output and error are appended here. */
  logFile: string;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Called as soon as the process exists, long before it serves: whoever starts it records it. */
  onSpawn?: (identity: ProcessIdentity) => void;
}

const LOG_FILE_BYTES = 16 * 1024 * 1024;

/**
 * Starts a detached child writing to its log file, which is rotated first where it has grown past 16 MiB.
 * @throws Error with the system's reason where the program cannot be started
 */
export async function startProcess(options: StartProcessOptions): Promise<ManagedProcess> {
  await mkdir(dirname(options.logFile), { recursive: true });
  await rotateLog(options.logFile);
  const log = await open(options.logFile, 'a', 0o600);
  let child: ChildProcess;
  try {
    child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: options.env,
      uid: options.uid,
      gid: options.gid,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      windowsHide: true,
    });
    // Rejects with the 'error' event where the program is absent or may not be run.
    await once(child, 'spawn');
  } catch (error) {
    throw new Error(`${options.name} could not be started: ${options.command}: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await log.close();
  }
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${options.name} started without a pid`);
  let exit: Exit | undefined;
  const exited = new Promise<Exit>((resolve) => {
    const settle = (code: number | null, signal: NodeJS.Signals | null): void => {
      exit = { code, signal };
      resolve(exit);
    };
    if (child.exitCode !== null || child.signalCode !== null) settle(child.exitCode, child.signalCode);
    else child.once('exit', settle);
  });
  const startedAt = (await processStartTime(pid)) ?? 'ended';
  options.onSpawn?.({ pid, startedAt });
  return {
    name: options.name,
    identity: { pid, startedAt },
    exited,
    hasExited: () => exit !== undefined,
    async stop(ladder) {
      for (const [signal, seconds] of ladder) {
        if (exit !== undefined) break;
        child.kill(signal);
        await Promise.race([exited, sleep(seconds * 1000, undefined, { ref: false })]);
      }
      if (exit === undefined) child.kill('SIGKILL');
      const end = await exited;
      killGroup(pid);
      return end;
    },
  };
}

/** Ends a process that is not our child; resolves once it is gone, and does nothing where it already is. */
export async function endProcess(identity: ProcessIdentity, ladder: Ladder): Promise<void> {
  for (const [signal, seconds] of [...ladder, ['SIGKILL', 10] as const]) {
    if (!(await isAlive(identity))) return;
    sendSignal(identity.pid, signal);
    const deadline = Date.now() + seconds * 1000;
    while (Date.now() < deadline && (await isAlive(identity))) await sleep(50);
  }
  if (await isAlive(identity)) {
    throw new Error(`process ${identity.pid} of an earlier start could not be ended; end it by hand`);
  }
}

/** Is exactly this process, not a later one with its pid, still running? A zombie is not. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await processStartTime(identity.pid)) === identity.startedAt;
}

/** Start time of a running process (see {@link ProcessIdentity}); undefined where there is none. */
export async function processStartTime(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return psStartTime(pid);
  const line = await readIfPresent(`/proc/${pid}/stat`);
  if (line === undefined) return undefined;
  // The second field is the program's name in parentheses and may itself hold blanks and parentheses.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const state = fields[0];
  const startTick = fields[19];
  if (startTick === undefined || state === 'Z' || state === 'X') return undefined;
  const boot = (await readIfPresent('/proc/sys/kernel/random/boot_id'))?.trim() ?? 'boot';
  return `${boot}:${startTick}`;
}

/** This very process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const startedAt = await processStartTime(process.pid);
  if (startedAt === undefined) throw new Error('the start time of this process could not be read');
  return { pid: process.pid, startedAt };
}

/** Last lines of a log file, for an error message. */
export async function logTail(path: string): Promise<string> {
  const lines = (await readIfPresent(path))?.trimEnd().split('\n') ?? [];
  return lines.slice(-15).join('\n');
}

/** Text of an error, for a message to a person. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The error code of the system ("ENOENT"), or undefined where the error is of another kind. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

async function psStartTime(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C' },
    });
    const [state, ...start] = stdout.trim().split(/\s+/);
    return state === undefined || state.startsWith('Z') || start.length === 0 ? undefined : start.join(' ');
  } catch (error) {
    // ps ends with 1 where no such process exists.
    if (error instanceof Error && 'code' in error && error.code === 1) return undefined;
    throw error;
  }
}

async function readIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    // ESRCH: the process ended between open and read.
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

async function rotateLog(path: string): Promise<void> {
  try {
    if ((await stat(path)).size > LOG_FILE_BYTES) await rename(path, `${path}.1`);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

function killGroup(pid: number): void {
  sendSignal(-pid, 'SIGKILL');
}

/** A process that has just gone needs no signal. */
function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) !== 'ESRCH') throw error;
  }
}
