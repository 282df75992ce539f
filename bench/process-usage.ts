import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { systemCode } from '../deploy/embedded/process.ts';

const SAMPLE_MILLISECONDS = 200;
/** The kernel's USER_HZ: 100 on every platform that Node runs on. */
const TICKS_PER_SECOND = 100;
const isLinux = process.platform === 'linux';

/**
 * Watches the resident memory of a process and of all its descendants.
 * On Linux it is the kernel's own high-water mark, set back at the start, so that no peak is missed; that of several
 * processes is summed, an upper bound. Elsewhere `ps` is asked five times a second.
 * @returns a function that ends the watch and tells the peak [bytes]
 */
export async function watchPeakMemory(pid: number): Promise<() => Promise<number>> {
  if (isLinux) for (const one of await processTree(pid)) await resetPeak(one);
  const peaks = new Map<number, number>();
  let highestSum = 0;
  const sample = async (): Promise<void> => {
    const now = isLinux ? await peaksFromProc(pid) : await residentFromPs(pid);
    for (const [one, bytes] of now) peaks.set(one, Math.max(bytes, peaks.get(one) ?? 0));
    highestSum = Math.max(highestSum, sum(now.values()));
  };
  const end = new AbortController();
  const watching = (async () => {
    while (!end.signal.aborted) {
      await sample();
      await sleep(SAMPLE_MILLISECONDS);
    }
  })();
  return async () => {
    end.abort();
    await watching;
    await sample();
    return isLinux ? sum(peaks.values()) : highestSum;
  };
}

/**
 * CPU seconds, user and system, that a process and all its descendants, those that have ended included, have used so far.
 * undefined where there is no /proc.
 */
export async function cpuSeconds(pid: number): Promise<number | undefined> {
  if (!isLinux) return undefined;
  let ticks = 0;
  for (const one of await processTree(pid)) {
    const line = await readIfPresent(`/proc/${one}/stat`);
    // After the program's name in parentheses: utime, stime and those of children waited for are fields 14-17 of proc(5).
    const fields = line?.slice(line.lastIndexOf(')') + 2).split(' ') ?? [];
    ticks += sum(fields.slice(11, 15).map(Number));
  }
  return ticks / TICKS_PER_SECOND;
}

async function peaksFromProc(pid: number): Promise<Map<number, number>> {
  const peaks = new Map<number, number>();
  for (const one of await processTree(pid)) {
    const status = await readIfPresent(`/proc/${one}/status`);
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status ?? '')?.[1];
    if (kilobytes !== undefined) peaks.set(one, Number(kilobytes) * 1024);
  }
  return peaks;
}

/** Sets the high-water mark back to what is resident now. Where this is not allowed the mark stays: an upper bound. */
async function resetPeak(pid: number): Promise<void> {
  try {
    await writeFile(`/proc/${pid}/clear_refs`, '5');
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENOENT', 'ESRCH'].includes(systemCode(error) ?? '')) throw error;
  }
}

/** A process and its descendants. */
export async function processTree(pid: number): Promise<number[]> {
  const tree = [pid];
  for (const one of tree) {
    // Each thread lists the children that it has started itself.
    for (const thread of await listIfPresent(`/proc/${one}/task`)) {
      const children = await readIfPresent(`/proc/${one}/task/${thread}/children`);
      tree.push(...(children?.trim().split(' ').filter(Boolean).map(Number) ?? []));
    }
  }
  return tree;
}

async function residentFromPs(pid: number): Promise<Map<number, number>> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,rss=']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const tree = new Set([pid]);
  for (let before = 0; before !== tree.size;) {
    before = tree.size;
    for (const [one = 0, parent = 0] of rows) if (tree.has(parent)) tree.add(one);
  }
  return new Map(
    rows.filter(([one = 0]) => tree.has(one)).map(([one = 0, , kilobytes = 0]) => [one, kilobytes * 1024]),
  );
}

/** undefined where the process has ended meanwhile. */
async function readIfPresent(path: string): Promise<string | undefined> {
  return ifPresent(() => readFile(path, 'utf8'));
}

async function listIfPresent(path: string): Promise<string[]> {
  return (await ifPresent(() => readdir(path))) ?? [];
}

async function ifPresent<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
