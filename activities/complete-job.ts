import type { Artifact } from '../contracts/job.ts';
import type { ControlDependencies } from './dependencies.ts';
import { writeLogFile } from './write-log-file.ts';

/** Records a job's result. @returns false where the job ended meanwhile (aborted, deleted): then nothing is recorded */
export function createCompleteJob(dependencies: ControlDependencies) {
  const { jobs } = dependencies;
  return async function completeJob(input: {
    jobId: string;
    statusDetail: string;
    artifacts: Artifact[];
  }): Promise<boolean> {
    const { jobId, statusDetail, artifacts } = input;
    const job = await jobs.find(jobId);
    // A retry after the commit whose answer was lost must not take the result back.
    if (job?.phase === 'COMPLETED') return true;
    if (job?.phase !== 'PROCESSING') return false;
    await jobs.appendLog(jobId, { level: 'info', message: `completed: ${statusDetail}`, key: 'completed' });
    const log = await writeLogFile(dependencies, job);
    return jobs.complete(jobId, { statusDetail, artifacts: [...artifacts, log] });
  };
}
