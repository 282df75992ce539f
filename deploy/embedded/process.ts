import { spawn, execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface ProcessOptions {
  name: string;
  command: string;
  args: string[];
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Both outputs are appended here. */
  logFile: string;
  uid?: number;
  gid?: number;
}

export interface ManagedProcess {
  readonly name: string;
  readonly pid: number;
  readonly startTime: string;
  /** Resolves when the process is gone: its exit code, or the signal that ended it. */
  readonly exited: Promise<number | string>;
  /** Whether it is still there. */
  isAlive(): boolean;
  /** Sends `signal`, waits `graceMs`, then kills its whole group. */
  stop(signal: NodeJS.Signals, graceMs: number): Promise<void>;
}

const MAX_LOG_BYTES = 10 * 1024 * 1024;

/**
 * Starts a child in a process group of its own: Ctrl-C reaches the whole foreground group, and the order in which
 * children end must be ours.
 */
export async function startProcess(options: ProcessOptions): Promise<ManagedProcess> {
  const { name, command, args, env, cwd, logFile, uid, gid } = options;
  mkdirSync(dirname(logFile), { recursive: true });
  rotate(logFile);
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { env, cwd, uid, gid, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  const exited = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(signal ?? code ?? -1);
    });
    child.once('error', () => {
      resolve(-1);
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) => {
      reject(new Error(`${name} cannot be started: ${error.message}`, { cause: error }));
    });
  });
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${name} has no process id`);
  const isAlive = () => child.exitCode === null && child.signalCode === null;
  return {
    name,
    pid,
    startTime: processStartTime(pid) ?? '',
    exited,
    isAlive,
    async stop(signal, graceMs) {
      if (isAlive()) {
        signalProcess(pid, signal);
        const ended = await Promise.race([exited.then(() => true), delay(graceMs).then(() => false)]);
        if (!ended) signalProcess(-pid, 'SIGKILL');
      }
      await exited;
      signalProcess(-pid, 'SIGKILL'); // whatever it left in its group
    },
  };
}

/** Sends a signal; a process (or group, negative) that is gone is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/**
 * When a process started, in the system's own terms: with the pid it names one process for ever.
 * Undefined where there is no such process (a zombie counts as none).
 */
export function processStartTime(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      // After the command in brackets, which may hold anything: state is the 1st, start time the 20th field.
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return fields[0] === 'Z' ? undefined : fields[19];
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined;
  } catch {
    return undefined; // no such process: that is the answer
  }
}

/** Whether the process that was recorded is still this one. */
export function isSameProcess(record: { pid: number; startTime: string }): boolean {
  return record.startTime !== '' && processStartTime(record.pid) === record.startTime;
}

/** The end of a log file, for error messages. */
export async function tailOf(logFile: string, bytes = 2000): Promise<string> {
  const file = await open(logFile, 'r');
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, Math.max(0, size - bytes));
    return buffer.subarray(0, bytesRead).toString().trim();
  } finally {
    await file.close();
  }
}

export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function rotate(logFile: string): void {
  const size = statSync(logFile, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_LOG_BYTES) renameSync(logFile, `${logFile}.1`);
}
