import { Context } from '@temporalio/activity';
import { unlessNoFile } from '../storage/file-store.ts';
import type { CpuDependencies } from './dependencies.ts';

/** Reads what a job has made for its SHA-256, where that is not known yet. Safe to repeat. */
export function createHashArtifacts({ jobs, fileStore }: Pick<CpuDependencies, 'jobs' | 'fileStore'>) {
  return async function hashArtifacts({ jobId }: { jobId: string }): Promise<void> {
    const signal = Context.current().cancellationSignal;
    const job = await jobs.find(jobId);
    if (!job) return;
    for (const { path, sha256 } of await jobs.listArtifacts(jobId)) {
      if (sha256 !== undefined) continue;
      // Whoever deleted it meanwhile does not ask for its hash.
      const hashed = await unlessNoFile(fileStore.hash(`${job.dirPath}/${path}`, signal));
      if (hashed) await jobs.recordHash(jobId, path, hashed.sha256);
    }
  };
}
