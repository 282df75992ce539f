import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { JobPage } from '../../contracts/job.ts';
import { freePort } from '../../deploy/embedded/port.ts';
import { isAlive, ProcessIdentity } from '../../deploy/embedded/process.ts';

// `npm start` as people meet it, on a path with blanks, without LANG; its parts, its orphans, its refusals.
const root = fileURLToPath(new URL('../../', import.meta.url));
const READY_MILLISECONDS = 90_000;
const PARTS = ['PostgreSQL', 'Temporal', 'API', 'control worker', 'cpu worker'];
const Recorded = z.record(z.string(), ProcessIdentity);

interface Started {
  child: ChildProcess;
  url: string;
  said: () => string;
  /** Exit code of the whole, or the signal that ended it. */
  ended: Promise<number | string>;
}

const started: ChildProcess[] = [];

/** `npm start -- --data …` without waiting for anything. */
function up(data: string, port: number, ...options: string[]): Started {
  const child = spawn(
    process.execPath,
    ['bin/spectrolabe.mjs', 'up', '--data', data, '--port', String(port), ...options],
    {
      cwd: root,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        TEMPORAL_CLI_PATH: process.env['TEMPORAL_CLI_PATH'],
        TENSORFLOW_SETUP: 'never',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  started.push(child);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += String(chunk)));
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => String(signal ?? code));
  return { child, url: `http://127.0.0.1:${port}`, said: () => text, ended };
}

/** Resolves once the start has said that it is ready. */
async function ready(start: Started): Promise<void> {
  const deadline = Date.now() + READY_MILLISECONDS;
  while (!start.said().includes('is ready')) {
    if (start.child.exitCode !== null || Date.now() > deadline)
      throw new Error(`not ready:\n${start.said()}`);
    await delay(50);
  }
  expect((await fetch(`${start.url}/api/ready`)).status).toBe(200);
}

function partsOf(data: string): z.infer<typeof Recorded> {
  return Recorded.parse(JSON.parse(readFileSync(join(data, 'processes.json'), 'utf8')));
}

/** Names of the recorded parts that are running. */
async function living(parts: z.infer<typeof Recorded>): Promise<string[]> {
  const names: string[] = [];
  for (const [name, identity] of Object.entries(parts)) if (await isAlive(identity)) names.push(name);
  return names.sort();
}

async function jobsOf(start: Started) {
  return JobPage.parse(await (await fetch(`${start.url}/api/jobs`)).json()).jobs;
}

afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
});

describe('npm start', () => {
  let base: string;
  let data: string;
  let port: number;
  let running: Started;

  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), 'npm start of a test '));
    data = join(base, 'a data directory');
    port = await freePort();
    running = up(data, port);
    await ready(running);
  });
  afterAll(async () => {
    if (running.child.exitCode === null && running.child.signalCode === null) {
      running.child.kill('SIGTERM');
      await running.ended;
    }
    rmSync(base, { recursive: true, force: true });
  });

  it('comes up with every part, and lands a newcomer on a result', async () => {
    expect(await living(partsOf(data))).toEqual([...PARTS].sort());
    await expect
      .poll(() => jobsOf(running), { timeout: 60_000, interval: 200 })
      .toMatchObject([{ label: 'Sample spectra', phase: 'COMPLETED' }]);
    expect(running.said()).toContain(running.url);
    expect(running.said()).toContain(data);
  });

  it('refuses a second start on its data directory, naming itself and its address', async () => {
    const second = up(data, await freePort());
    expect(await second.ended).toBe('1');
    expect(second.said()).toContain(`process ${running.child.pid}, serving ${running.url}`);
    expect(await living(partsOf(data))).toEqual([...PARTS].sort());
  });

  it('refuses a port that is taken, says what to do, and leaves nothing running', async () => {
    const other = join(base, 'other');
    const second = up(other, port);
    expect(await second.ended).toBe('1');
    expect(second.said()).toMatch(new RegExp(`Port ${port} .*is taken.*--port \\d+`, 's'));
    expect(existsSync(join(other, 'lock'))).toBe(false);
    expect(existsSync(join(other, 'processes.json'))).toBe(false);
  });

  it('starts a part again that died', async () => {
    for (const name of ['API', 'Temporal', 'PostgreSQL'] as const) {
      const before = partsOf(data)[name];
      process.kill(before?.pid ?? 0, 'SIGKILL');
      await expect.poll(() => partsOf(data)[name]?.pid, { timeout: 30_000 }).not.toBe(before?.pid);
      await expect
        .poll(async () => (await fetch(`${running.url}/api/ready`).catch(() => undefined))?.status, {
          timeout: 60_000,
        })
        .toBe(200);
      expect(running.said()).toContain(`${name} ended (SIGKILL)`);
    }
  });

  it('takes over from a start that was killed: ends its orphans, keeps its work, adds no second sample', async () => {
    const before = partsOf(data);
    running.child.kill('SIGKILL');
    await running.ended;
    expect(await living(before)).toEqual([...PARTS].sort());

    running = up(data, port);
    await ready(running);
    expect(await living(before)).toEqual([]);
    expect(running.said()).toContain('earlier start had left running');
    expect(await jobsOf(running)).toMatchObject([{ label: 'Sample spectra', phase: 'COMPLETED' }]);
  });

  it('comes up after everything was killed at once, as by a power cut', async () => {
    const before = partsOf(data);
    running.child.kill('SIGKILL');
    for (const { pid } of Object.values(before)) process.kill(pid, 'SIGKILL');
    await running.ended;

    running = up(data, port);
    await ready(running);
    expect(await jobsOf(running)).toMatchObject([{ label: 'Sample spectra', phase: 'COMPLETED' }]);
  });

  it('stops on Ctrl-C: all parts gone, exit code 0, the directory free', async () => {
    const before = partsOf(data);
    running.child.kill('SIGINT');
    expect(await running.ended).toBe('0');
    expect(await living(before)).toEqual([]);
    expect(readdirSync(data)).not.toContain('lock');
    expect(readdirSync(data)).not.toContain('processes.json');
    const log = readFileSync(join(data, 'logs', 'postgresql.log'), 'utf8');
    expect(log.trimEnd().split('\n').at(-1)).toContain('database system is shut down');
  });
});

describe('npm start on an empty directory', () => {
  let base: string;
  afterEach(() => {
    rmSync(base, { recursive: true, force: true });
  });

  it('goes on where a first start was killed half-way through its set-up', async () => {
    base = mkdtempSync(join(tmpdir(), 'half a start '));
    const data = join(base, 'data');
    const port = await freePort();
    // The first kill falls into initdb or a little later, the second into migrations or the coming up of the parts.
    for (const milliseconds of [700, 2500]) {
      const half = up(data, port);
      const since = Date.now();
      while (!existsSync(join(data, 'lock')) && Date.now() - since < 60_000) await delay(5);
      await delay(milliseconds);
      half.child.kill('SIGKILL');
      await half.ended;
    }
    const whole = up(data, port);
    await ready(whole);
    await expect
      .poll(() => jobsOf(whole), { timeout: 60_000, interval: 200 })
      .toMatchObject([{ label: 'Sample spectra', phase: 'COMPLETED' }]);
    expect(readdirSync(data).filter((name) => name.includes('initdb'))).toEqual([]);
    whole.child.kill('SIGTERM');
    expect(await whole.ended).toBe('0');
  });

  it('uses an archive in place with --spectra, and writes nothing into it', async () => {
    base = mkdtempSync(join(tmpdir(), 'an archive '));
    const data = join(base, 'data');
    const archive = join(root, 'samples', 'spectra');
    const changedAt = statSync(archive).mtimeMs;
    const start = up(data, await freePort(), '--spectra', archive);
    await ready(start);
    const Total = z.object({ total: z.number() });
    await expect
      .poll(async () => Total.parse(await (await fetch(`${start.url}/api/spectra`)).json()).total, {
        timeout: 60_000,
        interval: 200,
      })
      .toBeGreaterThan(60);
    expect(await jobsOf(start)).toEqual([]);
    start.child.kill('SIGTERM');
    expect(await start.ended).toBe('0');
    expect(statSync(archive).mtimeMs).toBe(changedAt);
  });

  it('refuses what it cannot do: another address, an absent archive, a port that is none', async () => {
    base = mkdtempSync(join(tmpdir(), 'refusals '));
    const data = join(base, 'data');
    for (const [options, reason] of [
      [['--host', '0.0.0.0'], /no users/],
      [['--spectra', join(base, 'absent')], /is not a directory/],
      [['--temporal-port', 'http'], /--temporal-port is a number/],
      [['--data', ''], /--data names no directory/],
    ] as const) {
      const refused = up(data, await freePort(), ...options);
      expect(await refused.ended).toBe('2');
      expect(refused.said()).toMatch(reason);
    }
    expect(existsSync(data)).toBe(false);
  });

  it('stops when asked while it is still starting', async () => {
    base = mkdtempSync(join(tmpdir(), 'an early end '));
    const data = join(base, 'data');
    const early = up(data, await freePort());
    while (!existsSync(join(data, 'processes.json'))) await delay(5);
    const parts = partsOf(data);
    early.child.kill('SIGTERM');
    expect(await early.ended).toBe('1');
    expect(await living(parts)).toEqual([]);
    expect(existsSync(join(data, 'lock'))).toBe(false);
  });

  it('takes a lock over that its dead owner left, whatever stands in it', async () => {
    base = mkdtempSync(join(tmpdir(), 'a stale lock '));
    const port = await freePort();
    writeFileSync(
      join(base, 'lock'),
      '{"pid":1,"startedAt":"an earlier life","address":"http://127.0.0.1:1"}',
    );
    const start = up(base, port, '--empty');
    await ready(start);
    expect(await jobsOf(start)).toEqual([]);
    start.child.kill('SIGTERM');
    expect(await start.ended).toBe('0');
  });
});
