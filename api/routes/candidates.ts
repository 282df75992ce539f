import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { ActiveLearningConfig } from '../../contracts/active-learning.ts';
import { CandidatePage, CandidateQuery } from '../../contracts/candidate.ts';
import { rowOfKey } from '../../contracts/spectrum-key.ts';
import { TABLE_FORMATS } from '../../contracts/table-format.ts';
import type { JobRow, JobsRepository } from '../../db/repositories/jobs.ts';
import { ClassListChanged } from '../../db/repositories/labelling-history.ts';
import { type LabellingsRepository } from '../../db/repositories/labellings.ts';
import {
  candidatesOfCsv,
  type GivenLabel,
  iterationCandidates,
} from '../../science/catalogue/candidate-rows.ts';
import { catalogueContents } from '../../science/catalogue/contents.ts';
import { CANDIDATE_TABLE, type CandidateRow } from '../../science/catalogue/table.ts';
import { NetworkError } from '../../science/cnn/error.ts';
import type { FileStore } from '../../storage/file-store.ts';
import { absent, HttpError } from '../errors.ts';
import { answering } from '../file-store-answers.ts';
import { chooseFormat } from '../negotiation.ts';
import { defineRoute, type Route } from '../route.ts';
import { TABLE_MEDIA_TYPES, TABLE_METADATA, TABLE_RESPONSE, tableAnswer } from '../table-answer.ts';
import { withoutNulls } from '../without-nulls.ts';

const JobParams = z.object({ job_id: z.uuid() });
const MAX_CATALOGUE_BYTES = 256 * 1024 * 1024;
/** After so many rows others have their turn. */
const ROWS_AT_ONCE = 1000;

type Rows = () => AsyncGenerator<CandidateRow>;

/** The candidates of a campaign, or of a step of one, as a page or a table. */
export function candidateRoutes({
  jobs,
  labellings,
  files,
}: {
  jobs: JobsRepository;
  labellings: LabellingsRepository;
  files: FileStore;
}): Route[] {
  /** @throws HttpError 404 where there are none yet, 409 where the classes change meanwhile */
  async function rowsOf(job: JobRow): Promise<Rows> {
    const none = (): HttpError => absent(`candidate of job ${job.id}`);
    // The catalogue is of the last network, whose iteration opened no batch and left no result.h5.
    const catalogue = `${job.dirPath}/catalogue.csv`;
    if (await answering(files.find(catalogue))) {
      const bytes = await answering(files.readFile(catalogue, { maxBytes: MAX_CATALOGUE_BYTES }));
      return () => inTurns(candidatesOfCsv(new TextDecoder().decode(bytes)));
    }
    const config = ActiveLearningConfig.safeParse(job.config);
    if (job.type !== 'ACTIVE_ML' || !config.success) throw none();
    const paths = [`${job.dirPath}/result.h5`, config.data.pool_data_path] as const;
    for (const path of paths) if (!(await answering(files.find(path)))) throw none();
    const { version, candidate_classes: candidateClasses } = (await labellings.classLists(job.id)).at(-1) ?? {
      version: 1,
      ...config.data,
    };
    const labels = await labelsOf(job.id, version);
    return () =>
      lent(paths, ([resultPath, poolPath]) =>
        inTurns(iterationCandidates({ resultPath, poolPath, candidateClasses, labels })),
      );
  }

  /** What is read from two files, which are there for as long. */
  async function* lent(
    [first, second]: readonly [string, string],
    read: (hostPaths: [string, string]) => AsyncGenerator<CandidateRow>,
  ): AsyncGenerator<CandidateRow> {
    const one = await answering(files.lend(first));
    try {
      const other = await answering(files.lend(second));
      try {
        yield* read([one.hostPath, other.hostPath]);
      } finally {
        await other.release();
      }
    } finally {
      await one.release();
    }
  }

  /** Opens the file only where somebody reads. */
  async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
    const file = await files.openForDownload(path);
    if (file.size === 0) await file.close();
    else for await (const bytes of file.read({ start: 0, end: file.size - 1 })) yield Buffer.from(bytes);
  }

  async function labelsOf(jobId: string, classListVersion: number): Promise<Map<number, GivenLabel>> {
    const labels = new Map<number, GivenLabel>();
    try {
      for await (const one of labellings.newestLabels(jobId, classListVersion)) {
        const row = rowOfKey(one.spectrumKey);
        if (row === undefined) continue;
        labels.set(row, {
          label: one.label,
          labelledBy: one.labelledBy ?? undefined,
          iteration: one.iteration,
        });
      }
    } catch (error) {
      if (error instanceof ClassListChanged) throw new HttpError(409, 'classes_changed', error.message);
      throw error;
    }
    return labels;
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/candidates',
      operationId: 'listCandidates',
      summary: 'What a campaign takes for its candidate classes: its catalogue, or the newest iteration’s',
      tags: ['jobs'],
      params: JobParams,
      query: CandidateQuery,
      responses: { 200: { ...TABLE_RESPONSE, json: CandidatePage } },
      errors: [403, 404, 406, 409, 413],
      handler: async ({ params, query: { offset, limit, format: wish }, request }) => {
        const job = await jobs.find(params.job_id);
        if (!job) throw absent(`job ${params.job_id}`);
        const format = chooseFormat(request, wish, TABLE_MEDIA_TYPES);
        if (format === 'json') {
          const page = await pageOf(await rowsOf(job), offset, limit);
          return { status: 200, body: { job_id: job.id, offset, limit, ...page } };
        }
        // The file of an ended campaign knows its precision too.
        const written = `${job.dirPath}/catalogue.${TABLE_FORMATS[format].extension}`;
        if (await answering(files.find(written)))
          return tableAnswer(format, CANDIDATE_TABLE.name, bytesOf(written));
        const rows = await rowsOf(job);
        // What cannot be read is told before the answer begins.
        await pageOf(rows, 0, 1, { count: false });
        const metadata = { ...TABLE_METADATA, jobId: job.id };
        return tableAnswer(
          format,
          CANDIDATE_TABLE.name,
          catalogueContents(format, { table: CANDIDATE_TABLE, metadata, rows }),
        );
      },
    }),
  ];
}

async function* inTurns(
  rows: AsyncIterable<CandidateRow> | Iterable<CandidateRow>,
): AsyncGenerator<CandidateRow> {
  let count = 0;
  for await (const row of rows) {
    yield row;
    if (++count % ROWS_AT_ONCE === 0) await turn();
  }
}

/** Rows from `offset` on, and how many there are in all unless they need not be counted. @throws HttpError 422 */
async function pageOf(
  rows: Rows,
  offset: number,
  limit: number,
  { count = true }: { count?: boolean } = {},
): Promise<Pick<CandidatePage, 'total' | 'candidates'>> {
  const candidates: CandidatePage['candidates'] = [];
  let total = 0;
  try {
    for await (const row of rows()) {
      if (total >= offset && candidates.length < limit) candidates.push(withoutNulls(row));
      total++;
      if (!count && total >= offset + limit) break;
    }
  } catch (error) {
    if (error instanceof NetworkError) throw new HttpError(422, 'unreadable_spectra', error.message);
    throw error;
  }
  return { total, candidates };
}
