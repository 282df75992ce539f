import type { Artifact, JobType } from '../../contracts/job.ts';
import { uwsName } from '../../contracts/uws.ts';
import type { ListedUwsJob, UwsJobRow } from '../../db/repositories/uws-jobs.ts';
import { escapeXml } from '../../science/xml/escape.ts';
import { fileDownloadUrl } from './links.ts';

const NAMESPACES =
  'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" ' +
  'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ' +
  'xsi:schemaLocation="http://www.ivoa.net/xml/UWS/v1.0 http://www.ivoa.net/xml/UWS/UWS-v1.1.xsd"';
const document = (root: string, content: string, attributes = ''): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<uws:${root} ${NAMESPACES}${attributes}>\n${content}</uws:${root}>\n`;

/** Where there is no value the element is nil, or left out where the schema does not let it be that. */
const element = (name: string, value: string | number | null | undefined): string =>
  value === null || value === undefined
    ? `<uws:${name} xsi:nil="true"/>\n`
    : `<uws:${name}>${escapeXml(String(value))}</uws:${name}>\n`;
const runId = (id: string | null): string => (id === null ? '' : element('runId', id));

export interface Parameter {
  id: string;
  value: string;
}
export interface Result {
  id: string;
  artifact: Artifact;
}

/** Of these the first that there is has the id `result`, as clients of TAP expect of a job's result. */
const MAIN_RESULTS: Record<JobType, readonly string[]> = {
  DATA_PREPROCESSING: ['result.h5'],
  ACTIVE_ML: ['catalogue.vot', 'result.h5'],
  TRAINING: ['predictions.h5', 'training.json'],
};

/** The files of a job as its results: the main one first, the others by their path. */
export function resultsOf(type: JobType, artifacts: readonly Artifact[]): Result[] {
  const main = MAIN_RESULTS[type].find((path) => artifacts.some((artifact) => artifact.path === path));
  const results = artifacts.map((artifact) => ({
    id: artifact.path === main ? 'result' : artifact.path,
    artifact,
  }));
  return [...results.filter(({ id }) => id === 'result'), ...results.filter(({ id }) => id !== 'result')];
}

/** `<uws:jobs>`: the list of jobs at `jobsUrl`. */
export function jobListDocument(jobsUrl: string, jobs: readonly ListedUwsJob[]): string {
  const references = jobs.map(
    ({ id, uwsPhase, createdAt, runId: name }) =>
      `<uws:jobref id="${id}" xlink:type="simple" xlink:href="${escapeXml(`${jobsUrl}/${id}`)}">\n` +
      `${element('phase', uwsPhase)}${runId(name)}${element('ownerId', null)}` +
      `${element('creationTime', createdAt.toISOString())}</uws:jobref>\n`,
  );
  return document('jobs', references.join(''), ' version="1.1"');
}

function parameterList(parameters: readonly Parameter[]): string {
  return parameters
    .map(({ id, value }) => `<uws:parameter id="${escapeXml(id)}">${escapeXml(value)}</uws:parameter>\n`)
    .join('');
}

function resultList(origin: string, job: UwsJobRow, results: readonly Result[]): string {
  return results
    .map(({ id, artifact: { path, media_type: mediaType, bytes } }) => {
      const href = fileDownloadUrl(origin, `${job.dirPath}/${path}`);
      return (
        `<uws:result id="${escapeXml(id)}" xlink:type="simple" xlink:href="${escapeXml(href)}" size="${bytes}"` +
        ` mime-type="${escapeXml(mediaType)}"/>\n`
      );
    })
    .join('');
}

/** `<uws:parameters>` by itself. */
export const parametersDocument = (parameters: readonly Parameter[]): string =>
  document('parameters', parameterList(parameters));

/** `<uws:results>` by itself. */
export const resultsDocument = (origin: string, job: UwsJobRow, results: readonly Result[]): string =>
  document('results', resultList(origin, job, results));

/** What UWS has no element for: elements of no namespace, named as in the REST API. */
function jobInfo(job: UwsJobRow): string {
  const { progress } = job;
  const facts: [string, string | number | null | undefined][] = [
    ['label', job.label],
    ['description', job.description],
    ['type', uwsName(job.type)],
    ['dir_path', job.dirPath],
    ['status_detail', job.statusDetail],
    ['waiting_for', job.waitingFor],
    ['progress_done', progress?.done],
    ['progress_total', progress?.total],
    ['progress_unit', progress?.unit],
    ['progress_rejected', progress?.rejected],
  ];
  const elements = facts.flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [`<${name}>${escapeXml(String(value))}</${name}>\n`],
  );
  return `<uws:jobInfo>\n${elements.join('')}</uws:jobInfo>\n`;
}

/** `<uws:job>`: everything about a job. A queued job has not started yet, whenever it was told to run. */
export function jobDocument(
  origin: string,
  job: UwsJobRow,
  { parameters, results }: { parameters: readonly Parameter[]; results: readonly Result[] },
): string {
  const startedAt = job.uwsPhase === 'QUEUED' ? null : job.startedAt;
  const content = [
    element('jobId', job.id),
    runId(job.runId),
    element('ownerId', null),
    element('phase', job.uwsPhase),
    element('quote', null),
    element('creationTime', job.createdAt.toISOString()),
    element('startTime', startedAt?.toISOString()),
    element('endTime', job.endedAt?.toISOString()),
    element('executionDuration', job.executionLimitSeconds),
    element('destruction', job.destructionAt?.toISOString()),
    `<uws:parameters>\n${parameterList(parameters)}</uws:parameters>\n`,
    `<uws:results>\n${resultList(origin, job, results)}</uws:results>\n`,
    job.error === null
      ? ''
      : `<uws:errorSummary type="fatal" hasDetail="true">\n${element('message', job.error.message)}</uws:errorSummary>\n`,
    jobInfo(job),
  ];
  return document('job', content.join(''), ' version="1.1"');
}
