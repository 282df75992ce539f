import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { call, request } from '../cli/api-client.ts';
import { ENDED_PHASES, Job } from '../contracts/job.ts';
import type { PreprocessingConfigInput } from '../contracts/preprocessing.ts';
import type { Interval } from './orchestration.ts';

/** Rare, as the end is told by `ended_at`, not by when it was noticed. */
const POLL_MILLISECONDS = 250;

/** A job that came to its end. */
export interface EndedJob {
  id: string;
  /** Directory in the file store, with a leading slash. */
  directory: string;
  /** From just before it was created to the time of its last phase [ms since 1970]. */
  wall: Interval;
  seconds: number;
  statusDetail: string;
}

/**
 * Creates a preprocessing job, runs it and waits for its end.
 * @throws Error where it ends otherwise than COMPLETED
 */
export async function runJob(
  apiUrl: string,
  config: PreprocessingConfigInput,
  signal: AbortSignal,
): Promise<EndedJob> {
  const submitted = Date.now();
  const { job_id } = await call(apiUrl, Job, 'POST', '/jobs', {
    type: 'DATA_PREPROCESSING',
    label: 'Benchmark',
    config,
  });
  await call(apiUrl, Job, 'POST', `/jobs/${job_id}/process/RUN`);
  for (;;) {
    await sleep(POLL_MILLISECONDS, undefined, { signal });
    const job = await call(apiUrl, Job, 'GET', `/jobs/${job_id}`);
    if (!ENDED_PHASES.includes(job.phase)) continue;
    if (job.phase !== 'COMPLETED' || job.ended_at === undefined)
      throw new Error(`the job ended ${job.phase}: ${job.error?.message ?? job.status_detail ?? ''}`);
    const ended = Date.parse(job.ended_at);
    return {
      id: job_id,
      directory: job.dir_path,
      wall: [submitted, ended],
      seconds: (ended - submitted) / 1000,
      statusDetail: job.status_detail ?? '',
    };
  }
}

/** Waits for what follows a job's end, its clean-up and the SHA-256 of its result: it would slow what is measured next. */
export async function workflowEnded(temporal: Client, { id }: EndedJob): Promise<void> {
  await temporal.workflow.getHandle(id).result();
}

/** Deletes a job that has ended, with its files, once its workflow has ended too. */
export async function deleteJob(apiUrl: string, temporal: Client, job: EndedJob): Promise<void> {
  await workflowEnded(temporal, job);
  const { id } = job;
  await request(`${apiUrl}/api/jobs/${id}?files=true`, { method: 'DELETE' });
}

/** Waits until the scan of the archive, which the start has begun, has ended. @returns its seconds */
export async function scanEnded(temporal: Client, signal: AbortSignal): Promise<number> {
  for (;;) {
    for await (const { startTime, closeTime } of temporal.workflow.list())
      if (closeTime !== undefined) return (closeTime.getTime() - startTime.getTime()) / 1000;
    await sleep(250, undefined, { signal });
  }
}
