import { z } from 'zod';
import { problemsOf } from '../../contracts/error.ts';
import {
  ArtifactPage,
  CloneJob,
  CreateJob,
  EndJob,
  Job,
  JOB_CONFIG_SCHEMAS,
  JobAction,
  JobEnd,
  JobListQuery,
  JobPage,
  JsonObject,
  LogLevel,
  LogPage,
  MetricPage,
  type JobType,
  PatchJob,
  RejectPage,
} from '../../contracts/job.ts';
import { MAX_CONFIG_BYTES } from '../../contracts/limits.ts';
import { TASK_QUEUES } from '../../contracts/task-queues.ts';
import type { EventsRepository } from '../../db/repositories/events.ts';
import type { CommandResult, JobRow, JobsRepository } from '../../db/repositories/jobs.ts';
import { FileStoreError, type FileStore } from '../../storage/file-store.ts';
import { absent, HttpError, invalid } from '../errors.ts';
import { answering } from '../file-store-answers.ts';
import { defineRoute, withoutNulls, type Route } from '../route.ts';
import { storableProblems } from '../storable.ts';

type JsonObject = z.infer<typeof JsonObject>;

/** The workflow that runs each job type; one line a type. */
const WORKFLOWS: Record<JobType, string> = {
  DATA_PREPROCESSING: 'preprocess',
  ACTIVE_ML: 'activeLearning',
  TRAINING: 'train',
};

const tags: [string] = ['jobs'];
const JobParams = z.object({ job_id: z.uuid() });
const EarliestTime = new Date('1970-01-01T00:00:00Z');
const LogData = z.object({ level: LogLevel, message: z.string() });
const MetricData = z.object({ name: z.string(), step: z.number().int().optional(), value: z.number() });
const AfterQuery = z.object({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).meta({
    description: 'Only what has an id above this',
  }),
  limit: z.coerce.number().int().min(1).max(10_000).default(5000),
});

export interface JobDependencies {
  jobs: JobsRepository;
  events: EventsRepository;
  fileStore: FileStore;
}

/** A job as the API shows it. */
export function jobBody(row: JobRow): Job {
  const { startedAt, endedAt, config, submittedConfig } = row;
  return withoutNulls({
    job_id: row.id,
    dir_path: row.dirPath,
    type: row.type,
    phase: row.phase,
    label: row.label,
    description: row.description,
    created_at: row.createdAt.toISOString(),
    started_at: startedAt && startedAt.toISOString(),
    ended_at: endedAt && endedAt.toISOString(),
    execution_duration: startedAt && endedAt && Math.max(0, (endedAt.getTime() - startedAt.getTime()) / 1000),
    status_detail: row.statusDetail,
    progress: row.progress,
    waiting_for: row.waitingFor,
    workflow_id: row.workflowId,
    config: JsonObject.nullable().parse(config ?? submittedConfig),
    error: row.error,
  });
}

/** The job of a command's result. @throws HttpError 404, 409 */
export function jobOf(id: string, result: CommandResult): JobRow {
  if ('job' in result) return result.job;
  throw refusedCommand(id, result);
}

/** 404 or 409: why a command changed nothing. */
export function refusedCommand(id: string, result: Exclude<CommandResult, { job: JobRow }>): HttpError {
  if (result.refusal === 'absent') return absent(`job ${id}`);
  return new HttpError(409, 'wrong_phase', `The job is ${result.phase}: ${result.reason}`);
}

/** A time of an old client: without an offset it is UTC. */
function timeOf(name: string, text: string | null | undefined): Date | undefined {
  if (text === null || text === undefined) return undefined;
  const time = new Date(/(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
  if (!(time >= EarliestTime))
    throw invalid('The body is not valid', [{ path: name, message: 'must be a time since 1970' }]);
  return time;
}

/** Jobs (API.md section 3). */
export function jobRoutes({ jobs, events, fileStore }: JobDependencies): Route[] {
  const configPath = (job: { dirPath: string }): string => `${job.dirPath}/config.json`;

  async function existing(id: string): Promise<JobRow> {
    const job = await jobs.find(id);
    if (!job) throw absent(`job ${id}`);
    return job;
  }

  function createJob(values: {
    type: JobType;
    label: string;
    description?: string | null;
    config?: JsonObject;
  }): Promise<JobRow> {
    const { config, ...rest } = values;
    return jobs.create({ ...rest, ...(config ? { submittedConfig: config } : {}) }, async (job) => {
      await fileStore.makeDirectory(job.dirPath);
      if (config)
        await fileStore.writeFile(configPath(job), Buffer.from(`${JSON.stringify(config, null, 2)}\n`));
    });
  }

  /** config.json of the job's directory; undefined where there is none. @throws HttpError 422 where it is no JSON object */
  async function readConfig(job: JobRow): Promise<JsonObject | undefined> {
    let text: string;
    try {
      const bytes = await fileStore.readFile(configPath(job), { maxBytes: MAX_CONFIG_BYTES });
      text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (error) {
      if (error instanceof FileStoreError && (error.code === 'absent' || error.code === 'outside'))
        return undefined;
      if (error instanceof FileStoreError) throw invalid(`config.json cannot be read: ${error.message}`);
      if (error instanceof TypeError) throw invalid('config.json is not UTF-8 text');
      throw error;
    }
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (error instanceof SyntaxError) throw invalid(`config.json is not valid JSON: ${error.message}`);
      throw error;
    }
    const unstorable = storableProblems(value);
    if (unstorable.length > 0) throw invalid('config.json is not valid', unstorable);
    const parsed = JsonObject.safeParse(value);
    if (!parsed.success) throw invalid('config.json must hold a JSON object', problemsOf(parsed.error));
    return parsed.data;
  }

  /** @throws HttpError 422 where the directory is not in the archive */
  async function checkDataDirectory(path: string): Promise<void> {
    try {
      await fileStore.resolveArchiveDirectory(path);
    } catch (error) {
      if (!(error instanceof FileStoreError)) throw error;
      throw invalid('config.json is not valid', [
        { path: 'data_dir_path', message: `${path} is not a directory of the spectra archive` },
      ]);
    }
  }

  /** @throws HttpError 404, 409, 422 */
  async function run(id: string): Promise<JobRow> {
    const job = await existing(id);
    if (job.phase !== 'PENDING')
      throw new HttpError(409, 'wrong_phase', `The job is ${job.phase}: only a pending job can be run`);
    const submittedConfig = await readConfig(job);
    if (!submittedConfig) throw invalid('There is no config.json in the directory of the job');
    const parsed = JOB_CONFIG_SCHEMAS[job.type].safeParse(submittedConfig);
    if (!parsed.success) throw invalid('config.json is not valid', problemsOf(parsed.error));
    // An option that is not used is undefined by now: JSON leaves it out.
    const config = JsonObject.parse(JSON.parse(JSON.stringify(parsed.data)));
    const dataset = config['data_dir_path'];
    if (typeof dataset === 'string') await checkDataDirectory(dataset);
    const start = {
      workflow: WORKFLOWS[job.type],
      taskQueue: TASK_QUEUES.control,
      input: { jobId: job.id, config },
      jobType: job.type,
      label: job.label,
      ...(job.description === null ? {} : { description: job.description }),
      ...(typeof dataset === 'string' ? { dataset } : {}),
    };
    return jobOf(id, await jobs.run(id, { config, submittedConfig, start }));
  }

  const actions: Record<JobAction, (id: string) => Promise<JobRow>> = {
    RUN: run,
    ABORT: async (id) => jobOf(id, await jobs.abort(id)),
    PAUSE: async (id) => jobOf(id, await jobs.pause(id)),
    RESUME: async (id) => jobOf(id, await jobs.resume(id)),
  };

  return [
    defineRoute({
      method: 'get',
      path: '/api/jobs',
      operationId: 'listJobs',
      summary: 'Jobs, newest first',
      tags,
      query: JobListQuery,
      responses: { 200: JobPage },
      handler: async ({ query }) => {
        const { total, rows } = await jobs.list(query);
        const { offset, limit } = query;
        return { status: 200, body: { total, offset, limit, jobs: rows.map(jobBody) } };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/jobs',
      operationId: 'createJob',
      summary: 'Make a pending job and its directory',
      tags,
      body: CreateJob,
      responses: { 201: Job },
      handler: async ({ body }) => ({ status: 201, body: jobBody(await createJob(body)) }),
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}',
      operationId: 'getJob',
      summary: 'One job',
      tags,
      params: JobParams,
      responses: { 200: Job },
      errors: [404],
      handler: async ({ params }) => ({ status: 200, body: jobBody(await existing(params.job_id)) }),
    }),
    defineRoute({
      method: 'patch',
      path: '/api/jobs/{job_id}',
      operationId: 'describeJob',
      summary: 'Change the description of a job',
      tags,
      params: JobParams,
      body: PatchJob,
      responses: { 200: Job },
      errors: [404],
      handler: async ({ params, body }) => {
        const job = await jobs.setDescription(params.job_id, body.description);
        if (!job) throw absent(`job ${params.job_id}`);
        return { status: 200, body: jobBody(job) };
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/jobs/{job_id}',
      operationId: 'deleteJob',
      summary: 'Delete a job that is not running',
      tags,
      params: JobParams,
      query: z.object({
        files: z
          .enum(['true', 'false'])
          .default('false')
          .meta({ description: 'Delete the directory of the job too' }),
      }),
      responses: { 204: 'empty' },
      errors: [403, 404, 409],
      handler: async ({ params, query }) => {
        const job = jobOf(params.job_id, await jobs.remove(params.job_id));
        if (query.files === 'true') {
          try {
            await answering(fileStore.removeDirectory(job.dirPath));
          } catch (error) {
            // Gone already, or a file in its place, which is none of the job's: nothing to delete.
            if (!(error instanceof HttpError && error.status === 404)) throw error;
          }
        }
        return { status: 204 };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/jobs/{job_id}/process/{action}',
      operationId: 'processJob',
      summary: 'Run, abort, pause or resume a job',
      tags,
      params: JobParams.extend({ action: JobAction }),
      responses: { 202: Job },
      errors: [404, 409],
      handler: async ({ params: { job_id, action } }) => ({
        status: 202,
        body: jobBody(await actions[action](job_id)),
      }),
    }),
    defineRoute({
      method: 'post',
      path: '/api/jobs/{job_id}/end/{end}',
      operationId: 'endJob',
      summary: 'Say that a running job has ended; its run is cancelled',
      tags,
      params: JobParams.extend({ end: JobEnd }),
      body: EndJob.default({}),
      responses: { 200: Job },
      errors: [404, 409],
      handler: async ({ params: { job_id, end }, body }) => {
        const startedAt = timeOf('started_at', body.started_at);
        const endedAt = timeOf('ended_at', body.ended_at);
        if (startedAt && endedAt && endedAt < startedAt)
          throw invalid('The body is not valid', [
            { path: 'ended_at', message: 'must not be before started_at' },
          ]);
        const job = jobOf(
          job_id,
          await jobs.end(job_id, end, {
            ...(startedAt ? { startedAt } : {}),
            ...(endedAt ? { endedAt } : {}),
          }),
        );
        return { status: 200, body: jobBody(job) };
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/jobs/{job_id}/clone',
      operationId: 'cloneJob',
      summary: 'Make a pending job from the configuration of another as it was submitted, with changes',
      tags,
      params: JobParams,
      body: CloneJob.default({}),
      responses: { 201: Job },
      errors: [404],
      handler: async ({ params, body }) => {
        const origin = await existing(params.job_id);
        // Before RUN the file is what would be submitted; from then on it is fixed in the row.
        const submitted =
          (origin.phase === 'PENDING' ? await readConfig(origin) : undefined) ??
          JsonObject.nullable().parse(origin.submittedConfig);
        const config = submitted || body.config ? { ...submitted, ...body.config } : undefined;
        const { type, label, description } = origin;
        const job = await createJob({
          type,
          label: body.label ?? label,
          description,
          ...(config ? { config } : {}),
        });
        return { status: 201, body: jobBody(job) };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/log',
      operationId: 'getJobLog',
      summary: 'Lines of the job’s log, oldest first',
      tags,
      params: JobParams,
      query: AfterQuery,
      responses: { 200: LogPage },
      errors: [404],
      handler: async ({ params, query: { after, limit } }) => {
        const job = await existing(params.job_id);
        const rows = await events.list(job.id, { afterId: after, limit, kind: 'log' });
        const lines = rows.map(({ id, at, data }) => ({
          id,
          at: at.toISOString(),
          ...LogData.parse(data),
        }));
        return { status: 200, body: { job_id: job.id, lines } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/metrics',
      operationId: 'getJobMetrics',
      summary: 'Numbers per epoch and per iteration, oldest first',
      tags,
      params: JobParams,
      query: AfterQuery,
      responses: { 200: MetricPage },
      errors: [404],
      handler: async ({ params, query: { after, limit } }) => {
        const job = await existing(params.job_id);
        const rows = await events.list(job.id, { afterId: after, limit, kind: 'metric' });
        const metrics = rows.map(({ id, at, data }) => ({
          id,
          at: at.toISOString(),
          ...MetricData.parse(data),
        }));
        return { status: 200, body: { job_id: job.id, metrics } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/artifacts',
      operationId: 'listJobArtifacts',
      summary: 'Files that the job made, with their digests',
      tags,
      params: JobParams,
      responses: { 200: ArtifactPage },
      errors: [404],
      handler: async ({ params }) => {
        const job = await existing(params.job_id);
        const artifacts = await jobs.listArtifacts(job.id);
        return { status: 200, body: { job_id: job.id, dir_path: job.dirPath, artifacts } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/rejects',
      operationId: 'listJobRejects',
      summary: 'Files that gave no spectrum, and why, in order of their path',
      tags,
      params: JobParams,
      query: z.object({
        offset: z.coerce
          .number()
          .int()
          .min(0)
          .max(2 ** 31 - 1)
          .default(0),
        limit: z.coerce.number().int().min(0).max(10_000).default(100),
      }),
      responses: { 200: RejectPage },
      errors: [404],
      handler: async ({ params, query }) => {
        const job = await existing(params.job_id);
        return { status: 200, body: { job_id: job.id, ...(await jobs.listRejects(job.id, query)) } };
      },
    }),
  ];
}
