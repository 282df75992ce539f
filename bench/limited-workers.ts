import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../storage/package-root.ts';
import { type CpuLimit, limitCpu } from './cpu-limit.ts';

/** The cpu workers beside the embedded stack's own, each in a control group. */
export class Workers {
  readonly #data: string;
  readonly #cores: number;
  readonly #limits: CpuLimit[] = [];
  readonly #children: ChildProcess[] = [];

  constructor(data: string, cores: number) {
    this.#data = data;
    this.#cores = cores;
  }

  async limitFirst(pid: number | undefined): Promise<void> {
    if (pid === undefined) throw new Error('the stack has no cpu worker');
    await (await this.#newLimit()).add(pid);
  }

  /** Starts more, the first one included in the count. */
  async startUpTo(count: number): Promise<void> {
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
  }

  async usedSeconds(): Promise<number> {
    const used = await Promise.all(this.#limits.map((limit) => limit.usedSeconds()));
    return used.reduce((sum, seconds) => sum + seconds, 0);
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        child.kill('SIGTERM');
        await ended;
      }),
    );
  }

  /** Once all processes have ended, the stack's own included. */
  async removeLimits(): Promise<void> {
    for (const limit of this.#limits) await limit.remove();
  }

  async #newLimit(): Promise<CpuLimit> {
    const limit = await limitCpu(`spectrolabe-${process.pid}-${this.#limits.length}`, this.#cores);
    this.#limits.push(limit);
    return limit;
  }
}
