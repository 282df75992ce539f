import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import h5wasm from 'h5wasm/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ENDED_PHASES, Job } from '../../contracts/job.ts';
import { BatchPage, LabellingHistoryPage, type Labelling, LabellingPage } from '../../contracts/labelling.ts';
import { Random } from '../../science/cnn/random.ts';
import { type Part, RunningStack } from './running-stack.ts';

// A campaign whose every part dies in the middle: no label is lost or doubled, it ends all the same, and people are asked
// about the spectra that they would have been asked about.
const ROUNDS = Number(process.env['FAULT_ROUNDS'] ?? 3);
const PARTS: readonly Part[] = ['API', 'control worker', 'cpu worker', 'Temporal', 'PostgreSQL'];
const CLASSES = ['none', 'single', 'double'];
const SPECTRA = 240;
const POINTS = 48;
const ITERATIONS = 3;
const CONFIG = {
  classes: CLASSES,
  candidate_classes: ['double'],
  pool_data_path: '/pool.h5',
  oracle_batch_size: 10,
  perf_est_batch_size: 4,
  max_iterations: ITERATIONS,
  epochs_train: 40,
  patience_train: 40,
  batch_size_train: 8,
  show_candidates: true,
  seed: 11,
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
};
const Nothing = z.undefined();

let stack: RunningStack;

const nameOf = (row: number) => `spec-${String(row).padStart(4, '0')}.fits`;
const rowOf = (filename: string) => Number(/\d+/.exec(filename)?.[0]);

/** Spectra with a line of one, or of two peaks, or none, and noise. */
async function writePool(path: string): Promise<void> {
  await h5wasm.ready;
  const random = new Random(1);
  const fluxes = new Float32Array(SPECTRA * POINTS);
  for (let row = 0; row < SPECTRA; row++)
    for (let i = 0; i < POINTS; i++) {
      const peaks = [[], [24], [18, 30]][row % 3] ?? [];
      const line = peaks.reduce((sum, centre) => sum + Math.exp(-((i - centre) ** 2) / 8), 0);
      fluxes[row * POINTS + i] = line + 0.6 * (random.uniform() - 0.5);
    }
  const file = new h5wasm.File(path, 'w');
  file.create_dataset({ name: 'fluxes', data: fluxes, shape: [SPECTRA, POINTS], dtype: '<f' });
  file.create_dataset({ name: 'wave', data: Float64Array.from({ length: POINTS }, (_, i) => 6540 + 2 * i) });
  file.create_dataset({ name: 'filenames', data: Array.from({ length: SPECTRA }, (_, row) => nameOf(row)) });
  file.close();
}

/** An answer to one spectrum: a label, or a decision instead. */
type Answer = { user_label: string } | { decision: 'skip' };

/**
 * What the scripted oracle says of a spectrum, in this order: at once, and later, while the next batch is open. Some it
 * skips, some it gets wrong at first, some it corrects before its batch closes, some after.
 */
function answersTo(filename: string): { first: Answer[]; later: Answer[] } {
  const row = rowOf(filename);
  const right: Answer = { user_label: CLASSES[row % 3] ?? '' };
  const wrong: Answer = { user_label: CLASSES[(row + 1) % 3] ?? '' };
  if (row % 11 === 0) return { first: [{ decision: 'skip' }], later: [] };
  if (row % 7 === 1) return { first: [wrong, right], later: [] };
  if (row % 5 === 2) return { first: [wrong], later: [right] };
  return { first: [right], later: [] };
}

const patch = (id: string, answer: Answer) =>
  stack.call(z.looseObject({}), 'PATCH', `/labellings/${id}`, { ...answer, labelled_by: 'oracle' });

/** Answers the batch of an iteration: a half of it at once, then one by one. */
async function answerBatch(id: string, iteration: number): Promise<void> {
  const page = (k: number) =>
    stack
      .call(LabellingPage, 'GET', `/labellings?job_id=${id}&iteration=${k}`)
      .then(({ labellings }) => labellings.filter(({ spectrum_set: set }) => set !== 'CANDIDATE'));
  const asked = await page(iteration);
  for (const { labelling_id, spectrum_filename } of iteration > 0 ? await page(iteration - 1) : [])
    for (const answer of answersTo(spectrum_filename).later) await patch(labelling_id, answer);
  const half = asked.slice(0, asked.length / 2);
  await stack.call(Nothing, 'PATCH', '/labellings/batch', {
    labelling_ids: half.map(({ labelling_id }) => labelling_id),
    batch: half.map(({ spectrum_filename }) => ({
      ...answersTo(spectrum_filename).first[0],
      labelled_by: 'oracle',
    })),
  });
  for (const { labelling_id, spectrum_filename } of half)
    for (const answer of answersTo(spectrum_filename).first.slice(1)) await patch(labelling_id, answer);
  for (const { labelling_id, spectrum_filename } of asked.slice(half.length)) {
    for (const answer of answersTo(spectrum_filename).first) await patch(labelling_id, answer);
    await delay(20);
  }
}

async function submit(): Promise<string> {
  const { job_id: id } = await stack.call(Job, 'POST', '/jobs', {
    type: 'ACTIVE_ML',
    label: 'faults',
    config: CONFIG,
  });
  await stack.call(Job, 'POST', `/jobs/${id}/process/RUN`);
  return id;
}

const jobOf = (id: string) => stack.call(Job, 'GET', `/jobs/${id}`);

/** The iteration whose batch waits for labels; undefined where the job has ended. */
async function nextBatch(id: string, after: number): Promise<number | undefined> {
  for (const deadline = Date.now() + 120_000; ; await delay(100)) {
    const job = await jobOf(id);
    if (ENDED_PHASES.includes(job.phase)) return undefined;
    const { batches } = await stack.call(BatchPage, 'GET', `/jobs/${id}/batches`);
    const [newest] = batches;
    if (newest && newest.iteration > after && newest.closed_at === undefined) return newest.iteration;
    if (Date.now() > deadline)
      throw new Error(`no batch after ${after}: ${JSON.stringify({ job, batches })}`);
  }
}

/** Labels until the campaign has ended. */
async function answerAll(id: string): Promise<void> {
  for (let iteration = -1; ;) {
    const next = await nextBatch(id, iteration);
    if (next === undefined) return;
    await answerBatch(id, next);
    iteration = next;
  }
}

/** What came of a campaign. */
interface Outcome {
  /** Names of the spectra of each iteration's sets, in their order. */
  selected: string[][];
  /** Each spectrum of the last training set, with its label. */
  trainingSet: [string, string][];
  catalogue: string;
}

function datasetOf(file: InstanceType<typeof h5wasm.File>, name: string): unknown[] {
  const dataset = file.get(name);
  if (!(dataset instanceof h5wasm.Dataset)) throw new Error(`there is no ${name}`);
  const values = dataset.value;
  if (!Array.isArray(values) && !(values instanceof Int32Array)) throw new Error(`${name} is no list`);
  return [...values];
}

function readTrainingSet(path: string): [string, string][] {
  const file = new h5wasm.File(path, 'r');
  try {
    const labels = datasetOf(file, 'labels').map(Number);
    return datasetOf(file, 'filenames').map((name, i) => [String(name), CLASSES[labels[i] ?? -1] ?? '']);
  } finally {
    file.close();
  }
}

/** Holds what is in the database and in the files against what the oracle said. */
async function outcomeOf(id: string): Promise<Outcome> {
  const job = await jobOf(id);
  expect(job).toMatchObject({ phase: 'COMPLETED' });
  const { batches } = await stack.call(BatchPage, 'GET', `/jobs/${id}/batches`);
  expect(batches.map(({ iteration, closed_how }) => [iteration, closed_how])).toEqual(
    Array.from({ length: ITERATIONS }, (_, i) => [ITERATIONS - 1 - i, 'labelled']),
  );
  const { labellings } = await stack.call(LabellingPage, 'GET', `/labellings?job_id=${id}`);
  const asked = labellings.filter(({ spectrum_set: set }) => set !== 'CANDIDATE');
  // Nobody is asked about a spectrum twice.
  expect(new Set(asked.map(({ spectrum_filename: name }) => name)).size).toBe(asked.length);
  await expectEveryAnswerOnce(id, asked);
  const directory = join(stack.directory, 'files', job.dir_path);
  const trainingSet = readTrainingSet(join(directory, `iteration-00${ITERATIONS}`, 'training_data.h5'));
  const expected = asked.flatMap(({ spectrum_filename: name, sequence_iteration: iteration }) => {
    const { first, later } = answersTo(name);
    // Of the last batch there is no next one in which to correct it.
    const answer = (iteration < ITERATIONS - 1 ? later.at(-1) : undefined) ?? first.at(-1);
    return answer && 'user_label' in answer ? [[name, answer.user_label]] : [];
  });
  expect(trainingSet.toSorted()).toEqual(expected.toSorted());
  return {
    selected: Array.from({ length: ITERATIONS }, (_, k) =>
      labellings
        .filter(({ sequence_iteration: iteration }) => iteration === k)
        .map(({ spectrum_set: set, spectrum_filename: name }) => `${set} ${name}`),
    ),
    trainingSet,
    catalogue: readFileSync(join(directory, 'catalogue.csv'), 'utf8'),
  };
}

/** The history has every answer, once, and in the order in which it was given. */
async function expectEveryAnswerOnce(id: string, asked: readonly Labelling[]): Promise<void> {
  const { values } = await stack.call(
    LabellingHistoryPage,
    'GET',
    `/jobs/${id}/labellings/history?limit=100000`,
  );
  expect(new Set(values.map(({ labelling_id }) => labelling_id)).size).toBe(asked.length);
  for (const { labelling_id, spectrum_filename: name, sequence_iteration: iteration } of asked) {
    const { first, later } = answersTo(name);
    const all = iteration < ITERATIONS - 1 ? [...first, ...later] : first;
    const recorded = values
      .filter((value) => value.labelling_id === labelling_id)
      .map(({ user_label, decision }) => (decision === undefined ? { user_label } : { decision }));
    expect(recorded, name).toEqual(all);
  }
}

describe('a campaign survives kill -9', () => {
  let undisturbed: Outcome;
  let undisturbedMs: number;
  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'spectrolabe faults '));
    stack = new RunningStack(directory);
    mkdirSync(join(directory, 'files'), { recursive: true });
    await writePool(join(directory, 'files', 'pool.h5'));
    await stack.start();
    const began = Date.now();
    const id = await submit();
    await answerAll(id);
    undisturbedMs = Date.now() - began;
    undisturbed = await outcomeOf(id);
  });
  afterAll(async () => {
    stack.release();
    await stack.stop();
    rmSync(stack.directory, { recursive: true, force: true });
  });

  it('asks about new spectra each time, and learns from all of them', () => {
    expect(undisturbed.selected).toHaveLength(ITERATIONS);
    expect(undisturbed.selected[0]).toHaveLength(CONFIG.oracle_batch_size);
    for (const one of undisturbed.selected.slice(1))
      expect(one.filter((text) => text.startsWith('PERFORMANCE_ESTIMATION'))).toHaveLength(
        CONFIG.perf_est_batch_size,
      );
  });

  it.each(Array.from({ length: ROUNDS }, (_, i) => i + 1))(
    'of each of its parts at random moments, round %i',
    async (round) => {
      const random = new Random(round);
      const order = random.shuffle(Int32Array.from(PARTS, (_, i) => i));
      const moments = [...order].map(() => random.uniform() * undisturbedMs).sort((a, b) => a - b);
      const began = Date.now();
      const id = await submit();
      const kills = (async () => {
        const done: string[] = [];
        for (const [i, moment] of moments.entries()) {
          await delay(Math.max(0, began + moment - Date.now()));
          const part = PARTS[order[i] ?? -1];
          if (part === undefined) throw new Error('there is no such part');
          await stack.kill(part);
          done.push(`${part} after ${((Date.now() - began) / 1000).toFixed(1)} s`);
        }
        return done;
      })();
      const [done] = await Promise.all([kills, answerAll(id)]);
      const took = `${((Date.now() - began) / 1000).toFixed(1)} s, undisturbed ${(undisturbedMs / 1000).toFixed(1)} s`;
      console.log(`round ${round}: ${done.join(', ')}; ${took}`);
      expect(await outcomeOf(id), done.join(', ')).toEqual(undisturbed);
    },
    180_000,
  );

  it('takes labels while Temporal is down, and goes on when it is back', async () => {
    const id = await submit();
    expect(await nextBatch(id, -1)).toBe(0);
    stack.hold();
    await stack.kill('Temporal');
    await answerBatch(id, 0);
    const { batches } = await stack.call(BatchPage, 'GET', `/jobs/${id}/batches`);
    expect(batches).toMatchObject([{ iteration: 0, open: 0, closed_how: 'labelled' }]);
    await delay(2000);
    expect(await jobOf(id)).toMatchObject({ phase: 'PROCESSING' });
    stack.release();
    await answerAll(id);
    expect(await outcomeOf(id)).toEqual(undisturbed);
  });
});
