import { z } from 'zod';
import {
  BatchPage,
  ClassList,
  ClassListPage,
  CreateLabelling,
  DisagreementPage,
  DisagreementQuery,
  ImportedLabels,
  ImportLabels,
  Labelling,
  LabellingHistoryPage,
  LabellingHistoryQuery,
  LabellingListQuery,
  LabellingPage,
  PatchClasses,
  PatchLabelling,
  PatchLabellings,
} from '../../contracts/labelling.ts';
import { ActiveLearningConfig, CampaignSettings, PresentSettings } from '../../contracts/active-learning.ts';
import { Job } from '../../contracts/job.ts';
import { MAX_LABELS_BYTES } from '../../contracts/limits.ts';
import type { JobRow, JobsRepository } from '../../db/repositories/jobs.ts';
import { labellingValue } from '../../db/repositories/labelling-history.ts';
import {
  type Answer,
  LabellingRefused,
  type LabellingRow,
  type LabellingsRepository,
} from '../../db/repositories/labellings.ts';
import { NetworkError } from '../../science/cnn/error.ts';
import { parseLabelsCsv } from '../../science/labels/labels-csv.ts';
import type { FileStore } from '../../storage/file-store.ts';
import { absent, HttpError, invalid } from '../errors.ts';
import { answering } from '../file-store-answers.ts';
import { jobOf, refusedCommand } from '../job-commands.ts';
import { defineRoute, type Route } from '../route.ts';
import { withoutNulls } from '../without-nulls.ts';
import { jobBody } from './jobs.ts';

const tags: [string] = ['labellings'];
const JobParams = z.object({ job_id: z.guid() });
const LabellingParams = z.object({ labelling_id: z.guid() });

function labellingBody(row: LabellingRow): Labelling {
  return withoutNulls({
    labelling_id: row.id,
    job_id: row.jobId,
    spectrum_filename: row.spectrumFilename,
    spectrum_set: row.spectrumSet,
    sequence_iteration: row.sequenceIteration,
    model_prediction: row.modelPrediction,
    user_label: row.userLabel,
    user_comment: row.userComment,
    decision: row.decision,
    labelled_by: row.labelledBy,
    labelled_at: row.labelledAt && row.labelledAt.toISOString(),
    probabilities: row.probabilities,
    source: row.source,
  });
}

const answerOf = (body: PatchLabelling): Answer => ({
  userLabel: body.user_label,
  decision: body.decision,
  userComment: body.user_comment,
  labelledBy: body.labelled_by,
  settles: body.settles,
  ...(body.expected && {
    expected: {
      userLabel: body.expected.user_label,
      decision: body.expected.decision,
      userComment: body.expected.user_comment,
    },
  }),
});

const toCreate = (body: CreateLabelling): Parameters<LabellingsRepository['create']>[0][number] => ({
  jobId: body.job_id,
  labelling: {
    spectrumSet: body.spectrum_set,
    sequenceIteration: body.sequence_iteration,
    spectrumFilename: body.spectrum_filename,
    modelPrediction: body.model_prediction ?? undefined,
    // To what their column keeps: it refuses what is nearer to 0, where a float64 does not.
    probabilities: body.probabilities?.map(Math.fround),
  },
  answer: answerOf(body),
});

/**
 * Awaits work on labellings; what it refuses becomes the answer.
 * @param what names what is absent, by its place in the request
 * @param field where in the request the label stands, by its place
 * @throws HttpError 404, 409, 422
 */
async function taking<T>(
  work: Promise<T>,
  what: (index: number) => string,
  field: (index: number) => string,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof LabellingRefused)) throw error;
    const { refusal } = error;
    if (refusal.refusal === 'absent') throw absent(what(refusal.index));
    if (refusal.refusal === 'answered-meanwhile')
      throw new HttpError(
        409,
        'answered_meanwhile',
        `Somebody has answered ${what(refusal.index)} meanwhile; nothing was changed`,
      );
    throw invalid('A label is not one of the classes of the job', [
      { path: field(refusal.index), message: `must be one of ${refusal.classes.join(', ')}` },
    ]);
  }
}

/** Labellings (API.md section 4), and what else people tell a campaign. */
export function labellingRoutes({
  labellings,
  jobs,
  fileStore,
}: {
  labellings: LabellingsRepository;
  jobs: JobsRepository;
  fileStore: FileStore;
}): Route[] {
  async function existing(jobId: string): Promise<JobRow> {
    const job = await jobs.find(jobId);
    if (!job) throw absent(`job ${jobId}`);
    return job;
  }

  /** @throws HttpError 413, 422 */
  async function readLabels(path: string): Promise<Map<string, string>> {
    const wrong = (message: string) =>
      invalid('The labels cannot be read', [{ path: 'labels_path', message }]);
    if (!(await answering(fileStore.find(path)))) throw wrong(`there is no file ${path}`);
    const bytes = await answering(fileStore.readFile(path, { maxBytes: MAX_LABELS_BYTES }));
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw wrong('is not UTF-8 text');
    }
    if (text.includes('\0')) throw wrong('holds NUL characters');
    try {
      return parseLabelsCsv(text);
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error;
      throw wrong(error.message);
    }
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/labellings',
      operationId: 'listLabellings',
      summary: 'Labellings of a job: oracle, performance estimation, candidates; then by iteration and rank',
      tags,
      query: LabellingListQuery,
      responses: { 200: LabellingPage },
      handler: async ({ query }) => {
        const { total, rows } = await labellings.list(query);
        return { status: 200, body: { job_id: query.job_id, total, labellings: rows.map(labellingBody) } };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/labellings',
      operationId: 'createLabelling',
      summary: 'Ask about a spectrum',
      tags,
      body: CreateLabelling,
      responses: { 201: Labelling },
      errors: [404],
      handler: async ({ body }) => {
        const [row] = await taking(
          labellings.create([toCreate(body)]),
          () => `job ${body.job_id}`,
          () => 'user_label',
        );
        if (!row) throw new Error('an insert returned no row');
        return { status: 201, body: labellingBody(row) };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/labellings/batch',
      operationId: 'createLabellings',
      summary: 'Ask about many spectra, all or none',
      tags,
      body: z.array(CreateLabelling),
      responses: { 204: 'empty' },
      errors: [404],
      handler: async ({ body }) => {
        await taking(
          labellings.create(body.map(toCreate)),
          (index) => `job ${body[index]?.job_id}`,
          (index) => `[${index}].user_label`,
        );
        return { status: 204 };
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/labellings/batch',
      operationId: 'labelSpectra',
      summary:
        'Label many spectra, all or none; the label that completes the open batch resumes the campaign',
      tags,
      body: PatchLabellings,
      responses: { 204: 'empty' },
      errors: [400, 404, 409],
      handler: async ({ body: { labelling_ids: ids, batch } }) => {
        if (ids.length !== batch.length)
          throw new HttpError(
            400,
            'lengths_differ',
            `There are ${ids.length} labelling_ids, but ${batch.length} entries in batch`,
          );
        await taking(
          labellings.answer(batch.map((body, index) => ({ id: ids[index] ?? '', answer: answerOf(body) }))),
          (index) => `labelling ${ids[index]}`,
          (index) => `batch[${index}].user_label`,
        );
        return { status: 204 };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/labellings/{labelling_id}',
      operationId: 'getLabelling',
      summary: 'One labelling',
      tags,
      params: LabellingParams,
      responses: { 200: Labelling },
      errors: [404],
      handler: async ({ params: { labelling_id: id } }) => {
        const row = await labellings.find(id);
        if (!row) throw absent(`labelling ${id}`);
        return { status: 200, body: labellingBody(row) };
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/labellings/{labelling_id}',
      operationId: 'labelSpectrum',
      summary: 'Label a spectrum, at any time: the newest label counts in the next training',
      tags,
      params: LabellingParams,
      body: PatchLabelling,
      responses: { 200: Labelling },
      errors: [404, 409],
      handler: async ({ params: { labelling_id: id }, body }) => {
        await taking(
          labellings.answer([{ id, answer: answerOf(body) }]),
          () => `labelling ${id}`,
          () => 'user_label',
        );
        const row = await labellings.find(id);
        if (!row) throw absent(`labelling ${id}`);
        return { status: 200, body: labellingBody(row) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/labellings/history',
      operationId: 'listLabellingHistory',
      summary: 'Every value that labellings were ever given, oldest first',
      tags,
      params: JobParams,
      query: LabellingHistoryQuery,
      responses: { 200: LabellingHistoryPage },
      errors: [404],
      handler: async ({ params, query: { labelling_id: labellingId, offset, limit } }) => {
        const job = await existing(params.job_id);
        const { total, entries } = await labellings.listHistory(job.id, { labellingId, offset, limit });
        const values = entries.map(labellingValue);
        return { status: 200, body: { job_id: job.id, total, values } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/labellings/disagreements',
      operationId: 'listDisagreements',
      summary: 'Spectra to which people gave different labels; a label with `settles` settles one',
      tags,
      params: JobParams,
      query: DisagreementQuery,
      responses: { 200: DisagreementPage },
      errors: [404],
      handler: async ({ params, query }) => {
        const job = await existing(params.job_id);
        return {
          status: 200,
          body: { job_id: job.id, ...(await labellings.listDisagreements(job.id, query)) },
        };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/jobs/{job_id}/labellings/import',
      operationId: 'importLabels',
      summary:
        'Add labels of earlier work, with where they come from; a second time it changes those of the source',
      tags,
      params: JobParams,
      body: ImportLabels,
      responses: { 200: ImportedLabels },
      errors: [404, 413],
      handler: async ({ params, body: { labels_path, source, labelled_by: labelledBy } }) => {
        const job = await existing(params.job_id);
        const labels = await readLabels(labels_path);
        const filenames = [...labels.keys()];
        const imported = await taking(
          labellings.importLabels(job.id, labels, { source, labelledBy }),
          () => `job ${job.id}`,
          (index) => `labels_path: ${filenames[index] ?? ''}`,
        );
        if (!imported) throw absent(`job ${job.id}`);
        return { status: 200, body: imported };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/batches',
      operationId: 'listBatches',
      summary: 'Batches of a job, newest first, and how far each is',
      tags,
      params: JobParams,
      responses: { 200: BatchPage },
      errors: [404],
      handler: async ({ params }) => {
        const job = await existing(params.job_id);
        return { status: 200, body: { job_id: job.id, batches: await labellings.listBatches(job.id) } };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/jobs/{job_id}/batch/close',
      operationId: 'closeBatch',
      summary:
        'Close the open batch of a campaign before each of its spectra has an answer; the campaign goes on',
      tags,
      params: JobParams,
      responses: { 202: Job },
      errors: [404, 409],
      handler: async ({ params: { job_id: id } }) => ({
        status: 202,
        body: jobBody(jobOf(id, await labellings.closeBatchEarly(id))),
      }),
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/settings',
      operationId: 'getSettings',
      summary: 'Settings of a campaign that hold from the next iteration on',
      tags,
      params: JobParams,
      responses: { 200: PresentSettings },
      errors: [404, 409],
      handler: async ({ params }) => {
        const job = await existing(params.job_id);
        const config = ActiveLearningConfig.safeParse(job.config);
        if (job.type !== 'ACTIVE_ML' || !config.success)
          throw new HttpError(409, 'wrong_phase', 'Only a campaign that was run has settings');
        const { oracle_batch_size, perf_est_batch_size, strategy } = config.data;
        const changed = await labellings.changedSettings(job.id);
        return {
          status: 200,
          body: PresentSettings.parse({ oracle_batch_size, perf_est_batch_size, strategy, ...changed }),
        };
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/jobs/{job_id}/settings',
      operationId: 'changeSettings',
      summary: 'Change settings of a running campaign; they hold from the next iteration on',
      tags,
      params: JobParams,
      body: CampaignSettings,
      responses: { 202: Job },
      errors: [404, 409],
      handler: async ({ params: { job_id: id }, body }) => ({
        status: 202,
        body: jobBody(jobOf(id, await labellings.changeSettings(id, body))),
      }),
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/classes',
      operationId: 'listClasses',
      summary: 'Versions of the classes of a job, newest first',
      tags,
      params: JobParams,
      responses: { 200: ClassListPage },
      errors: [404],
      handler: async ({ params }) => {
        const job = await existing(params.job_id);
        const lists = await labellings.classLists(job.id);
        return { status: 200, body: { job_id: job.id, class_lists: lists.reverse() } };
      },
    }),
    defineRoute({
      method: 'patch',
      path: '/api/jobs/{job_id}/classes',
      operationId: 'changeClasses',
      summary: 'Add, rename, merge or split classes of a running campaign: a new version of their list',
      tags,
      params: JobParams,
      body: PatchClasses,
      responses: { 200: ClassList },
      errors: [404, 409],
      handler: async ({ params: { job_id: id }, body }) => {
        const result = await labellings.changeClasses(id, body);
        if ('list' in result) return { status: 200, body: result.list };
        if ('problems' in result) throw invalid('The body is not valid', result.problems);
        throw refusedCommand(id, result);
      },
    }),
  ];
}
