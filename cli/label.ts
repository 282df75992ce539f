import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ENDED_PHASES, Job } from '../contracts/job.ts';
import {
  BatchPage,
  ClassListPage,
  type Labelling,
  LabellingPage,
  type PatchLabelling,
} from '../contracts/labelling.ts';
import { NetworkError } from '../science/cnn/error.ts';
import { parseLabelsCsv } from '../science/labels/labels-csv.ts';
import { ApiRefused, ApiUnreachable, call, request } from './api-client.ts';
import { EXIT, type ExitCode, usage } from './exit-codes.ts';

const POLL_MS = 500;
const RETRY_MS = 1000;
/** An API that is away longer than this is given up. */
const GIVE_UP_MS = 60_000;
/** Entries of one request: some megabytes. */
const LABELS_AT_ONCE = 10_000;

export interface LabelOptions {
  oracle: string;
  errorRate: string;
  delay: string;
  seed: string;
  labelledBy: string;
  api: string;
}

/** What stands in for a person: known labels, a part of them wrong. */
export interface Oracle {
  labels: ReadonlyMap<string, string>;
  /** Of its answers, the fraction that is another class, drawn at random. */
  errorRate: number;
  seed: number;
  labelledBy: string;
}

/** An answer of the oracle, and whether it is wrong on purpose. */
export interface OracleAnswer {
  answer: PatchLabelling;
  wrong: boolean;
}

const plain = (filename: string): string => filename.replace(/\.gz$/i, '');

/**
 * What the oracle says of a spectrum: the same whenever it is asked, for its draws come of the seed and the file name.
 * A spectrum that it does not know is skipped. A label that is a whole number and no class is an index into the classes.
 * @throws RangeError where its label is none of the classes
 */
export function oracleAnswer(oracle: Oracle, filename: string, classes: readonly string[]): OracleAnswer {
  const { labels, errorRate, seed, labelledBy: labelled_by } = oracle;
  const label = labels.get(filename) ?? labels.get(plain(filename));
  if (label === undefined) return { answer: { decision: 'skip', labelled_by }, wrong: false };
  const truth = classes.includes(label) ? label : /^\d+$/.test(label) ? classes[Number(label)] : undefined;
  if (truth === undefined)
    throw new RangeError(`${label}, the label of ${filename}, is none of the classes ${classes.join(', ')}`);
  const digest = createHash('sha256')
    .update(`${seed} ${plain(filename)}`)
    .digest();
  const others = classes.filter((name) => name !== truth);
  const other = others[digest.readUInt32BE(4) % Math.max(1, others.length)];
  const wrong = digest.readUInt32BE(0) / 2 ** 32 < errorRate && other !== undefined;
  return { answer: { user_label: wrong ? other : truth, labelled_by }, wrong };
}

/** Labels a job's batches from a table of known labels, through the REST API alone, until the job ends. */
export async function label(id: string, options: LabelOptions): Promise<ExitCode> {
  if (!z.uuid().safeParse(id).success) return usage(`${id} is no job id`);
  const [errorRate, pause, seed] = [options.errorRate, options.delay, options.seed].map(Number);
  if (errorRate === undefined || !(errorRate >= 0 && errorRate <= 1))
    return usage('--error-rate is a number from 0 to 1');
  if (pause === undefined || !(pause >= 0)) return usage('--delay is a number of seconds');
  if (seed === undefined || !Number.isSafeInteger(seed)) return usage('--seed is a whole number');
  let labels: Map<string, string>;
  try {
    labels = withPlainNames(parseLabelsCsv(await readFile(options.oracle, 'utf8')));
  } catch (error) {
    if (!(error instanceof NetworkError) && !(error instanceof Error && 'code' in error)) throw error;
    return usage(`${options.oracle} cannot be read: ${error.message}`);
  }
  const oracle: Oracle = { labels, errorRate, seed, labelledBy: options.labelledBy };
  console.log(
    `Simulated oracle: ${labels.size} known labels of ${basename(options.oracle)}, ${errorRate * 100} % of its answers wrong (seed ${seed}). Nobody looks at the spectra.`,
  );
  const job = await labelUntilEnd(options.api, id, oracle, { pause, say: (line) => console.log(line) });
  console.log(`${job.phase}${job.error ? `: ${job.error.message}` : ''}`);
  return job.phase === 'COMPLETED' ? EXIT.ok : EXIT.failed;
}

/** @throws NetworkError where names that differ in `.gz` only have two labels */
function withPlainNames(labels: ReadonlyMap<string, string>): Map<string, string> {
  const named = new Map<string, string>();
  for (const [filename, label] of labels) {
    const before = named.get(plain(filename));
    if (before !== undefined && before !== label)
      throw new NetworkError('bad-data', `${plain(filename)} is labelled ${before} and ${label}`);
    named.set(plain(filename), label);
  }
  return named;
}

export interface LabellingOptions {
  /** Before each answer [s]; 0 answers a batch at once. */
  pause: number;
  /** Is told one line a batch. */
  say: (line: string) => void;
  signal?: AbortSignal;
}

/**
 * Answers each batch of a job until the job ends.
 * @returns the job, which has ended
 * @throws what `signal` is aborted with
 */
export async function labelUntilEnd(
  api: string,
  id: string,
  oracle: Oracle,
  options: LabellingOptions,
): Promise<Job> {
  const { signal } = options;
  for (;;) {
    const job = await patiently(() => call(api, Job, 'GET', `/jobs/${id}`), signal);
    const ended = ENDED_PHASES.includes(job.phase);
    // One step of an old client's loop is labelled once it is completed.
    const isStep = job.config?.['iteration'] !== undefined;
    if (isStep ? job.phase === 'COMPLETED' : job.phase === 'PROCESSING') {
      const { batches } = await patiently(() => call(api, BatchPage, 'GET', `/jobs/${id}/batches`), signal);
      const [newest] = batches;
      if (newest && newest.closed_at === undefined)
        await labelBatch(api, id, newest.iteration, oracle, options);
    }
    if (ended) return job;
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Answers what is open of a batch and prints one line: at once, or one by one with a pause [s] before each. */
async function labelBatch(
  api: string,
  id: string,
  iteration: number,
  oracle: Oracle,
  { pause, say, signal }: LabellingOptions,
): Promise<void> {
  const page = await patiently(
    () => call(api, LabellingPage, 'GET', `/labellings?job_id=${id}&iteration=${iteration}&open=true`),
    signal,
  );
  const asked = page.labellings.filter((row) => row.spectrum_set !== 'CANDIDATE');
  if (asked.length === 0) return;
  const { class_lists: lists } = await patiently(
    () => call(api, ClassListPage, 'GET', `/jobs/${id}/classes`),
    signal,
  );
  const classes = lists[0]?.classes ?? [];
  const answers = asked.map((row) => ({ row, ...oracleAnswer(oracle, row.spectrum_filename, classes) }));
  const atOnce = pause > 0 ? 1 : LABELS_AT_ONCE;
  for (let first = 0; first < answers.length; first += atOnce) {
    if (pause > 0) await delay(pause * 1000, undefined, { signal });
    await patiently(() => save(api, answers.slice(first, first + atOnce)), signal);
  }
  const skipped = answers.filter(({ answer }) => answer.decision === 'skip').length;
  const wrong = answers.filter((one) => one.wrong).length;
  const count = (set: Labelling['spectrum_set']) => asked.filter((row) => row.spectrum_set === set).length;
  say(
    `iteration ${iteration}: ${count('ORACLE')} for the oracle, ${count('PERFORMANCE_ESTIMATION')} for the estimate; ` +
      `${wrong} wrong on purpose, ${skipped} skipped (unknown)`,
  );
}

async function save(
  api: string,
  answers: readonly { row: Labelling; answer: PatchLabelling }[],
): Promise<void> {
  await request(`${api.replace(/\/$/, '')}/api/labellings/batch`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      labelling_ids: answers.map(({ row }) => row.labelling_id),
      batch: answers.map(({ answer }) => answer),
    }),
  });
}

/** Tries again while the API is away: asking and answering twice does no more than once. */
async function patiently<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const began = Date.now();
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      const isAway =
        error instanceof ApiUnreachable ||
        (error instanceof ApiRefused && error.status >= 500) ||
        // The connection broke in the middle of the answer.
        error instanceof TypeError;
      if (!isAway || Date.now() - began > GIVE_UP_MS) throw error;
      await delay(RETRY_MS, undefined, { signal });
    }
  }
}
