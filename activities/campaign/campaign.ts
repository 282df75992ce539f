import { copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ActiveLearningConfig } from '../../contracts/active-learning.ts';
import type { ClassList } from '../../contracts/labelling.ts';
import type { JobRow, JobsRepository } from '../../db/repositories/jobs.ts';
import type { LabellingsRepository } from '../../db/repositories/labellings.ts';
import type { FileStore } from '../../storage/file-store.ts';

export { keyOfRow, rowOfKey } from '../../contracts/spectrum-key.ts';

/** An ACTIVE_ML job that runs. */
export interface Campaign {
  job: JobRow;
  /** As it was at RUN; settings that were changed since come with the workflow. */
  config: ActiveLearningConfig;
  /** Whether it is one step that a client drives, not the whole loop. */
  isStep: boolean;
  /** The newest, with names of classes that may differ from the configuration's. */
  classList: Pick<ClassList, 'version' | 'classes' | 'candidate_classes'>;
  /** Host path of the job's directory. */
  directory: string;
}

/** @returns undefined where the job is no longer PROCESSING */
export async function openCampaign(
  {
    jobs,
    labellings,
    fileStore,
  }: { jobs: JobsRepository; labellings: LabellingsRepository; fileStore: FileStore },
  jobId: string,
): Promise<Campaign | undefined> {
  const job = await jobs.find(jobId);
  if (job?.phase !== 'PROCESSING') return undefined;
  const config = ActiveLearningConfig.parse(job.config);
  return {
    job,
    config,
    isStep: config.iteration !== undefined,
    classList: (await labellings.classLists(jobId)).at(-1) ?? { version: 1, ...config },
    directory: await fileStore.makeDirectory(job.dirPath),
  };
}

/** What was found out about the pool at the beginning, below the job's directory. */
export const POOL_DIRECTORY = 'pool';

/** `iteration-007` */
export function iterationName(iteration: number): string {
  return `iteration-${String(iteration).padStart(3, '0')}`;
}

/** Directory of an iteration's files, below the job's. */
export async function makeIterationDirectory({ directory }: Campaign, iteration: number): Promise<string> {
  const path = join(directory, iterationName(iteration));
  await mkdir(path, { recursive: true });
  return path;
}

/** Shows a file of an iteration in the job's directory too, where the newest ones are under the old names. */
export async function showInJobDirectory(from: string, to: string): Promise<void> {
  const beside = `${to}.new`;
  await rm(beside, { force: true });
  // A second name costs nothing; some file systems have none.
  await link(from, beside).catch(() => copyFile(from, beside));
  await rename(beside, to);
}
