import { z } from 'zod';
import { CreateJob, JobType, JsonObject } from '../../contracts/job.ts';
import { ACTIVE_UWS_PHASES, jobTypeOfUwsName, UwsPhase, uwsName } from '../../contracts/uws.ts';
import type { JobsRepository } from '../../db/repositories/jobs.ts';
import type { UwsJobRow, UwsJobsRepository } from '../../db/repositories/uws-jobs.ts';
import { absent, HttpError, invalid } from '../errors.ts';
import type { Form } from '../form.ts';
import type { JobCommands } from '../job-commands.ts';
import type { JobEventHub } from '../job-event-hub.ts';
import { defineRoute, type Route } from '../route.ts';
import { storableProblems } from '../storable.ts';
import {
  jobDocument,
  jobListDocument,
  type Parameter,
  parametersDocument,
  type Result,
  resultsDocument,
  resultsOf,
} from '../uws/documents.ts';
import { fileDownloadUrl, originOf } from '../uws/links.ts';
import { configOfForm, parameterNames, parametersOf } from '../uws/parameters.ts';

/** A WAIT is answered after this at the latest, however long the client would wait. */
const MAX_WAIT_SECONDS = 30;
const MAX_RUN_ID_LENGTH = 255;
const MAX_LABEL_LENGTH = 50;

/** What is none of them is answered by 404, so neither is checked as a field is: they are patterns of addresses. */
const TypeParams = z.object({
  job_type: z.string().meta({
    description: 'A job type',
    example: uwsName('DATA_PREPROCESSING'),
    override: { enum: JobType.options.map(uwsName) },
  }),
});
const JobParams = TypeParams.extend({
  job_id: z.string().meta({ override: { format: 'uuid' } }),
});

const phases = z.union([UwsPhase, z.array(UwsPhase)]).transform((given) => [given].flat());
/** ISO 8601 down to a year, in UTC, of times that PostgreSQL and JavaScript both know. */
const Instant = z
  .string()
  .regex(
    /^(19[7-9]|[2-9]\d\d)\d(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?Z?)?)?)?$/,
    'must be a time since 1970 as 2026-11-21T17:05:00, in UTC',
  )
  .transform((text, context) => {
    const time = new Date(text.includes('T') && !text.endsWith('Z') ? `${text}Z` : text);
    if (!Number.isNaN(time.getTime())) return time;
    context.addIssue({ code: 'custom', message: 'there is no such time' });
    return z.NEVER;
  });
const Seconds = z.coerce
  .number()
  .int()
  .min(0)
  .max(2 ** 31 - 1);

const JobListQuery = z.object({
  PHASE: phases.optional().meta({ description: 'Only jobs in this phase; repeated: in one of them' }),
  AFTER: Instant.optional().meta({ description: 'Only jobs made later than this' }),
  LAST: Seconds.optional().meta({ description: 'Only so many of these, the newest' }),
});
const JobQuery = z.object({
  WAIT: z.coerce
    .number()
    .optional()
    .meta({
      description: `Seconds to wait for another phase, at most ${MAX_WAIT_SECONDS}; negative: as long as possible`,
    }),
  PHASE: UwsPhase.optional().meta({ description: 'Wait only while the job is in this phase' }),
});

/** Parameters of UWS and of a job as such; all others are keys of the configuration. */
const Controls = z.object({
  PHASE: z.literal('RUN').optional().meta({ description: 'Run it at once' }),
  RUNID: z.string().min(1).max(MAX_RUN_ID_LENGTH).optional(),
  EXECUTIONDURATION: Seconds.optional().meta({ description: 'Seconds it may take; 0: any' }),
  DESTRUCTION: Instant.optional().meta({ description: 'When it is deleted with its files' }),
  LABEL: CreateJob.shape.label.optional(),
  DESCRIPTION: CreateJob.shape.description,
});
const CONTROL_NAMES = Object.keys(Controls.shape);

const Xml = (description: string) => ({ mediaTypes: ['application/xml'] as [string], description });
const Text = (description: string) => ({ mediaTypes: ['text/plain'] as [string], description });
const textAnswer = (content: string) =>
  ({ status: 200, content, headers: { 'Content-Type': 'text/plain; charset=utf-8' } }) as const;
const seeOther = (location: string) => ({ status: 303, headers: { Location: location } }) as const;

/** The fields of `schema` in a form, by their names in upper case. @throws HttpError 422 */
function read<T extends z.ZodObject>(schema: T, form: Form): z.output<T> {
  const fields: Record<string, string> = {};
  for (const name of Object.keys(schema.shape)) {
    const [value, ...others] = form.get(name.toLowerCase()) ?? [];
    if (others.length > 0)
      throw invalid('The parameters are not valid', [{ path: name, message: 'is given more than once' }]);
    if (value !== undefined) fields[name] = value;
  }
  const unstorable = storableProblems(fields);
  if (unstorable.length > 0) throw invalid('The parameters are not valid', unstorable);
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  throw invalid(
    'The parameters are not valid',
    parsed.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })),
  );
}

export interface UwsDependencies {
  jobs: JobsRepository;
  uwsJobs: UwsJobsRepository;
  commands: JobCommands;
  hub: JobEventHub;
}

/** IVOA's Universal Worker Service 1.1 (Recommendation of 2016-10-24) over the same jobs as the REST API. */
export function uwsRoutes({ jobs, uwsJobs, commands, hub }: UwsDependencies): Route[] {
  const typeOf = (name: string): JobType => {
    const type = jobTypeOfUwsName(name);
    if (type === undefined) throw absent(`job type ${name}`);
    return type;
  };

  /** @throws HttpError 404 where there is no such job, or it is of another type */
  async function existing({ job_type, job_id }: z.output<typeof JobParams>): Promise<UwsJobRow> {
    const type = typeOf(job_type);
    const job = z.guid().safeParse(job_id).success ? await uwsJobs.find(job_id) : undefined;
    if (job?.type !== type) throw absent(`job ${job_id}`);
    return job;
  }

  const jobsUrl = (origin: string, type: JobType): string => `${origin}/uws/${uwsName(type)}`;
  const jobUrl = (origin: string, job: Pick<UwsJobRow, 'id' | 'type'>): string =>
    `${jobsUrl(origin, job.type)}/${job.id}`;

  async function parametersOfJob(job: UwsJobRow): Promise<Parameter[]> {
    if (job.phase !== 'PENDING')
      return parametersOf(JsonObject.parse(job.submittedConfig ?? job.config ?? {}));
    try {
      // Until RUN the file is what counts.
      return parametersOf((await commands.readConfig(job)) ?? {});
    } catch (error) {
      // Somebody uploaded what is no configuration: RUN will say so.
      if (error instanceof HttpError && error.status === 422) return [];
      throw error;
    }
  }

  const resultsOfJob = async (job: UwsJobRow): Promise<Result[]> =>
    resultsOf(job.type, await jobs.listArtifacts(job.id));

  /** Returns once the phase has changed, the time is over, or the client or the server goes. */
  async function waitForChange(
    job: UwsJobRow,
    { seconds, phase, signal }: { seconds: number; phase: UwsPhase | undefined; signal: AbortSignal },
  ): Promise<void> {
    const waitsIn = phase ?? job.uwsPhase;
    if (!ACTIVE_UWS_PHASES.includes(waitsIn)) return;
    const wish = seconds < 0 ? MAX_WAIT_SECONDS : Math.min(seconds, MAX_WAIT_SECONDS);
    const until = performance.now() + 1000 * wish;
    const { wakeup, unsubscribe } = hub.subscribe(job.id);
    const wake = (): void => wakeup.wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted && !hub.closing.aborted && (await uwsJobs.findPhase(job.id)) === waitsIn) {
        const left = until - performance.now();
        if (left <= 0) return;
        await wakeup.wait(left);
      }
    } finally {
      signal.removeEventListener('abort', wake);
      unsubscribe();
    }
  }

  // Of which type of job they are, and what they may be, depends on the path: no schema of a form can say that.
  const Parameters = z
    .strictObject(
      Object.fromEntries(
        JobType.options.flatMap(parameterNames).map((name) => [name, z.string().optional()]),
      ),
    )
    .meta({
      description:
        'Keys of the configuration. Arrays: a parameter repeated, a list with commas, or JSON; objects: JSON. ' +
        JobType.options.map((type) => `${uwsName(type)}: ${parameterNames(type).join(', ')}.`).join(' '),
    });
  const FormOfJob = Parameters.extend(Controls.shape).meta({
    description: `Of UWS and of the job, in capitals; and the parameters. ${Parameters.description}`,
  });
  const common = { tags: ['uws'] as [string], protocol: 'uws' as const };
  const jobPath = '/uws/{job_type}/{job_id}';

  /** A resource of a job that is one line of text. */
  const textRoute = (name: string, description: string, textOf: (job: UwsJobRow) => string): Route =>
    defineRoute({
      ...common,
      method: 'get',
      path: `${jobPath}/${name}`,
      operationId: `getUws${name[0]?.toUpperCase()}${name.slice(1)}`,
      summary: description,
      params: JobParams,
      responses: { 200: Text(description) },
      errors: [404],
      handler: async ({ params }) => textAnswer(textOf(await existing(params))),
    });

  return [
    defineRoute({
      ...common,
      method: 'get',
      path: '/uws/{job_type}',
      operationId: 'listUwsJobs',
      summary: 'Jobs of a type, oldest first',
      params: TypeParams,
      query: JobListQuery,
      responses: { 200: Xml('uws:jobs') },
      errors: [404],
      handler: async ({ params, query, request }) => {
        const type = typeOf(params.job_type);
        const listed = await uwsJobs.list({
          type,
          ...(query.PHASE ? { phases: query.PHASE } : {}),
          ...(query.AFTER ? { after: query.AFTER } : {}),
          ...(query.LAST === undefined ? {} : { last: query.LAST }),
        });
        return { status: 200, content: jobListDocument(jobsUrl(originOf(request), type), listed) };
      },
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: '/uws/{job_type}',
      operationId: 'createUwsJob',
      summary: 'Make a job, and run it with PHASE=RUN',
      params: TypeParams,
      body: { form: FormOfJob },
      responses: { 303: 'empty' },
      errors: [404, 409, 413, 415],
      handler: async ({ params, body: form, request }) => {
        const type = typeOf(params.job_type);
        const controls = read(Controls, form);
        const config = configOfForm(type, withoutControls(form));
        const isRun = controls.PHASE === 'RUN';
        // Before there is a job: a refused request leaves nothing behind.
        if (isRun) await commands.validConfig(type, config);
        const job = await commands.create({
          type,
          label: controls.LABEL ?? labelOf(controls.RUNID) ?? `UWS ${uwsName(type)}`,
          config,
          ...(controls.DESCRIPTION === undefined ? {} : { description: controls.DESCRIPTION }),
          ...(controls.RUNID === undefined ? {} : { runId: controls.RUNID }),
          ...(controls.EXECUTIONDURATION === undefined
            ? {}
            : { executionLimitSeconds: controls.EXECUTIONDURATION }),
          ...(controls.DESTRUCTION === undefined ? {} : { destructionAt: controls.DESTRUCTION }),
        });
        if (isRun) await commands.actions.RUN(job.id);
        return seeOther(jobUrl(originOf(request), job));
      },
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: jobPath,
      operationId: 'getUwsJob',
      summary: 'One job; with WAIT once its phase has changed',
      params: JobParams,
      query: JobQuery,
      responses: { 200: Xml('uws:job') },
      errors: [404],
      handler: async ({ params, query, request, signal }) => {
        let job = await existing(params);
        if (query.WAIT !== undefined) {
          await waitForChange(job, { seconds: query.WAIT, phase: query.PHASE, signal });
          job = await existing(params);
        }
        const [parameters, results] = await Promise.all([parametersOfJob(job), resultsOfJob(job)]);
        return { status: 200, content: jobDocument(originOf(request), job, { parameters, results }) };
      },
    }),
    defineRoute({
      ...common,
      method: 'delete',
      path: jobPath,
      operationId: 'deleteUwsJob',
      summary: 'Delete a job with its files; a run is aborted',
      params: JobParams,
      responses: { 303: 'empty' },
      errors: [403, 404, 409],
      handler: async ({ params, request }) => {
        const job = await existing(params);
        await commands.destroy(job.id);
        return seeOther(jobsUrl(originOf(request), job.type));
      },
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: jobPath,
      operationId: 'postUwsJob',
      summary: 'Delete a job with ACTION=DELETE, for clients that cannot send DELETE',
      params: JobParams,
      body: { form: z.object({ ACTION: z.literal('DELETE') }) },
      responses: { 303: 'empty' },
      errors: [403, 404, 409, 413, 415],
      handler: async ({ params, body, request }) => {
        const job = await existing(params);
        read(z.object({ ACTION: z.literal('DELETE') }), body);
        await commands.destroy(job.id);
        return seeOther(jobsUrl(originOf(request), job.type));
      },
    }),
    textRoute('phase', 'The execution phase', (job) => job.uwsPhase),
    defineRoute({
      ...common,
      method: 'post',
      path: `${jobPath}/phase`,
      operationId: 'postUwsPhase',
      summary: 'Run a pending job, or go on with a held one (RUN); abort it (ABORT)',
      params: JobParams,
      body: { form: z.object({ PHASE: z.enum(['RUN', 'ABORT']) }) },
      responses: { 303: 'empty' },
      errors: [404, 409, 413, 415],
      handler: async ({ params, body, request }) => {
        const job = await existing(params);
        const { PHASE } = read(z.object({ PHASE: z.enum(['RUN', 'ABORT']) }), body);
        const action = PHASE === 'RUN' && job.uwsPhase === 'HELD' ? 'RESUME' : PHASE;
        await commands.actions[action](job.id);
        return seeOther(jobUrl(originOf(request), job));
      },
    }),
    textRoute('executionduration', 'Seconds that the job may take; 0: any', (job) =>
      String(job.executionLimitSeconds),
    ),
    defineRoute({
      ...common,
      method: 'post',
      path: `${jobPath}/executionduration`,
      operationId: 'postUwsExecutionDuration',
      summary: 'Say how many seconds the job may take; 0: any',
      params: JobParams,
      body: { form: z.object({ EXECUTIONDURATION: Seconds }) },
      responses: { 303: 'empty' },
      errors: [403, 404, 413, 415],
      handler: async ({ params, body, request }) => {
        const job = await existing(params);
        const { EXECUTIONDURATION } = read(z.object({ EXECUTIONDURATION: Seconds }), body);
        if (!(await uwsJobs.setExecutionLimit(job.id, EXECUTIONDURATION))) throw hasEnded();
        return seeOther(jobUrl(originOf(request), job));
      },
    }),
    textRoute(
      'destruction',
      'When the job is deleted; empty: never',
      (job) => job.destructionAt?.toISOString() ?? '',
    ),
    defineRoute({
      ...common,
      method: 'post',
      path: `${jobPath}/destruction`,
      operationId: 'postUwsDestruction',
      summary: 'Say when the job is deleted with its files',
      params: JobParams,
      body: { form: z.object({ DESTRUCTION: Instant }) },
      responses: { 303: 'empty' },
      errors: [404, 413, 415],
      handler: async ({ params, body, request }) => {
        const job = await existing(params);
        const { DESTRUCTION } = read(z.object({ DESTRUCTION: Instant }), body);
        await uwsJobs.setDestruction(job.id, DESTRUCTION);
        return seeOther(jobUrl(originOf(request), job));
      },
    }),
    textRoute('quote', 'When the job will be done: not known, so empty', () => ''),
    textRoute('owner', 'Whose job it is: there are no users, so empty', () => ''),
    textRoute('error', 'Why the job failed; empty where it did not', ({ error }) =>
      error === null ? '' : [error.message, error.trace ?? []].flat().join('\n\n'),
    ),
    defineRoute({
      ...common,
      method: 'get',
      path: `${jobPath}/parameters`,
      operationId: 'getUwsParameters',
      summary: 'The configuration of the job',
      params: JobParams,
      responses: { 200: Xml('uws:parameters') },
      errors: [404],
      handler: async ({ params }) => ({
        status: 200,
        content: parametersDocument(await parametersOfJob(await existing(params))),
      }),
    }),
    defineRoute({
      ...common,
      method: 'post',
      path: `${jobPath}/parameters`,
      operationId: 'postUwsParameters',
      summary: 'Add parameters to a pending job, or change them',
      params: JobParams,
      body: { form: Parameters },
      responses: { 303: 'empty' },
      errors: [403, 404, 413, 415],
      handler: async ({ params, body, request }) => {
        const job = await existing(params);
        if (job.phase !== 'PENDING')
          throw new HttpError(403, 'wrong_phase', `The job is ${job.uwsPhase}: its parameters are fixed`);
        const config = { ...(await commands.readConfig(job)), ...configOfForm(job.type, body) };
        await commands.writeConfig(job, config);
        return seeOther(jobUrl(originOf(request), job));
      },
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: `${jobPath}/results`,
      operationId: 'getUwsResults',
      summary: 'The files that the job made',
      params: JobParams,
      responses: { 200: Xml('uws:results') },
      errors: [404],
      handler: async ({ params, request }) => {
        const job = await existing(params);
        return { status: 200, content: resultsDocument(originOf(request), job, await resultsOfJob(job)) };
      },
    }),
    defineRoute({
      ...common,
      method: 'get',
      path: `${jobPath}/results/{result_id}`,
      operationId: 'getUwsResult',
      summary: 'Leads to a file that the job made, by its id or path (/ as %2F); `result` is the main one',
      params: JobParams.extend({ result_id: z.string() }),
      responses: { 303: 'empty' },
      errors: [404],
      handler: async ({ params, request }) => {
        const job = await existing(params);
        const results = await resultsOfJob(job);
        const found = results.find(
          ({ id, artifact }) => id === params.result_id || artifact.path === params.result_id,
        );
        if (!found) throw absent(`result ${params.result_id}`);
        return seeOther(fileDownloadUrl(originOf(request), `${job.dirPath}/${found.artifact.path}`));
      },
    }),
  ];
}

/** A label is shorter than a run id may be. */
const labelOf = (runId: string | undefined): string | undefined =>
  runId === undefined ? undefined : Array.from(runId).slice(0, MAX_LABEL_LENGTH).join('');

const withoutControls = (form: Form): Form =>
  new Map([...form].filter(([name]) => !CONTROL_NAMES.includes(name.toUpperCase())));

const hasEnded = (): HttpError => new HttpError(403, 'wrong_phase', 'The job has ended');
