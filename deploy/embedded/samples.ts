import { cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { JobPage, Job, type CreateJob } from '../../contracts/job.ts';
import type { DataDirectory } from './data-directory.ts';
import { packageRoot } from '../../storage/package-root.ts';
import { systemCode } from './process.ts';

const SAMPLE_JOB: CreateJob = {
  type: 'DATA_PREPROCESSING',
  label: 'Sample spectra',
  description: 'Spectra of LAMOST DR1 and DR7 around H alpha, on 140 points',
  config: { data_dir_path: '/samples', wave_start_point: 6519, wave_end_point: 6732, wave_point_count: 140 },
};

/** `none`: this data directory gets no samples. `loading`: job not yet running. `submitted`: nothing left to do. */
const State = z.object({ state: z.enum(['none', 'loading', 'submitted']) });
type State = z.infer<typeof State>['state'];

/**
 * Decides, once in the life of a data directory, whether it gets the sample spectra, and puts them into its archive.
 * @param wanted false with --empty or --spectra
 * @returns whether the sample job is still to be submitted
 */
export async function loadSamples(directory: DataDirectory, wanted: boolean): Promise<boolean> {
  let state = await readState(directory);
  if (state === undefined) {
    const isNew = !(await exists(directory.postgres)) && !(await exists(join(directory.files, 'SPECTRA')));
    state = wanted && isNew ? 'loading' : 'none';
    await writeState(directory, state);
  }
  if (state !== 'loading' || !wanted) return false;
  const target = join(directory.files, 'SPECTRA', 'samples');
  if (!(await exists(target))) {
    const beside = join(directory.temp, 'samples');
    await rm(beside, { recursive: true, force: true });
    await cp(join(packageRoot(), 'samples', 'spectra'), beside, { recursive: true });
    await mkdir(dirname(target), { recursive: true });
    await rename(beside, target);
  }
  return true;
}

/** Submits the sample job and runs it; where a killed start had got half-way, from there. */
export async function submitSampleJob(directory: DataDirectory, apiUrl: string): Promise<void> {
  const { jobs } = await call(JobPage, `${apiUrl}/api/jobs?limit=1000`);
  let job = jobs.find(({ label }) => label === SAMPLE_JOB.label);
  if (job === undefined && jobs.length === 0) {
    job = await call(Job, `${apiUrl}/api/jobs`, SAMPLE_JOB);
  }
  if (job?.phase === 'PENDING') await call(Job, `${apiUrl}/api/jobs/${job.job_id}/process/RUN`, {});
  await writeState(directory, 'submitted');
}

/** Starts the background scan that brings the catalogue up to what the archive holds. */
export async function startScan(apiUrl: string): Promise<void> {
  await call(z.unknown(), `${apiUrl}/api/spectra/scan`, {});
}

/** GET, or POST where there is a body. */
async function call<T>(schema: z.ZodType<T>, url: string, body?: object): Promise<T> {
  const answer = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(30_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${text.slice(0, 500)}`);
  return schema.parse(text === '' ? undefined : JSON.parse(text));
}

async function readState(directory: DataDirectory): Promise<State | undefined> {
  try {
    return State.parse(JSON.parse(await readFile(directory.samplesState, 'utf8'))).state;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeState(directory: DataDirectory, state: State): Promise<void> {
  const beside = `${directory.samplesState}.partial`;
  await writeFile(beside, JSON.stringify({ state }));
  await rename(beside, directory.samplesState);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}
