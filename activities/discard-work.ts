import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CpuDependencies } from './dependencies.ts';
import type { ObjectStore, StoredObject } from '../storage/object-store.ts';
import { PARTS_PREFIX, workPrefix } from './plan.ts';

const RESULT_FILES = ['result.h5', 'preview.json'];

/**
 * Deletes what a job made on its way; with `withResult` also what it left in its directory. Parts stay, for later jobs,
 * as far as there is room for them. Safe to repeat.
 */
export function createDiscardWork({ jobs, fileStore, store, tempDir, partsBytes }: CpuDependencies) {
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
    const job = withResult ? await jobs.find(workId) : undefined;
    if (job && job.phase !== 'COMPLETED')
      for (const name of RESULT_FILES) await fileStore.remove(`${job.dirPath}/${name}`);
    await pruneParts(store, partsBytes);
  };
}

/** Deletes the oldest parts until `mostBytes` are left. A job that still wants one of them makes it again. */
export async function pruneParts(store: ObjectStore, mostBytes: number): Promise<void> {
  const parts: StoredObject[] = [];
  let bytes = 0;
  for await (const part of store.list(PARTS_PREFIX)) {
    parts.push(part);
    bytes += part.bytes;
  }
  if (bytes <= mostBytes) return;
  parts.sort((a, b) => a.writtenAt.getTime() - b.writtenAt.getTime());
  for (const part of parts) {
    if (bytes <= mostBytes) return;
    await store.deletePrefix(part.key);
    bytes -= part.bytes;
  }
}
