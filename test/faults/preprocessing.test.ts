import { createHash } from 'node:crypto';
import { type ChildProcess, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArtifactPage, ENDED_PHASES, Job } from '../../contracts/job.ts';
import { freePort } from '../../deploy/embedded/port.ts';

// What a user fears most: something dies in the middle. Each time the result must be the undisturbed one, byte by byte.
const root = fileURLToPath(new URL('../../', import.meta.url));
const samples = join(root, 'samples', 'spectra');
const COPIES = 60;
const CONFIG = {
  data_dir_path: '/survey',
  wave_start_point: 3900,
  wave_end_point: 8900,
  wave_point_count: 2000,
  // What an earlier job has made would leave nothing to disturb.
  reuse: 'never',
};

let directory: string;
let api: string;
let up: ChildProcess;
let undisturbed: string;

async function start(): Promise<void> {
  const port = await freePort();
  api = `http://127.0.0.1:${port}/api`;
  up = spawn(
    process.execPath,
    ['bin/spectrolabe.mjs', 'up', '--data', directory, '--port', String(port), '--empty'],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  for (let i = 0; i < 600; i++) {
    if (up.exitCode !== null) throw new Error(`npm start ended with ${up.exitCode}`);
    const ready = await fetch(`${api}/ready`).catch(() => undefined);
    if (ready?.ok) return;
    await delay(100);
  }
  throw new Error('not ready within a minute');
}

const call = async <T>(
  schema: { parse(value: unknown): T },
  method: string,
  path: string,
  body?: unknown,
): Promise<T> => {
  const answer = await fetch(`${api}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return schema.parse(await answer.json());
};

async function submit(changes: Partial<typeof CONFIG> = {}): Promise<string> {
  const { job_id: id } = await call(Job, 'POST', '/jobs', {
    type: 'DATA_PREPROCESSING',
    label: 'faults',
    config: { ...CONFIG, ...changes },
  });
  await call(Job, 'POST', `/jobs/${id}/process/RUN`);
  return id;
}

/** Polls the job, through times when nobody answers. */
async function until(id: string, reached: (job: Job) => boolean): Promise<Job> {
  const deadline = Date.now() + 90_000;
  for (;;) {
    const job = await call(Job, 'GET', `/jobs/${id}`).catch(() => undefined);
    if (job && reached(job)) return job;
    if (Date.now() > deadline) throw new Error(`the job is ${JSON.stringify(job)}`);
    await delay(20);
  }
}
const isUnderWay = (job: Job) => job.phase === 'PROCESSING' && (job.progress?.total ?? 0) > 0;
const hasEnded = (job: Job) => ENDED_PHASES.includes(job.phase);

/** SHA-256 of a completed job's result.h5. */
async function resultOf(id: string): Promise<string> {
  const job = await until(id, hasEnded);
  expect(job).toMatchObject({ phase: 'COMPLETED', progress: { rejected: 0 } });
  // The worker may have died before it had read the file for it.
  for (const deadline = Date.now() + 30_000; ;) {
    const { artifacts } = await call(ArtifactPage, 'GET', `/jobs/${id}/artifacts`);
    const sha256 = artifacts.find(({ path }) => path === 'result.h5')?.sha256;
    if (sha256) return sha256;
    if (Date.now() > deadline) throw new Error(`no hash of ${JSON.stringify(artifacts)}`);
    await delay(100);
  }
}

/** How many files a completed job took over from earlier ones. */
async function reusedBy(id: string): Promise<number> {
  const { status_detail: detail } = await until(id, hasEnded);
  return Number(/, (\d+) files reused/.exec(detail ?? '')?.[1] ?? 0);
}

/** All parts in the object store, by path. */
function partFiles(): string[] {
  const parts = join(directory, 'objects', 'parts');
  return readdirSync(parts, { recursive: true, encoding: 'utf8' })
    .map((name) => join(parts, name))
    .filter((path) => !path.endsWith('.partial') && statSync(path).isFile());
}

/** The process of this stack (and of no other) that runs `entry`. */
function pidOf(entry: string): number {
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const isOurs = readFileSync(`/proc/${name}/environ`, 'utf8').includes(
        `FILES_URL=${join(directory, 'files')}`,
      );
      if (isOurs && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(entry)) return Number(name);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error; // it ended while we looked
    }
  }
  throw new Error(`nothing runs ${entry}`);
}

describe.skipIf(!existsSync('/proc/self/environ'))('preprocessing survives kill -9', () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'spectrolabe faults '));
    for (let copy = 0; copy < COPIES; copy++) {
      const target = join(directory, 'files', 'SPECTRA', 'survey', String(copy).padStart(3, '0'));
      mkdirSync(target, { recursive: true });
      cpSync(samples, target, { recursive: true });
    }
    await start();
    const id = await submit();
    undisturbed = await resultOf(id);
    const { dir_path: dirPath } = await call(Job, 'GET', `/jobs/${id}`);
    const written = readFileSync(join(directory, 'files', dirPath, 'result.h5'));
    expect(createHash('sha256').update(written).digest('hex')).toBe(undisturbed);
  });
  afterAll(async () => {
    if (up.exitCode === null) {
      const ended = new Promise((resolve) => up.once('exit', resolve));
      up.kill('SIGTERM');
      await ended;
    }
    rmSync(directory, { recursive: true, force: true });
  });

  it('of the worker', async () => {
    const id = await submit();
    await until(id, isUnderWay);
    process.kill(pidOf('workers/cpu.js'), 'SIGKILL');
    expect(await resultOf(id)).toBe(undisturbed);
  });

  it('of the control worker', async () => {
    const id = await submit();
    await until(id, isUnderWay);
    process.kill(pidOf('workers/control.js'), 'SIGKILL');
    expect(await resultOf(id)).toBe(undisturbed);
  });

  it('of the API, right after RUN was answered', async () => {
    const id = await submit();
    process.kill(pidOf('api/server.js'), 'SIGKILL');
    expect(await resultOf(id)).toBe(undisturbed);
  });

  it('of npm start itself: the next start goes on', async () => {
    const id = await submit();
    await until(id, isUnderWay);
    const ended = new Promise((resolve) => up.once('exit', resolve));
    up.kill('SIGKILL');
    await ended;
    await start();
    expect(await resultOf(id)).toBe(undisturbed);
  });

  it('and Ctrl-C, which stops in order: the next start goes on', async () => {
    const id = await submit();
    await until(id, isUnderWay);
    const ended = new Promise((resolve) => up.once('exit', resolve));
    up.kill('SIGINT');
    expect(await ended).toBe(0);
    await start();
    expect(await resultOf(id)).toBe(undisturbed);
  });

  it('of a second worker, which shares nothing with the first but storage, Temporal and PostgreSQL', async () => {
    const second = spawn(
      process.execPath,
      ['bin/spectrolabe.mjs', 'worker', '--data', directory, '--threads', '1'],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const isReady = new Promise<void>((resolve) => {
      second.stdout.on('data', (chunk: Buffer) => {
        if (chunk.includes('worker is ready')) resolve();
      });
    });
    await isReady;
    const together = await submit();
    expect(await resultOf(together)).toBe(undisturbed);
    const id = await submit();
    await until(id, isUnderWay);
    second.kill('SIGKILL');
    expect(await resultOf(id)).toBe(undisturbed);
  });

  describe('and parts of earlier jobs', () => {
    let total: number;
    const first = () => join(directory, 'files', 'SPECTRA', 'survey', '000');
    it('are taken over where nothing changed', async () => {
      const before = await submit({ reuse: 'metadata' });
      expect(await resultOf(before)).toBe(undisturbed);
      expect(await reusedBy(before)).toBe(0); // the jobs above left none: `reuse: never`
      const id = await submit({ reuse: 'metadata' });
      expect(await resultOf(id)).toBe(undisturbed);
      const { progress } = await until(id, hasEnded);
      total = progress?.total ?? 0;
      expect(await reusedBy(id)).toBe(total);
    });

    it('are made again for a file that was touched, and for no other grid', async () => {
      const [name = ''] = readdirSync(first(), { recursive: true, encoding: 'utf8' }).filter((file) =>
        file.endsWith('.gz'),
      );
      utimesSync(join(first(), name), new Date(), new Date());
      const id = await submit({ reuse: 'metadata' });
      expect(await resultOf(id)).toBe(undisturbed);
      expect(await reusedBy(id)).toBeLessThan(total);
      expect(await reusedBy(id)).toBeGreaterThanOrEqual(total - 512);
      expect(await reusedBy(await submit({ reuse: 'metadata', wave_point_count: 1999 }))).toBe(0);
    });

    it('are told by the content of the files, on request', async () => {
      expect(await reusedBy(await submit({ reuse: 'content' }))).toBe(0);
      const [name = ''] = readdirSync(first(), { recursive: true, encoding: 'utf8' }).filter((file) =>
        file.endsWith('.gz'),
      );
      utimesSync(join(first(), name), new Date(), new Date());
      const id = await submit({ reuse: 'content' });
      expect(await resultOf(id)).toBe(undisturbed);
      expect(await reusedBy(id)).toBe(total);
    });

    it('are made again where they are damaged or gone', async () => {
      for (const [i, path] of partFiles().entries())
        if (i % 7 === 0) rmSync(path);
        else if (i % 7 === 1) {
          const bytes = readFileSync(path);
          bytes.fill(0, bytes.length - 64);
          writeFileSync(path, bytes);
        } else if (i % 7 === 2) writeFileSync(path, readFileSync(path).subarray(0, 5000));
      expect(await resultOf(await submit({ reuse: 'metadata' }))).toBe(undisturbed);
    });
  });

  it('and aborts, with nothing left of the run', async () => {
    for (const afterMs of [0, 30, 60, 120, 250]) {
      const id = await submit();
      const { dir_path: path } = await until(id, isUnderWay);
      await delay(afterMs);
      const asked = Date.now();
      expect(await call(Job, 'POST', `/jobs/${id}/process/ABORT`)).toMatchObject({ phase: 'ABORTED' });
      // Alone it takes under a second; how long beside other tests is theirs to say, and no measure of it.
      const work = join(directory, 'objects', 'work', id);
      await expect.poll(() => existsSync(work), { timeout: 30_000, interval: 20 }).toBe(false);
      console.log(`quiet ${Date.now() - asked} ms after ABORT`);
      await delay(300);
      // A part that was under way when its shard was cancelled must not come after the clean-up.
      expect(existsSync(work)).toBe(false);
      expect(readdirSync(join(directory, 'files', path))).not.toContain('result.h5');
    }
  });
});
