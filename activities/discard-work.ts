import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FileStoreError } from '../storage/file-store.ts';
import type { CpuDependencies } from './dependencies.ts';
import { workPrefix } from './shard-manifest.ts';

const RESULT_FILES = ['result.h5', 'preview.json'];

/** Deletes what a job made on its way; with `withResult` also what it left in its directory. Safe to repeat. */
export function createDiscardWork({ jobs, fileStore, store, tempDir }: CpuDependencies) {
  return async function discardWork({
    workId,
    withResult,
  }: {
    workId: string;
    withResult: boolean;
  }): Promise<void> {
    await store.deletePrefix(workPrefix(workId));
    for (const name of await readdir(tempDir))
      if (name.startsWith(`${workId}-`)) await rm(join(tempDir, name), { force: true });
    if (!withResult) return;
    const job = await jobs.find(workId);
    if (!job || job.phase === 'COMPLETED') return;
    for (const name of RESULT_FILES)
      try {
        await fileStore.removeFile(`${job.dirPath}/${name}`);
      } catch (error) {
        if (!(error instanceof FileStoreError && error.code === 'absent')) throw error;
      }
  };
}
