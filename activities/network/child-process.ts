import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { ApplicationFailure } from '@temporalio/activity';
import { ChildMessage, type Ending, isEnding, type NetworkTask } from './messages.ts';

/** The child died of itself: of a signal (out of memory: SIGKILL), or of a fault of TensorFlow's. */
export const CHILD_DIED = 'CHILD_DIED';
/** The child says that the data or the network will not do. */
export const TASK_REFUSED = 'TASK_REFUSED';

const LAST_WORDS = 20;
const LONGEST_WORD = 500;
/** A line of a native stack, of which a reader learns nothing. */
const NATIVE_FRAME = /^\s*\d+: 0x[0-9a-f]+ /;
/** Linux: where memory ends the kernel takes this process first, and not the worker or the database. */
const OOM_SCORE = '1000';

/** So long after a task a process waits for the next one, then it goes. */
const SPARE_MS = 10_000;

export interface ChildTaskOptions {
  signal: AbortSignal;
  /** What the child says before the end. */
  onMessage: (message: Exclude<ChildMessage, Ending>) => void;
}

export interface ChildProcesses {
  /**
   * Does a task in a process of its own: TensorFlow's crash or an out-of-memory kill takes the child, not the worker. When
   * `signal` is aborted the child is killed, and gone with its memory before this rejects.
   * @throws ApplicationFailure CHILD_DIED (to be retried), TASK_REFUSED (not to be); the signal's reason
   */
  run(task: NetworkTask, options: ChildTaskOptions): Promise<Exclude<Ending, { kind: 'failed' }>>;
  /** Ends the one that waits for a task. */
  close(): void;
}

/**
 * Processes that do one task each. While one is at work the next is started: scoring follows training, and the choice of a
 * batch, for which somebody waits, follows scoring.
 * @param options.program takes one task and says how it goes (workers/network-child.ts)
 */
export function createChildProcesses(options: {
  program: string;
  env: Readonly<Record<string, string>>;
}): ChildProcesses {
  let spare: Child | undefined;
  let running = 0;
  let expiry: NodeJS.Timeout | undefined;

  function take(): Child {
    const taken = spare && isAlive(spare) ? spare : start(options);
    spare = undefined;
    return taken;
  }
  function startSpare(): void {
    if (spare && isAlive(spare)) return;
    try {
      spare = start(options);
    } catch (error) {
      // The task that needs one will say so.
      if (!(error instanceof ApplicationFailure)) throw error;
    }
  }
  function close(): void {
    clearTimeout(expiry);
    spare?.process.kill('SIGKILL');
    spare = undefined;
  }
  return {
    async run(task, { signal, onMessage }) {
      signal.throwIfAborted();
      clearTimeout(expiry);
      running++;
      try {
        const child = take();
        const ended = runIn(child, task, { signal, onMessage });
        startSpare();
        return await ended;
      } finally {
        running--;
        if (running === 0) expiry = setTimeout(close, SPARE_MS).unref();
      }
    },
    close,
  };
}

async function runIn(
  { process: child, exited, lastWords }: Child,
  task: NetworkTask,
  { signal, onMessage }: ChildTaskOptions,
): Promise<Exclude<Ending, { kind: 'failed' }>> {
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  let ending: Ending | undefined;
  let broken: unknown;
  child.on('message', (received) => {
    try {
      const message = ChildMessage.parse(received);
      if (isEnding(message)) ending = message;
      else onMessage(message);
    } catch (error) {
      broken = error;
      kill();
    }
  });
  // Gone before it took the task: its exit tells.
  child.send(task, () => undefined);
  try {
    const failure = await exited;
    if (failure !== undefined) throw notStarted(failure);
  } finally {
    signal.removeEventListener('abort', kill);
  }
  signal.throwIfAborted();
  if (broken) throw broken;
  if (ending?.kind === 'failed')
    throw ApplicationFailure.create({
      message: ending.message,
      type: ending.retryable ? CHILD_DIED : TASK_REFUSED,
      nonRetryable: !ending.retryable,
      details: [ending.trace],
    });
  if (ending) return ending;
  const how = child.signalCode ?? `exit code ${child.exitCode}`;
  const hint = child.signalCode === 'SIGKILL' ? ' (killed from outside, or for want of memory)' : '';
  throw ApplicationFailure.create({
    message: `the process that computes with TensorFlow ended by ${how}${hint}${lastWords.length > 0 ? `: ${lastWords.join(' | ')}` : ''}`,
    type: CHILD_DIED,
  });
}

interface Child {
  process: ChildProcess;
  /** Resolves when it is gone: with what was wrong where it could not be started. */
  exited: Promise<unknown>;
  /** What it said last on its outputs. */
  lastWords: string[];
}

function isAlive({ process: { connected, exitCode, signalCode } }: Child): boolean {
  return connected && exitCode === null && signalCode === null;
}

/** @throws ApplicationFailure CHILD_DIED where the machine has no process or no memory left for it */
function start({ program, env }: { program: string; env: Readonly<Record<string, string>> }): Child {
  try {
    const child = fork(program, [], {
      env: { ...env, ...process.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    if (process.platform === 'linux' && child.pid !== undefined) offerToKernel(child.pid);
    const lastWords: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          if (line.trim() === '' || NATIVE_FRAME.test(line)) return;
          lastWords.push(line.slice(0, LONGEST_WORD));
          if (lastWords.length > LAST_WORDS) lastWords.shift();
        });
    const exited = once(child, 'close').then(
      () => undefined,
      (error: unknown) => error,
    );
    return { process: child, exited, lastWords };
  } catch (error) {
    throw notStarted(error);
  }
}

function notStarted(error: unknown): ApplicationFailure {
  return ApplicationFailure.create({
    message: `the process that computes with TensorFlow could not be started: ${error instanceof Error ? error.message : String(error)}`,
    type: CHILD_DIED,
  });
}

function offerToKernel(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, OOM_SCORE);
  } catch (error) {
    // It has ended already, or a sandbox forbids it: then the kernel takes whom it likes.
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}
