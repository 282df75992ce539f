import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArtifactPage, ENDED_PHASES, Job, LogPage, MetricPage } from '../../contracts/job.ts';
import { TrainingReport } from '../../contracts/training.ts';
import { freePort } from '../../deploy/embedded/port.ts';

// A training that dies in the middle goes on from its last epoch, and ends with the weights of one that was left in peace.
const root = fileURLToPath(new URL('../../', import.meta.url));
const EPOCHS = 40;
const POINTS = 24;
const CONFIG = {
  training_data_path: '/training.h5',
  // Small enough for the JavaScript fallback, where native TensorFlow is not set up.
  network: {
    layers: [
      { kind: 'conv1d', filters: 4 },
      { kind: 'max_pooling1d' },
      { kind: 'flatten' },
      { kind: 'dense', units: 16 },
      { kind: 'dropout' },
    ],
  },
  fitting: {
    epochs: EPOCHS,
    batch_size: 4,
    validation_fraction: 0.25,
    early_stopping: { monitor: 'val_loss', patience: EPOCHS },
    seed: 7,
  },
};

let directory: string;
let api: string;
let up: ChildProcess;
let undisturbed: string;

/** Spectra with a line of one, or of two peaks, or none, and noise; rows are labelled by name. */
async function writeTrainingSet(path: string, rows: number): Promise<void> {
  await h5wasm.ready;
  const classes = ['none', 'single', 'double'];
  const fluxes = new Float32Array(rows * POINTS);
  let state = 1;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < POINTS; i++) {
      const peaks = [[], [12], [9, 15]][row % 3] ?? [];
      const line = peaks.reduce((sum, centre) => sum + Math.exp(-((i - centre) ** 2) / 3), 0);
      fluxes[row * POINTS + i] = line + 0.5 * noise();
    }
  const file = new h5wasm.File(path, 'w');
  file.create_dataset({ name: 'fluxes', data: fluxes, shape: [rows, POINTS], dtype: '<f' });
  file.create_dataset({ name: 'wave', data: Float64Array.from({ length: POINTS }, (_, i) => 6540 + 2 * i) });
  const names = Array.from({ length: rows }, (_, row) => `spec-${String(row).padStart(4, '0')}.fits`);
  file.create_dataset({ name: 'filenames', data: names });
  file.create_dataset({ name: 'labels', data: names.map((_, row) => classes[row % 3] ?? '') });
  file.close();
}

async function start(): Promise<void> {
  const port = await freePort();
  api = `http://127.0.0.1:${port}/api`;
  up = spawn(
    process.execPath,
    ['bin/spectrolabe.mjs', 'up', '--data', directory, '--port', String(port), '--empty'],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, TENSORFLOW_SETUP: 'never' },
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

async function call<T>(
  schema: { parse(value: unknown): T },
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const answer = await fetch(`${api}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return schema.parse(await answer.json());
}

async function submit(changes: object = {}): Promise<string> {
  const { job_id: id } = await call(Job, 'POST', '/jobs', {
    type: 'TRAINING',
    label: 'faults',
    config: { ...CONFIG, ...changes },
  });
  await call(Job, 'POST', `/jobs/${id}/process/RUN`);
  return id;
}

/** Polls the job, through times when nobody answers. */
async function until(id: string, reached: (job: Job) => boolean): Promise<Job> {
  const deadline = Date.now() + 110_000;
  for (;;) {
    const job = await call(Job, 'GET', `/jobs/${id}`).catch(() => undefined);
    if (job && reached(job)) return job;
    if (Date.now() > deadline) throw new Error(`the job is ${JSON.stringify(job)}`);
    await delay(20);
  }
}
const hasEnded = (job: Job) => ENDED_PHASES.includes(job.phase);
const isInTheMiddle = (job: Job) => {
  if (hasEnded(job)) throw new Error(`it ended before it was disturbed: ${JSON.stringify(job)}`);
  return (job.progress?.done ?? 0) >= 5;
};

/** SHA-256 of the weights of a completed job. */
async function weightsOf(id: string): Promise<string> {
  const job = await until(id, hasEnded);
  expect(job).toMatchObject({ phase: 'COMPLETED' });
  const report: unknown = JSON.parse(
    readFileSync(join(directory, 'files', job.dir_path, 'training.json'), 'utf8'),
  );
  return TrainingReport.parse(report).weightsSha256;
}

async function messagesOf(id: string): Promise<string[]> {
  const { lines } = await call(LogPage, 'GET', `/jobs/${id}/log`);
  return lines.map(({ message }) => message);
}

/** Epochs whose loss was told, in order. */
async function epochsOf(id: string): Promise<number[]> {
  const { metrics } = await call(MetricPage, 'GET', `/jobs/${id}/metrics`);
  return metrics.filter(({ name }) => name === 'loss').map(({ step }) => step ?? NaN);
}

/**
 * The process of this stack (and of no other) that runs `entry`; undefined where none does. Of several the first that was
 * started: of the children that compute, one is at work and the next may wait for its task already.
 */
function pidOf(entry: string): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  for (const name of pids.toSorted((a, b) => Number(a) - Number(b))) {
    try {
      const isOurs = readFileSync(`/proc/${name}/environ`, 'utf8').includes(
        `FILES_URL=${join(directory, 'files')}`,
      );
      if (isOurs && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(entry)) return Number(name);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error; // it ended while we looked
    }
  }
  return undefined;
}

function killHard(entry: string): void {
  const pid = pidOf(entry);
  if (pid === undefined) throw new Error(`nothing runs ${entry}`);
  process.kill(pid, 'SIGKILL');
}

describe.skipIf(!existsSync('/proc/self/environ'))('a training survives kill -9', () => {
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'spectrolabe faults '));
    mkdirSync(join(directory, 'files'), { recursive: true });
    await writeTrainingSet(join(directory, 'files', 'training.h5'), 240);
    await start();
    const id = await submit();
    undisturbed = await weightsOf(id);
    expect(await epochsOf(id)).toEqual(Array.from({ length: EPOCHS }, (_, i) => i + 1));
  });
  afterAll(async () => {
    if (up.exitCode === null) {
      const ended = new Promise((resolve) => up.once('exit', resolve));
      up.kill('SIGTERM');
      await ended;
    }
    rmSync(directory, { recursive: true, force: true });
  });

  it.each([
    ['of the process that computes', 'workers/network-child'],
    ['of the worker, with the process that computes', 'workers/cpu.js'],
  ])('%s: it goes on after the last epoch', async (_, entry) => {
    const id = await submit();
    await until(id, isInTheMiddle);
    killHard(entry);
    expect(await weightsOf(id)).toBe(undisturbed);
    expect((await messagesOf(id)).filter((message) => /^goes on after epoch \d+/.test(message))).toHaveLength(
      1,
    );
    expect(await epochsOf(id)).toEqual(Array.from({ length: EPOCHS }, (__, i) => i + 1));
  });

  it('of everything: the next start goes on', async () => {
    const id = await submit();
    await until(id, isInTheMiddle);
    const ended = new Promise((resolve) => up.once('exit', resolve));
    up.kill('SIGKILL');
    for (const entry of ['workers/cpu.js', 'workers/control.js', 'api/server.js']) killHard(entry);
    await ended;
    await start();
    expect(await weightsOf(id)).toBe(undisturbed);
    expect(await messagesOf(id)).toContainEqual(expect.stringMatching(/^goes on after epoch \d+/));
  });

  it('is gone after an abort, and leaves nothing', async () => {
    const id = await submit();
    const { dir_path: jobDirectory } = await until(id, isInTheMiddle);
    const pid = pidOf('workers/network-child');
    await call(Job, 'POST', `/jobs/${id}/process/ABORT`);
    const asked = Date.now();
    expect(pid).toBeDefined();
    while (pidOf('workers/network-child') === pid) await delay(20);
    console.log(`gone ${Date.now() - asked} ms after ABORT`);
    for (const checkpoint = join(directory, 'objects', 'work', id); existsSync(checkpoint);) await delay(20);
    expect(readdirSync(join(directory, 'files', jobDirectory))).not.toContain('model');
  });

  it('says why it cannot train, once, where the data will not do', async () => {
    const id = await submit({ training_data_path: '/nothing.h5' });
    const job = await until(id, hasEnded);
    expect(job).toMatchObject({ phase: 'ERROR' });
    expect(job.error?.message).toContain('training_data_path');
  });

  it('classifies a pool with the trained network', async () => {
    const id = await submit({ pool_data_path: '/training.h5', batch_size_predict: 50 });
    const job = await until(id, hasEnded);
    expect(job).toMatchObject({ phase: 'COMPLETED' });
    expect(job.status_detail).toContain('240 spectra classified');
    const { artifacts } = await call(ArtifactPage, 'GET', `/jobs/${id}/artifacts`);
    expect(artifacts.map(({ path }) => path)).toContain('predictions.h5');
    await h5wasm.ready;
    const file = new h5wasm.File(join(directory, 'files', job.dir_path, 'predictions.h5'), 'r');
    const probabilities = file.get('probabilities');
    if (!(probabilities instanceof h5wasm.Dataset)) throw new Error('there are no probabilities');
    expect(probabilities.shape).toEqual([240, 3]);
    const values = probabilities.value;
    if (!(values instanceof Float32Array)) throw new Error('probabilities are not float32');
    for (let row = 0; row < 240; row++)
      expect(values.subarray(3 * row, 3 * row + 3).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    file.close();
  });
});
