import type { z } from 'zod';
import {
  ArtifactPage,
  type CreateJob,
  Job,
  type JobAction,
  type JobListQuery,
  JobPage,
  LogPage,
  MetricPage,
  PreprocessingPreview,
  RejectPage,
} from '../../contracts/job.ts';
import { TrainingReport } from '../../contracts/training.ts';
import { fileDownloadUrl } from './files.ts';
import { apiUrl, requestJson, requestNothing } from './http.ts';

type CreateJobInput = z.input<typeof CreateJob>;
const jobPath = (jobId: string) => `/jobs/${encodeURIComponent(jobId)}`;

export function listJobs(query: JobListQuery, signal?: AbortSignal): Promise<JobPage> {
  return requestJson(JobPage, '/jobs', { query, signal });
}

export function getJob(jobId: string, signal?: AbortSignal): Promise<Job> {
  return requestJson(Job, jobPath(jobId), { signal });
}

export function createJob(job: CreateJobInput): Promise<Job> {
  return requestJson(Job, '/jobs', { method: 'POST', body: job });
}

/** RUN, ABORT, PAUSE or RESUME; the answer's body, if any, is not needed: the job is read again. */
export function processJob(jobId: string, action: JobAction): Promise<void> {
  return requestNothing(`${jobPath(jobId)}/process/${action}`, { method: 'POST' });
}

export function deleteJob(jobId: string, options: { files: boolean }): Promise<void> {
  return requestNothing(jobPath(jobId), {
    method: 'DELETE',
    query: { files: options.files ? 'true' : undefined },
  });
}

/** Log lines with an id above `after`. */
export async function getJobLog(jobId: string, after: number, signal?: AbortSignal) {
  return (await requestJson(LogPage, `${jobPath(jobId)}/log`, { query: { after }, signal })).lines;
}

const METRICS_A_PAGE = 10_000;

/** Every number of a job's epochs and iterations, oldest first. */
export async function getJobMetrics(jobId: string, signal?: AbortSignal) {
  const metrics: z.infer<typeof MetricPage>['metrics'] = [];
  for (;;) {
    const page = await requestJson(MetricPage, `${jobPath(jobId)}/metrics`, {
      query: { after: metrics.at(-1)?.id ?? 0, limit: METRICS_A_PAGE },
      signal,
    });
    metrics.push(...page.metrics);
    if (page.metrics.length < METRICS_A_PAGE) return metrics;
  }
}

export async function getJobArtifacts(jobId: string, signal?: AbortSignal) {
  return (await requestJson(ArtifactPage, `${jobPath(jobId)}/artifacts`, { signal })).artifacts;
}

export function getJobRejects(jobId: string, page: { offset: number; limit: number }, signal?: AbortSignal) {
  return requestJson(RejectPage, `${jobPath(jobId)}/rejects`, { query: page, signal });
}

/** `preview.json` of a preprocessing job, from its directory in the file store. */
export async function getPreprocessingPreview(
  dirPath: string,
  signal?: AbortSignal,
): Promise<PreprocessingPreview> {
  return requestJson(PreprocessingPreview, '/files/preview.json/download', {
    query: { parent_dir_path: dirPath },
    signal,
  });
}

/** `training.json` of a training job, from its directory in the file store. */
export async function getTrainingReport(dirPath: string, signal?: AbortSignal): Promise<TrainingReport> {
  return requestJson(TrainingReport, '/files/training.json/download', {
    query: { parent_dir_path: dirPath },
    signal,
  });
}

/** A job's event stream: from its first event, or only what is to come. */
export function jobEventsUrl(jobId: string, from?: 'newest'): string {
  return apiUrl(`${jobPath(jobId)}/events`, { last_event_id: from });
}

/** Where an artifact (its path lies below the job's directory) is downloaded. */
export function artifactUrl(dirPath: string, artifactPath: string): string {
  const cut = artifactPath.lastIndexOf('/');
  return fileDownloadUrl(
    cut < 0 ? dirPath : `${dirPath}/${artifactPath.slice(0, cut)}`,
    artifactPath.slice(cut + 1),
  );
}
