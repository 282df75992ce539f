import type { z } from 'zod';
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
  fileStore: FileStore;
  /** The job's directory in it. */
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
    fileStore,
    directory: job.dirPath,
  };
}

/** The longest string of JavaScript. */
const MOST_TEXT_BYTES = 2 ** 29 - 24;

/** What was found out about the pool at the beginning, below the job's directory. */
export const POOL_DIRECTORY = 'pool';

/** `iteration-007` */
export function iterationName(iteration: number): string {
  return `iteration-${String(iteration).padStart(3, '0')}`;
}

/** Directory of an iteration's files, below the job's. */
export function iterationPath({ directory }: Pick<Campaign, 'directory'>, iteration: number): string {
  return `${directory}/${iterationName(iteration)}`;
}

/** Writes a file of an iteration, and shows it in the job's directory too, where the newest ones are under the old names. */
export async function writeIterationFile(
  campaign: Campaign,
  iteration: number,
  name: string,
  text: string,
): Promise<void> {
  const path = `${iterationPath(campaign, iteration)}/${name}`;
  await writeText(campaign, path, text);
  await campaign.fileStore.copyFile(path, `${campaign.directory}/${name}`);
}

/** Writes a file that can be made again: a power failure may take it. */
export async function writeText({ fileStore }: Campaign, path: string, text: string): Promise<void> {
  await fileStore.writeFile(path, Buffer.from(text), { sync: false });
}

/** What a JSON file that an activity of the campaign wrote says. */
export async function readJson<T>(
  { fileStore }: Pick<Campaign, 'fileStore'>,
  path: string,
  schema: z.ZodType<T>,
): Promise<T> {
  return schema.parse(JSON.parse(await readText(fileStore, path)));
}

/** A text of the store. */
export async function readText(fileStore: FileStore, path: string): Promise<string> {
  return (await fileStore.readFile(path, { maxBytes: MOST_TEXT_BYTES })).toString();
}
