import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { freePort } from '../../deploy/embedded/port.ts';
import { isAlive, ProcessIdentity } from '../../deploy/embedded/process.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const READY_MS = 90_000;
const REQUEST_MS = 20_000;
const RETRY_MS = 100;
/** A part that was killed is back, and what it owes is done, long before. */
const AWAY_MS = 90_000;

export type Part = 'API' | 'control worker' | 'cpu worker' | 'Temporal' | 'PostgreSQL';

/** The API answered, and not with a 2xx or a 5xx: to ask again would be answered the same. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** All that `npm start` starts, on a directory of its own, in processes that a test may kill. */
export class RunningStack {
  readonly directory: string;
  #url = '';
  #up: ChildProcess | undefined;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Of the API, without `/api`. */
  get url(): string {
    return this.#url;
  }

  async start(environment: Record<string, string> = {}): Promise<void> {
    const port = await freePort();
    this.#url = `http://127.0.0.1:${port}`;
    const up = spawn(
      process.execPath,
      ['bin/spectrolabe.mjs', 'up', '--data', this.directory, '--port', String(port), '--empty'],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, TENSORFLOW_SETUP: 'never', ...environment },
      },
    );
    this.#up = up;
    const deadline = Date.now() + READY_MS;
    for (;;) {
      if (up.exitCode !== null) throw new Error(`npm start ended with ${up.exitCode}`);
      const ready = await fetch(`${this.#url}/api/ready`).catch(() => undefined);
      if (ready?.ok) return;
      if (Date.now() > deadline) throw new Error('not ready in time');
      await delay(RETRY_MS);
    }
  }

  async stop(): Promise<void> {
    const up = this.#up;
    if (!up || up.exitCode !== null || up.signalCode !== null) return;
    const ended = once(up, 'exit');
    up.kill('SIGTERM');
    await ended;
  }

  /** While it is held, `npm start` brings nothing back that dies. */
  hold(): void {
    this.#up?.kill('SIGSTOP');
  }
  release(): void {
    this.#up?.kill('SIGCONT');
  }

  /** `kill -9`; waits for the part where it is being started again. @returns once it is dead */
  async kill(part: Part): Promise<void> {
    for (const deadline = Date.now() + AWAY_MS; ; await delay(20)) {
      const identity = this.#identityOf(part);
      if (identity && (await isAlive(identity))) {
        process.kill(identity.pid, 'SIGKILL');
        while (await isAlive(identity)) await delay(5);
        return;
      }
      if (Date.now() > deadline) throw new Error(`${part} does not come back`);
    }
  }

  /** Asks a part to end by SIGTERM, as a roll-out does. @returns once it has ended; after so many milliseconds */
  async drain(part: Part): Promise<number> {
    const identity = this.#identityOf(part);
    if (!identity) throw new Error(`${part} does not run`);
    const asked = performance.now();
    process.kill(identity.pid, 'SIGTERM');
    while (await isAlive(identity)) await delay(20);
    return performance.now() - asked;
  }

  #identityOf(part: Part): ProcessIdentity | undefined {
    const text = readFileSync(join(this.directory, 'processes.json'), 'utf8');
    return z.record(z.string(), ProcessIdentity).parse(JSON.parse(text))[part];
  }

  /** One request. @throws Refused; another Error where nobody answers, or with a 5xx */
  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.#url}/api${path}`, {
      method,
      signal: AbortSignal.timeout(REQUEST_MS),
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const said = `${method} ${path}: ${answer.status} ${text.slice(0, 500)}`;
    if (answer.status >= 500) throw new Error(said);
    if (!answer.ok) throw new Refused(said);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** A request that is sent again for as long as nobody answers it. @throws Refused */
  async call<T>(
    schema: { parse(value: unknown): T },
    method: string,
    path: string,
    body?: unknown,
  ): Promise<T> {
    for (const deadline = Date.now() + AWAY_MS; ; await delay(RETRY_MS)) {
      try {
        return schema.parse(await this.request(method, path, body));
      } catch (error) {
        if (error instanceof Refused || error instanceof z.ZodError || Date.now() > deadline) throw error;
      }
    }
  }
}
