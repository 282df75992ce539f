import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { processTree } from './process-usage.ts';

/**
 * Binds processes, with all their threads and descendants, to the first processors of the machine, by `taskset` of
 * util-linux. What they start later is bound as well.
 * @throws where there is no `taskset`, or it may not
 */
export async function bindToProcessors(pids: readonly number[], processors: number): Promise<void> {
  const list = `0-${processors - 1}`;
  // Twice, for what one has started before its own turn came.
  for (let pass = 0; pass < 2; pass++)
    for (const pid of (await Promise.all(pids.map(processTree))).flat()) await bind(pid, list);
}

async function bind(pid: number, list: string): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      await promisify(execFile)('taskset', ['--all-tasks', '--pid', '--cpu-list', list, String(pid)]);
      return;
    } catch (error) {
      if (!existsSync(`/proc/${pid}`)) return;
      // One of its threads may have ended meanwhile.
      if (tries === 5) throw new Error(`${pid} could not be bound to processors ${list}`, { cause: error });
    }
}
