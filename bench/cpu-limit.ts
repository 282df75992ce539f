import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = '/sys/fs/cgroup';
const PERIOD_MICROSECONDS = 20_000;
const NANOSECONDS = 1e9;

/** Processes that together get no more than so much processor time. */
export interface CpuLimit {
  /** Puts a process in it, all of its threads and its later children included. */
  add(pid: number): Promise<void>;
  /** Processor time that its processes have used so far [s]. */
  usedSeconds(): Promise<number>;
  /** Takes it away, once its processes have ended. */
  remove(): Promise<void>;
}

/**
 * A control group of Linux with a quota of the processor, as a container has: version 2, or version 1 where that is mounted.
 * @param cores 1 is one processor; undefined: all there are, which are only counted
 * @throws where there is none that we may make (it takes root)
 */
export async function limitCpu(name: string, cores: number | undefined): Promise<CpuLimit> {
  const quota = cores === undefined ? undefined : Math.round(cores * PERIOD_MICROSECONDS);
  const isVersion2 = existsSync(join(ROOT, 'cgroup.controllers'));
  const group = join(ROOT, isVersion2 ? '' : 'cpu', name);
  const accounting = join(ROOT, isVersion2 ? '' : 'cpuacct', name);
  const directories = [...new Set([group, accounting])];
  try {
    if (isVersion2 && !readFileSync(join(ROOT, 'cgroup.subtree_control'), 'utf8').split(/\s/).includes('cpu'))
      await writeFile(join(ROOT, 'cgroup.subtree_control'), '+cpu');
    for (const directory of directories) await mkdir(directory);
    if (isVersion2) await writeFile(join(group, 'cpu.max'), `${quota ?? 'max'} ${PERIOD_MICROSECONDS}`);
    else {
      await writeFile(join(group, 'cpu.cfs_period_us'), String(PERIOD_MICROSECONDS));
      await writeFile(join(group, 'cpu.cfs_quota_us'), String(quota ?? -1));
    }
  } catch (error) {
    throw new Error(`there is no control group to be had at ${ROOT} (it takes Linux, and root)`, {
      cause: error,
    });
  }
  return {
    add: async (pid) => {
      for (const directory of directories) await writeFile(join(directory, 'cgroup.procs'), String(pid));
    },
    usedSeconds: async () => {
      if (!isVersion2) return Number(await readFile(join(accounting, 'cpuacct.usage'), 'utf8')) / NANOSECONDS;
      const [, microseconds = ''] =
        /^usage_usec (\d+)$/m.exec(await readFile(join(group, 'cpu.stat'), 'utf8')) ?? [];
      return Number(microseconds) / 1e6;
    },
    remove: async () => {
      for (const directory of directories) {
        // The kernel lets go of the last process a moment after its end.
        for (let tries = 0; ; tries++)
          try {
            await rmdir(directory);
            break;
          } catch (error) {
            if (tries === 50) throw error;
            await sleep(100);
          }
      }
    },
  };
}
