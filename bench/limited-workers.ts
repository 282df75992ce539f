import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../storage/package-root.ts';
import { type CpuLimit, limitCpu } from './cpu-limit.ts';

/** The cpu workers beside the embedded stack's own, each in a control group. */
export class Workers {
  readonly #data: string;
  readonly #cores: number | undefined;
  readonly #limits: CpuLimit[] = [];
  readonly #children: ChildProcess[] = [];
  /** Processor time of those that have been stopped [s]. */
  #ended = 0;
  #made = 0;

  /** @param cores of each; undefined: as many as its one thread and what is beside it take */
  constructor(data: string, cores: number | undefined) {
    this.#data = data;
    this.#cores = cores;
  }

  async limitFirst(pid: number | undefined): Promise<void> {
    if (pid === undefined) throw new Error('the stack has no cpu worker');
    await (await this.#newLimit()).add(pid);
  }

  /** Starts or stops some; the first one is included in the count, and stays. @returns whether one was started */
  async have(count: number): Promise<boolean> {
    for (const child of this.#children.splice(count - 1)) await end(child);
    for (const limit of this.#limits.splice(count)) {
      this.#ended += await limit.usedSeconds();
      await limit.remove();
    }
    const areNew = this.#limits.length < count;
    while (this.#limits.length < count) {
      const limit = await this.#newLimit();
      const child = spawn(
        process.execPath,
        [join(packageRoot(), 'bin', 'spectrolabe.mjs'), 'worker', '--data', this.#data, '--threads', '1'],
        { detached: true, stdio: 'ignore', env: { ...process.env, TENSORFLOW_SETUP: 'never' } },
      );
      this.#children.push(child);
      if (child.pid === undefined) throw new Error('a worker could not be started');
      await limit.add(child.pid);
    }
    return areNew;
  }

  /** Of those that were started here. */
  get pids(): number[] {
    return this.#children.flatMap(({ pid }) => pid ?? []);
  }

  async usedSeconds(): Promise<number> {
    const used = await Promise.all(this.#limits.map((limit) => limit.usedSeconds()));
    return used.reduce((sum, seconds) => sum + seconds, this.#ended);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map(end));
  }

  /** Once all processes have ended, the stack's own included. */
  async removeLimits(): Promise<void> {
    for (const limit of this.#limits) await limit.remove();
  }

  async #newLimit(): Promise<CpuLimit> {
    const limit = await limitCpu(`spectrolabe-${process.pid}-${this.#made++}`, this.#cores);
    this.#limits.push(limit);
    return limit;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
