import type { Logger } from 'pino';
import type { JobsRepository } from '../db/repositories/jobs.ts';
import type { UwsJobsRepository } from '../db/repositories/uws-jobs.ts';
import type { JobCommands } from './job-commands.ts';

const INTERVAL_MS = 5000;

export interface JobLimitsDependencies {
  jobs: JobsRepository;
  uwsJobs: UwsJobsRepository;
  commands: JobCommands;
  log: Logger;
}

/** Aborts runs that take longer than they may, and deletes jobs whose time of destruction has come. */
export async function enforceJobLimits({
  jobs,
  uwsJobs,
  commands,
  log,
}: JobLimitsDependencies): Promise<void> {
  for (const { id, executionLimitSeconds } of await uwsJobs.listOverdue()) {
    const statusDetail = `aborted: it took longer than its execution duration of ${executionLimitSeconds} s`;
    // Refused where the run ended meanwhile.
    const result = await jobs.abort(id, { statusDetail });
    if (result.refusal === undefined) log.info({ jobId: id, executionLimitSeconds }, 'a run took too long');
  }
  for (const id of await uwsJobs.listExpired()) {
    try {
      await commands.destroy(id);
      log.info({ jobId: id }, 'a job was deleted at its time of destruction');
    } catch (error) {
      // The others are due as well; this one is tried again.
      log.warn({ err: error, jobId: id }, 'a job could not be deleted at its time of destruction');
    }
  }
}

/** Enforces limits every few seconds, until stopped. While the database is away, it waits for the next time. */
export function startJobLimits(dependencies: JobLimitsDependencies): { stop: () => Promise<void> } {
  let running = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => enforceJobLimits(dependencies))
      .catch((error: unknown) =>
        dependencies.log.warn({ reason: String(error) }, 'limits of jobs could not be looked up'),
      );
  }, INTERVAL_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
