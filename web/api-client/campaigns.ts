import { z } from 'zod';
import { type CampaignSettings, PresentSettings } from '../../contracts/active-learning.ts';
import { JobStepPage } from '../../contracts/job-steps.ts';
import { type Labelling, LabellingPage } from '../../contracts/labelling.ts';
import { joinPath } from '../paths.ts';
import { ApiFailure, requestBytes, requestJson, requestNothing } from './http.ts';

const jobPath = (jobId: string) => `/jobs/${encodeURIComponent(jobId)}`;
const iterationDirectory = (dirPath: string, iteration: number) =>
  joinPath(dirPath, `iteration-${String(iteration).padStart(3, '0')}`);

/** Settings of a campaign that hold from its next iteration on. */
export function getSettings(jobId: string, signal?: AbortSignal): Promise<PresentSettings> {
  return requestJson(PresentSettings, `${jobPath(jobId)}/settings`, { signal });
}

export function changeSettings(jobId: string, settings: CampaignSettings): Promise<void> {
  return requestNothing(`${jobPath(jobId)}/settings`, { method: 'PATCH', body: settings });
}

/** Ends a campaign: a last training on all labels, the catalogue, completed. */
export function finishCampaign(jobId: string): Promise<void> {
  return requestNothing(`${jobPath(jobId)}/end/COMPLETE`, { method: 'POST', body: {} });
}

/** The steps of a job's run, with their retries. */
export function getJobSteps(jobId: string, signal?: AbortSignal): Promise<JobStepPage> {
  return requestJson(JobStepPage, `${jobPath(jobId)}/steps`, { signal });
}

/** Every labelling that people were asked about, and candidates; of all iterations. */
export async function listCampaignLabellings(jobId: string, signal?: AbortSignal): Promise<Labelling[]> {
  const page = await requestJson(LabellingPage, '/labellings', { query: { job_id: jobId }, signal });
  return page.labellings;
}

/** `selection.json` of an iteration: how its batch was chosen, and what the predictions look like. */
const Selection = z.object({
  classes: z.array(z.string()),
  candidateClasses: z.array(z.string()),
  strategy: z.string(),
  audit: z.record(z.string(), z.int()).optional(),
  candidates: z.int(),
  predictions: z
    .object({
      perClass: z.array(z.int()),
      unclassified: z.int(),
      meanEntropy: z.number(),
      /** Counts in bins of equal width from 0 to ln(classes) [nat]. */
      entropyHistogram: z.array(z.int()),
    })
    .optional(),
});
export type Selection = z.infer<typeof Selection>;

/** `dim_reduc.json`: the training set of an iteration in two dimensions. */
const TrainingMap = z.object({
  x: z.array(z.number()),
  y: z.array(z.number()),
  labels: z.array(z.int()),
  classes: z.array(z.string()),
  filenames: z.array(z.string()),
});
export type TrainingMap = z.infer<typeof TrainingMap>;

/** A JSON file of an iteration; undefined where it is not there, or not yet. */
async function iterationFile<S extends z.ZodType>(
  schema: S,
  { dirPath, iteration, name }: { dirPath: string; iteration: number; name: string },
  signal?: AbortSignal,
): Promise<z.infer<S> | null> {
  try {
    return await requestJson(schema, `/files/${name}/download`, {
      query: { parent_dir_path: iterationDirectory(dirPath, iteration) },
      signal,
    });
  } catch (failure) {
    if (failure instanceof ApiFailure && failure.status === 404) return null;
    throw failure;
  }
}

/** null where the iteration has none (yet). */
export function getSelection(
  at: { dirPath: string; iteration: number },
  signal?: AbortSignal,
): Promise<Selection | null> {
  return iterationFile(Selection, { ...at, name: 'selection.json' }, signal);
}

/** null where the iteration has none (yet). */
export function getTrainingMap(
  at: { dirPath: string; iteration: number },
  signal?: AbortSignal,
): Promise<TrainingMap | null> {
  return iterationFile(TrainingMap, { ...at, name: 'dim_reduc.json' }, signal);
}

/** A text file of a job's directory. @throws ApiFailure */
export async function getJobText(dirPath: string, name: string, signal?: AbortSignal): Promise<string> {
  const bytes = await requestBytes(`/files/${encodeURIComponent(name)}/download`, {
    query: { parent_dir_path: dirPath },
    signal,
  });
  return new TextDecoder().decode(bytes);
}
