import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import {
  ArtifactPage,
  CloneJob,
  CreateJob,
  EndJob,
  Job,
  JobAction,
  JobEnd,
  JobListQuery,
  JobPage,
  JsonObject,
  LogLevel,
  LogPage,
  Metric,
  MetricPage,
  PatchJob,
  RejectPage,
} from '../../contracts/job.ts';
import { Offset, wholeNumber } from '../../contracts/parameter.ts';
import type { EventsRepository } from '../../db/repositories/events.ts';
import type { JobRow, JobsRepository } from '../../db/repositories/jobs.ts';
import { absent, invalid } from '../errors.ts';
import { type JobCommands, jobOf } from '../job-commands.ts';
import { defineRoute, type Route } from '../route.ts';
import { withoutNulls } from '../without-nulls.ts';

const tags: [string] = ['jobs'];
const JobParams = z.object({ job_id: z.guid() });
const LogData = z.object({ level: LogLevel, message: z.string() });
const MetricData = Metric.omit({ id: true, at: true });
/** A client that looks as soon as its job has completed is kept waiting until so long after that for the last hash. */
const HASH_WAIT_MS = 10_000;
const HASH_POLL_MS = 50;
const AfterQuery = z.object({
  after: wholeNumber({ max: Number.MAX_SAFE_INTEGER })
    .default(0)
    .meta({ description: 'Only what has an id above this' }),
  limit: wholeNumber({ min: 1, max: 10_000 }).default(5000),
});

export interface JobDependencies {
  jobs: JobsRepository;
  events: EventsRepository;
  commands: JobCommands;
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
    config: config ?? submittedConfig,
    error: row.error,
  });
}

/** A time of an old client: without an offset it is UTC. */
function timeOf(text: string | null | undefined): Date | undefined {
  if (text === null || text === undefined) return undefined;
  return new Date(/(Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text}Z`);
}

/** Jobs (API.md section 3). */
export function jobRoutes({ jobs, events, commands }: JobDependencies): Route[] {
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
      handler: async ({ body }) => ({ status: 201, body: jobBody(await commands.create(body)) }),
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
      handler: async ({ params }) => ({ status: 200, body: jobBody(await commands.existing(params.job_id)) }),
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
        await commands.remove(params.job_id, { files: query.files === 'true' });
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
        body: jobBody(await commands.actions[action](job_id)),
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
        const startedAt = timeOf(body.started_at);
        const endedAt = timeOf(body.ended_at);
        // Of a job that is not running nothing is read: 409 comes first.
        const { phase } = await commands.existing(job_id);
        if (phase === 'PROCESSING' && startedAt && endedAt && endedAt < startedAt)
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
        const origin = await commands.existing(params.job_id);
        // Before RUN the file is what would be submitted; from then on it is fixed in the row.
        const submitted =
          (origin.phase === 'PENDING' ? await commands.readConfig(origin) : undefined) ??
          JsonObject.nullable().parse(origin.submittedConfig);
        const config = submitted || body.config ? { ...submitted, ...body.config } : undefined;
        const { type, label, description } = origin;
        const job = await commands.create({
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
        const job = await commands.existing(params.job_id);
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
        const job = await commands.existing(params.job_id);
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
        const job = await commands.existing(params.job_id);
        const until = (job.endedAt?.getTime() ?? 0) + HASH_WAIT_MS;
        let artifacts = await jobs.listArtifacts(job.id);
        while (Date.now() < until && artifacts.some(({ sha256 }) => sha256 === undefined)) {
          await setTimeout(HASH_POLL_MS);
          artifacts = await jobs.listArtifacts(job.id);
        }
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
        offset: Offset,
        limit: wholeNumber({ max: 10_000 }).default(100),
      }),
      responses: { 200: RejectPage },
      errors: [404],
      handler: async ({ params, query }) => {
        const job = await commands.existing(params.job_id);
        return { status: 200, body: { job_id: job.id, ...(await jobs.listRejects(job.id, query)) } };
      },
    }),
  ];
}
