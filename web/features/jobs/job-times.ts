import type { Job } from '../../../contracts/job.ts';

/** How long a job ran, or has run until `now` [ms]; seconds, undefined before its start. */
export function jobSeconds(
  job: Pick<Job, 'started_at' | 'ended_at' | 'execution_duration'>,
  now: number,
): number | undefined {
  if (job.execution_duration !== undefined) return job.execution_duration;
  if (job.started_at === undefined) return undefined;
  const end = job.ended_at === undefined ? now : Date.parse(job.ended_at);
  // The server's clock may be ahead of the browser's.
  return Math.max(0, (end - Date.parse(job.started_at)) / 1000);
}
