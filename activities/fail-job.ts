import type { ControlDependencies } from './dependencies.ts';
import { writeLogFile } from './write-log-file.ts';

/** Ends a job in ERROR with the reason, in its row, its log and log.txt; nothing where it ended meanwhile. */
export function createFailJob(dependencies: ControlDependencies) {
  const { jobs, log } = dependencies;
  return async function failJob({
    jobId,
    message,
    trace,
  }: {
    jobId: string;
    message: string;
    trace?: string;
  }): Promise<void> {
    const job = await jobs.find(jobId);
    if (job?.phase !== 'PROCESSING') return;
    log.error({ jobId, trace }, `job failed: ${message}`);
    await jobs.appendLog(jobId, { level: 'error', message, key: 'failed' });
    try {
      await writeLogFile(dependencies, job);
    } catch (error) {
      // A full disk may be why the job failed; its row must say so all the same.
      log.error({ err: error, jobId }, 'log.txt could not be written');
    }
    await jobs.fail(jobId, { message, trace });
  };
}
