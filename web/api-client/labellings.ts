import { z } from 'zod';
import { PreprocessingConfig } from '../../contracts/preprocessing.ts';
import {
  BatchPage,
  type Batch,
  type ClassList,
  ClassListPage,
  DisagreementPage,
  Labelling,
  LabellingPage,
  type PatchLabelling,
  type SpectrumSet,
} from '../../contracts/labelling.ts';
import { joinPath, parentOf } from '../paths.ts';
import { ApiFailure, requestJson, requestNothing } from './http.ts';

const iterationPath = (dirPath: string, iteration: number) =>
  joinPath(dirPath, `iteration-${String(iteration).padStart(3, '0')}`);
const jobPath = (jobId: string) => `/jobs/${encodeURIComponent(jobId)}`;

/** Batches of a job, newest first. */
export async function listBatches(jobId: string, signal?: AbortSignal): Promise<Batch[]> {
  return (await requestJson(BatchPage, `${jobPath(jobId)}/batches`, { signal })).batches;
}

/** Versions of the classes of a job, newest first. */
export async function listClassLists(jobId: string, signal?: AbortSignal): Promise<ClassList[]> {
  return (await requestJson(ClassListPage, `${jobPath(jobId)}/classes`, { signal })).class_lists;
}

/** Labellings of one batch, or of all: of the sets, one after the other, each in its order. */
export async function listLabellings(
  {
    jobId,
    iteration,
    sets,
    open,
  }: { jobId: string; iteration?: number; sets: readonly SpectrumSet[]; open?: boolean },
  signal?: AbortSignal,
): Promise<Labelling[]> {
  const pages = await Promise.all(
    sets.map((set) =>
      requestJson(LabellingPage, '/labellings', { query: { job_id: jobId, iteration, set, open }, signal }),
    ),
  );
  return pages.flatMap(({ labellings }) => labellings);
}

export function getLabelling(id: string, signal?: AbortSignal): Promise<Labelling> {
  return requestJson(Labelling, `/labellings/${encodeURIComponent(id)}`, { signal });
}

export function patchLabelling(id: string, patch: PatchLabelling): Promise<Labelling> {
  return requestJson(Labelling, `/labellings/${encodeURIComponent(id)}`, { method: 'PATCH', body: patch });
}

/** Spectra of a job to which different people gave different labels, and nobody settled it. */
export function listDisagreements(
  jobId: string,
  signal?: AbortSignal,
): Promise<z.infer<typeof DisagreementPage>> {
  return requestJson(DisagreementPage, `${jobPath(jobId)}/labellings/disagreements`, { signal });
}

/** How many disagreements of a job are not settled. */
export async function countDisagreements(jobId: string, signal?: AbortSignal): Promise<number> {
  const path = `${jobPath(jobId)}/labellings/disagreements`;
  return (await requestJson(DisagreementPage, path, { query: { limit: 0 }, signal })).total;
}

/** Closes the open batch before each of its spectra has an answer. */
export function closeBatch(jobId: string): Promise<void> {
  return requestNothing(`${jobPath(jobId)}/batch/close`, { method: 'POST' });
}

/** `prep_spectra.json`: the spectra of a batch as the network sees them, on one grid [Å]. */
const PreparedSpectra = z.object({
  wave: z.array(z.number()),
  spectra: z.record(z.string(), z.array(z.number().nullable())),
});
export type PreparedSpectra = z.infer<typeof PreparedSpectra>;

/** The spectra of a batch, from the directory of its iteration. */
export function getPreparedSpectra(
  { dirPath, iteration }: { dirPath: string; iteration: number },
  signal?: AbortSignal,
): Promise<PreparedSpectra> {
  return requestJson(PreparedSpectra, '/files/prep_spectra.json/download', {
    query: { parent_dir_path: iterationPath(dirPath, iteration) },
    signal,
  });
}

/** `dim_reduc.json`: a map of what the network of an iteration learnt from, a point a spectrum. */
const TrainingMap = z.object({
  x: z.array(z.number()),
  y: z.array(z.number()),
  labels: z.array(z.int()),
  classes: z.array(z.string()),
  filenames: z.array(z.string()),
});

/** The map of an iteration's training set; undefined where there is none, or none yet. */
export function getTrainingMap(
  { dirPath, iteration }: { dirPath: string; iteration: number },
  signal?: AbortSignal,
): Promise<z.infer<typeof TrainingMap> | undefined> {
  return unlessAbsent(
    requestJson(TrainingMap, '/files/dim_reduc.json/download', {
      query: { parent_dir_path: iterationPath(dirPath, iteration) },
      signal,
    }),
  );
}

/** How the spectra of an HDF5 were preprocessed, where a preprocessing job of ours has made it. */
export async function getPreprocessingOf(
  hdf5Path: string,
  signal?: AbortSignal,
): Promise<PreprocessingConfig | undefined> {
  const config = await unlessAbsent(
    requestJson(z.unknown(), '/files/config.json/download', {
      query: { parent_dir_path: parentOf(hdf5Path) },
      signal,
    }),
  );
  return PreprocessingConfig.safeParse(config).data;
}

/** @returns undefined where the API says that there is no such thing */
async function unlessAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (failure) {
    if (failure instanceof ApiFailure && failure.status === 404) return undefined;
    throw failure;
  }
}
