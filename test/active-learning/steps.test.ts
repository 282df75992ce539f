import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { ENDED_PHASES, Job } from '../../contracts/job.ts';
import { type Labelling, LabellingPage } from '../../contracts/labelling.ts';
import { freePort } from '../../deploy/embedded/port.ts';
import { DimensionReduction, PerformanceEstimates } from '../../science/artifacts/json-files.ts';

// Active learning as clients of the ML Job Manager do it: each iteration is a job of its own, which the client labels
// once it is completed, and whose new_config.json it submits as the next one.

const root = fileURLToPath(new URL('../../', import.meta.url));
const POINTS = 48;
const SPECTRA = 90;
const CLASSES = ['other', 'single peak', 'double peak'];
/** Every key that the old clients know, and no other. There is no network yet at iteration 0. */
const FIRST_CONFIG = {
  classes: CLASSES,
  candidate_classes: ['single peak', 'double peak'],
  pool_data_path: '/pool.h5',
  training_data_path: '',
  training_data_to_add_path: '',
  oracle_data_to_add_path: '',
  perf_est_list_path: '',
  oracle_batch_size: 18,
  perf_est_batch_size: 6,
  show_candidates: true,
  save_model: true,
  epochs_train: 6,
  batch_size_train: 8,
  min_delta_train: 1e-3,
  patience_train: 10,
  batch_size_predict: 64,
  iteration: 0,
};
/** Small enough for the JavaScript fallback, where native TensorFlow is not set up: the default takes minutes there. */
const SMALL_NETWORK = {
  layers: [
    { kind: 'conv1d', filters: 4, kernel_size: 5 },
    { kind: 'max_pooling1d' },
    { kind: 'flatten' },
    { kind: 'dense', units: 16 },
    { kind: 'dropout' },
  ],
};
type Config = Record<string, unknown>;
const Json = z.record(z.string(), z.unknown());
const PreparedSpectra = z.object({
  wave: z.array(z.number()),
  spectra: z.record(z.string(), z.array(z.number())),
});

let directory: string;
let api: string;
let up: ChildProcess;

const nameOf = (row: number) => `spec-${String(row).padStart(4, '0')}.fits`;
/** Class of a spectrum of the pool. */
const truthOf = (filename: string) => Number(/\d+/.exec(filename)?.[0]) % CLASSES.length;

/** Spectra with no line, a line of one peak, or of two, and noise. */
async function writePool(path: string): Promise<void> {
  await h5wasm.ready;
  const fluxes = new Float32Array(SPECTRA * POINTS);
  let state = 1;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const names = Array.from({ length: SPECTRA }, (_, row) => nameOf(row));
  names.forEach((name, row) => {
    const peaks = [[], [24], [18, 30]][truthOf(name)] ?? [];
    for (let i = 0; i < POINTS; i++)
      fluxes[row * POINTS + i] =
        peaks.reduce((sum, centre) => sum + Math.exp(-((i - centre) ** 2) / 8), 0) + 0.3 * noise();
  });
  const file = new h5wasm.File(path, 'w');
  file.create_dataset({ name: 'fluxes', data: fluxes, shape: [SPECTRA, POINTS], dtype: '<f' });
  file.create_dataset({ name: 'wave', data: Float64Array.from({ length: POINTS }, (_, i) => 6540 + i) });
  file.create_dataset({ name: 'filenames', data: names });
  file.close();
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spectrolabe steps '));
  mkdirSync(join(directory, 'files'));
  await writePool(join(directory, 'files', 'pool.h5'));
  const port = await freePort();
  api = `http://127.0.0.1:${port}/api`;
  up = spawn(
    process.execPath,
    ['bin/spectrolabe.mjs', 'up', '--data', directory, '--port', String(port), '--empty'],
    { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
  );
  for (let i = 0; ; i++) {
    if (up.exitCode !== null || i === 900) throw new Error('the stack did not come up');
    if ((await fetch(`${api}/ready`).catch(() => undefined))?.ok) return;
    await delay(100);
  }
});
afterAll(async () => {
  if (up.exitCode === null) {
    const ended = new Promise((resolve) => up.once('exit', resolve));
    up.kill('SIGTERM');
    await ended;
  }
  rmSync(directory, { recursive: true, force: true });
});

/** @throws Error where the answer is not of this status */
async function request(method: string, path: string, status: number, body?: unknown): Promise<Response> {
  const answer = await fetch(`${api}${path}`, {
    method,
    redirect: 'error',
    ...(body instanceof FormData
      ? { body }
      : body !== undefined && {
          body: JSON.stringify(body),
          headers: { 'content-type': 'application/json' },
        }),
  });
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function upload(dir: string, name: string, value: unknown): Promise<void> {
  const form = new FormData();
  form.set('file', new Blob([JSON.stringify(value)]), name);
  await request('POST', `/files/${name}/upload/?parent_dir_path=${encodeURIComponent(dir)}`, 201, form);
}

const download = (dir: string, name: string) =>
  request('GET', `/files/${name}/download/?parent_dir_path=${encodeURIComponent(dir)}`, 200);

async function downloadJson<T>(schema: z.ZodType<T>, dir: string, name: string): Promise<T> {
  return schema.parse(await (await download(dir, name)).json());
}

interface Hdf5 {
  keys: string[];
  texts(name: string): string[];
  numbers(name: string): number[];
  shape(name: string): number[];
}

async function downloadHdf5(dir: string, name: string): Promise<Hdf5> {
  const bytes = new Uint8Array(await (await download(dir, name)).arrayBuffer());
  const { FS } = await h5wasm.ready;
  FS.writeFile('downloaded.h5', bytes);
  const file = new h5wasm.File('downloaded.h5', 'r');
  const contents = new Map(
    file.keys().map((key) => {
      const dataset = file.get(key);
      if (!(dataset instanceof h5wasm.Dataset)) throw new Error(`${key} is no dataset`);
      return [key, { shape: dataset.shape ?? [], values: dataset.to_array() }];
    }),
  );
  file.close();
  FS.unlink('downloaded.h5');
  return {
    keys: [...contents.keys()].sort(),
    texts: (key) => z.array(z.string()).parse(contents.get(key)?.values),
    numbers: (key) => z.array(z.number()).parse(contents.get(key)?.values),
    shape: (key) => contents.get(key)?.shape ?? [],
  };
}

interface Step {
  dir: string;
  labellings: Labelling[];
}

/** Submits a configuration as an old client does, and waits for its labellings. */
async function step(config: Config): Promise<Step> {
  const created = Job.parse(
    await (
      await request('POST', '/jobs/', 201, {
        type: 'ACTIVE_ML',
        label: `Iteration ${String(config['iteration'])}`,
        description: null,
      })
    ).json(),
  );
  const { job_id: id, dir_path: dir } = created;
  await upload(dir, 'config.json', config);
  await request('POST', `/jobs/${id}/process/RUN/`, 202);
  for (;;) {
    const job = Job.parse(await (await request('GET', `/jobs/${id}/`, 200)).json());
    if (!ENDED_PHASES.includes(job.phase)) {
      await delay(100);
      continue;
    }
    expect(job, JSON.stringify(job.error)).toMatchObject({ phase: 'COMPLETED' });
    const page = LabellingPage.parse(await (await request('GET', `/labellings/?job_id=${id}`, 200)).json());
    expect(page.total).toBe(page.labellings.length);
    return { dir, labellings: page.labellings };
  }
}

const ofSet = ({ labellings }: Step, set: Labelling['spectrum_set']) =>
  labellings.filter(({ spectrum_set }) => spectrum_set === set).map((one) => one.spectrum_filename);

/** Gives each spectrum that is asked about its label, in the completed job. */
async function labelAll({ labellings }: Step): Promise<void> {
  const asked = labellings.filter(({ spectrum_set }) => spectrum_set !== 'CANDIDATE');
  await request('PATCH', '/labellings/batch/', 204, {
    labelling_ids: asked.map(({ labelling_id }) => labelling_id),
    batch: asked.map(({ spectrum_filename }) => ({
      user_label: CLASSES[truthOf(spectrum_filename)],
      user_comment: null,
    })),
  });
}

/** What is the same for every step: the sets of result.h5 are the labellings, whose spectra are all in prep_spectra.json. */
async function expectFilesOfBatch(done: Step, iteration: number): Promise<void> {
  const { dir, labellings } = done;
  expect(new Set(labellings.map((one) => one.sequence_iteration))).toEqual(new Set([iteration]));
  const { wave, spectra } = await downloadJson(PreparedSpectra, dir, 'prep_spectra.json');
  expect(wave).toEqual(Array.from({ length: POINTS }, (_, i) => 6540 + i));
  for (const { spectrum_filename: name } of labellings) expect(spectra[name], name).toHaveLength(POINTS);

  const result = await downloadHdf5(dir, 'result.h5');
  expect(result.texts('filenames')).toEqual(Array.from({ length: SPECTRA }, (_, row) => nameOf(row)));
  expect(result.texts('classes')).toEqual(CLASSES);
  expect(result.shape('probabilities')).toEqual([SPECTRA, CLASSES.length]);
  expect(result.shape('entropies')).toEqual([SPECTRA]);
  expect(result.shape('labels')).toEqual([SPECTRA]);
  const names = (key: string) => result.numbers(key).map(nameOf).sort();
  expect(names('oracle_indexes')).toEqual(ofSet(done, 'ORACLE').sort());
  expect(names('perf_est_indexes')).toEqual(ofSet(done, 'PERFORMANCE_ESTIMATION').sort());
  expect(names('candidate_indexes')).toEqual(ofSet(done, 'CANDIDATE').sort());

  const config = await downloadJson(Json, dir, 'config.json');
  expect(config).toMatchObject({ classes: CLASSES, iteration });
}

it('goes through four iterations, each a job whose new_config.json is the next', async () => {
  let config: Config = FIRST_CONFIG;
  /** What the client has uploaded: the newest label of each spectrum. */
  const taught = new Map<string, number>();
  let estimates: number[] = [];
  let corrected = '';
  for (let iteration = 0; iteration < 4; iteration++) {
    const done = await step(config);
    const { dir } = done;
    await expectFilesOfBatch(done, iteration);
    const oracle = ofSet(done, 'ORACLE');
    expect(oracle).toHaveLength(18);
    expect(oracle.filter((name) => taught.has(name))).toEqual([]);
    if (iteration === 0) {
      expect(done.labellings).toHaveLength(18);
      expect(new Set(done.labellings.map((one) => one.model_prediction))).toEqual(new Set(['-']));
    } else {
      for (const { model_prediction, spectrum_set } of done.labellings)
        expect(spectrum_set === 'ORACLE' ? CLASSES : FIRST_CONFIG.candidate_classes).toContain(
          model_prediction,
        );
      const training = await downloadHdf5(dir, 'training_data.h5');
      const names = training.texts('filenames');
      expect(training.keys).toEqual(expect.arrayContaining(['filenames', 'fluxes', 'labels', 'wave']));
      expect(training.shape('fluxes')).toEqual([taught.size, POINTS]);
      expect(new Map(training.numbers('labels').map((label, i) => [names[i], label]))).toEqual(taught);
      expect(names).toHaveLength(taught.size);
      const map = await downloadJson(DimensionReduction, dir, 'dim_reduc.json');
      expect(map.x).toHaveLength(taught.size);
      expect(map.classes).toEqual(CLASSES);
      expect(await downloadJson(PerformanceEstimates, dir, 'perf_est_list.json')).toEqual(estimates);
    }

    await labelAll(done);
    for (const name of oracle) taught.set(name, truthOf(name));
    const added = { filenames: oracle, labels: oracle.map(truthOf) };
    if (iteration === 1) {
      // A label of before that was wrong: the newest counts.
      corrected = [...taught.keys()][0] ?? '';
      taught.set(corrected, 2);
      added.filenames.push(corrected);
      added.labels.push(2);
    }
    await upload(dir, 'oracle_data.json', added);
    if (iteration > 0) {
      const sample = done.labellings.filter((one) => one.spectrum_set === 'PERFORMANCE_ESTIMATION');
      const right = sample.filter((one) => one.model_prediction === CLASSES[truthOf(one.spectrum_filename)]);
      estimates = [...estimates, sample.length === 0 ? 0 : right.length / sample.length];
      await upload(dir, 'perf_est_list.json', estimates);
    }
    const next = await downloadJson(Json, dir, 'new_config.json');
    expect(Object.keys(next)).toEqual(expect.arrayContaining(Object.keys(FIRST_CONFIG)));
    expect(next).toMatchObject({
      iteration: iteration + 1,
      pool_data_path: '/pool.h5',
      training_data_path: iteration === 0 ? '' : `${dir}/training_data.h5`,
      training_data_to_add_path: '',
      oracle_data_to_add_path: `${dir}/oracle_data.json`,
      perf_est_list_path: iteration === 0 ? '' : `${dir}/perf_est_list.json`,
    });
    config = { ...next, network: SMALL_NETWORK };
  }
  expect(taught.size).toBe(4 * 18);
  expect(taught.get(corrected)).toBe(2);
  expect(estimates).toHaveLength(3);
}, 240_000);

it.each([
  ['of one class: it asks without a model', [0, 3]],
  ['of two classes: it learns from them', [0, 1]],
])('meets two labels %s', async (_, rows) => {
  await upload('/', 'two.json', { filenames: rows.map(nameOf), labels: rows.map((row) => row % 3) });
  const done = await step({
    ...FIRST_CONFIG,
    iteration: 1,
    candidate_classes: CLASSES,
    oracle_data_to_add_path: '/two.json',
    epochs_train: 2,
    network: SMALL_NETWORK,
  });
  await expectFilesOfBatch(done, 1);
  expect(ofSet(done, 'ORACLE')).toHaveLength(18);
  const isTaught = new Set(rows.map((row) => row % 3)).size > 1;
  // Every class is searched for: all that has no label is a candidate.
  expect(ofSet(done, 'CANDIDATE')).toHaveLength(isTaught ? SPECTRA - 2 : 0);
  expect(ofSet(done, 'PERFORMANCE_ESTIMATION')).toHaveLength(isTaught ? 6 : 0);
  expect(done.labellings.every((one) => (one.model_prediction === '-') === !isTaught)).toBe(true);
  expect((await downloadHdf5(done.dir, 'training_data.h5')).texts('filenames')).toEqual(rows.map(nameOf));
  expect((await downloadJson(DimensionReduction, done.dir, 'dim_reduc.json')).x).toHaveLength(2);
  expect(await downloadJson(PerformanceEstimates, done.dir, 'perf_est_list.json')).toEqual([]);
});

it('says in the job what will not do', async () => {
  const { job_id: id } = Job.parse(
    await (
      await request('POST', '/jobs', 201, {
        type: 'ACTIVE_ML',
        label: 'no oracle',
        config: { ...FIRST_CONFIG, iteration: 1, oracle_data_to_add_path: '/not-there.json' },
      })
    ).json(),
  );
  await request('POST', `/jobs/${id}/process/RUN`, 202);
  for (;;) {
    const job = Job.parse(await (await request('GET', `/jobs/${id}`, 200)).json());
    if (ENDED_PHASES.includes(job.phase)) {
      expect(job.phase).toBe('ERROR');
      expect(job.error?.message).toContain('oracle_data_to_add_path');
      return;
    }
    await delay(20);
  }
});
