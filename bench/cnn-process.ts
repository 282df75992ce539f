import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../storage/package-root.ts';
import { TRAINING_ENVIRONMENT } from '../science/cnn/tensorflow.ts';

export const WAYS = ['graph', 'op-by-op', 'keras'] as const;
export type Way = (typeof WAYS)[number];

const python = process.env['PYTHON'] || 'python3';
const referenceScript = join(packageRoot(), 'bench', 'cnn_reference.py');
/** Beside this file, compiled or not. */
const wayScript = fileURLToPath(import.meta.url).replace(/process(\.\w+)$/, 'way$1');

/** Whether there is a Python that the reference runs on. */
export function hasKeras(): boolean {
  return spawnSync(python, [referenceScript, '--versions']).status === 0;
}

/** A way that waits for commands: a line in, a line of JSON out. */
export class WayProcess {
  readonly way: Way;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #exited: Promise<unknown>;
  #errors = '';

  constructor(
    way: Way,
    { data, points, rows, signal }: { data: string; points: number; rows: number; signal: AbortSignal },
  ) {
    this.way = way;
    const sizes = [data, String(points), String(rows)];
    const [command, args] =
      way === 'keras'
        ? [python, [referenceScript, ...sizes]]
        : [process.execPath, [...process.execArgv, wayScript, way, ...sizes]];
    const env = way === 'keras' ? process.env : { ...TRAINING_ENVIRONMENT, ...process.env };
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    this.#child = child;
    this.#exited = once(child, 'close');
    child.stderr.on('data', (text: Buffer) => {
      this.#errors = (this.#errors + text.toString()).slice(-4000);
    });
    signal.addEventListener('abort', () => child.kill('SIGKILL'), { once: true });
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async ready(): Promise<void> {
    await this.#answer();
  }

  async ask(command: 'epoch' | 'predict' | 'memory'): Promise<unknown> {
    this.#child.stdin?.write(`${command}\n`);
    return this.#answer();
  }

  async end(): Promise<void> {
    this.#child.stdin?.end();
    if (this.#child.exitCode === null) this.#child.kill();
    await this.#exited;
  }

  async #answer(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) {
      await this.#exited;
      throw new Error(`${this.way} ended: ${this.#errors.trim() || 'it says nothing'}`);
    }
    return JSON.parse(value);
  }
}
