import { and, asc, desc, eq, gt, sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import {
  currentClassName,
  type Decision,
  type Disagreement,
  type LabellingValue,
  type SpectrumSet,
} from '../../contracts/labelling.ts';
import { isAnswered, type LabellingRow } from '../batches.ts';
import { findClassLists } from '../class-lists.ts';
import type { Database } from '../connection.ts';
import { classLists, labellingHistory, labellings } from '../schema.ts';

/** The answer that holds for a spectrum of the pool. */
export interface NewestLabel {
  spectrumKey: string;
  spectrumFilename: string;
  objectKey: string | null;
  /** A name of the class list. */
  label: string;
  labelledBy: string | null;
  labelledAt: Date;
  /** Of the batch in which it was given. */
  iteration: number;
  spectrumSet: SpectrumSet;
  /** Of an imported label; else null. */
  source: string | null;
}

/** A value that a labelling was given. */
export interface HistoryEntry {
  /** Rises with time. */
  id: number;
  labellingId: string;
  spectrumFilename: string;
  spectrumKey: string;
  spectrumSet: SpectrumSet;
  sequenceIteration: number;
  source: string | null;
  userLabel: string | null;
  decision: Decision | null;
  userComment: string | null;
  labelledBy: string | null;
  givenAt: Date;
  settles: boolean;
  classListVersion: number;
}

/** As the REST API and the bundle of a campaign show it. */
export function labellingValue(entry: HistoryEntry): LabellingValue {
  const { userLabel, decision, userComment, labelledBy, settles, source } = entry;
  return {
    labelling_id: entry.labellingId,
    spectrum_filename: entry.spectrumFilename,
    spectrum_set: entry.spectrumSet,
    sequence_iteration: entry.sequenceIteration,
    ...(userLabel !== null && { user_label: userLabel }),
    ...(decision !== null && { decision }),
    ...(userComment !== null && { user_comment: userComment }),
    ...(labelledBy !== null && { labelled_by: labelledBy }),
    given_at: entry.givenAt.toISOString(),
    ...(settles && { settles }),
    class_list_version: entry.classListVersion,
    ...(source !== null && { source }),
  };
}

/** The classes were changed while labels were being read: the reader begins again. */
export class ClassListChanged extends Error {
  override readonly name = 'ClassListChanged';
}

const ROWS_AT_ONCE = 5000;
/** What was ever said of a campaign's spectra, and which of it holds. */
export function createLabellingHistory(db: Database) {
  /** Pages of `read`, row by row, each after the last row of the one before. */
  async function* paged<T>(read: (last: T | undefined) => Promise<T[]>): AsyncGenerator<T> {
    for (let last: T | undefined; ;) {
      const page = await read(last);
      yield* page;
      last = page.at(-1);
      if (page.length < ROWS_AT_ONCE) return;
    }
  }

  function historyOf(where: SQL | undefined) {
    return db
      .select({
        id: labellingHistory.id,
        labellingId: labellingHistory.labellingId,
        spectrumFilename: labellings.spectrumFilename,
        spectrumKey: labellings.spectrumKey,
        spectrumSet: labellings.spectrumSet,
        sequenceIteration: labellings.sequenceIteration,
        source: labellings.source,
        userLabel: labellingHistory.userLabel,
        decision: labellingHistory.decision,
        userComment: labellingHistory.userComment,
        labelledBy: labellingHistory.labelledBy,
        givenAt: labellingHistory.givenAt,
        settles: labellingHistory.settles,
        classListVersion: labellingHistory.classListVersion,
      })
      .from(labellingHistory)
      .innerJoin(labellings, eq(labellings.id, labellingHistory.labellingId))
      .where(where)
      .orderBy(asc(labellingHistory.id));
  }

  return {
    /**
     * The newest label of each spectrum, in order of its key, a page in memory at a time. A label given here comes before
     * an imported one; a spectrum whose newest answer is a decision has none.
     * @throws ClassListChanged where the newest class list is not `classListVersion`: names would be of another list
     */
    async *newestLabels(jobId: string, classListVersion: number): AsyncGenerator<NewestLabel> {
      const page = (last: LabellingRow | undefined) =>
        db.transaction(
          async (tx) => {
            const changed = await tx.$count(
              classLists,
              and(eq(classLists.jobId, jobId), gt(classLists.version, classListVersion)),
            );
            if (changed > 0)
              throw new ClassListChanged('the classes were changed while labels were being read');
            return tx
              .selectDistinctOn([labellings.spectrumKey])
              .from(labellings)
              .where(
                and(
                  eq(labellings.jobId, jobId),
                  isAnswered,
                  last ? gt(labellings.spectrumKey, last.spectrumKey) : undefined,
                ),
              )
              .orderBy(
                asc(labellings.spectrumKey),
                sql`${labellings.source} is not null`,
                desc(labellings.answerId),
              )
              .limit(ROWS_AT_ONCE);
          },
          { isolationLevel: 'repeatable read', accessMode: 'read only' },
        );
      for await (const row of paged(page)) {
        if (row.userLabel === null || row.labelledAt === null) continue;
        yield {
          spectrumKey: row.spectrumKey,
          spectrumFilename: row.spectrumFilename,
          objectKey: row.objectKey,
          label: row.userLabel,
          labelledBy: row.labelledBy,
          labelledAt: row.labelledAt,
          iteration: row.sequenceIteration,
          spectrumSet: row.spectrumSet,
          source: row.source,
        };
      }
    },

    /** Keys of the spectra that have an answer of any kind: they are not asked about again. */
    async excludedKeys(jobId: string): Promise<string[]> {
      const rows = await db
        .selectDistinct({ key: labellings.spectrumKey })
        .from(labellings)
        .where(and(eq(labellings.jobId, jobId), isAnswered))
        .orderBy(asc(labellings.spectrumKey));
      return rows.map(({ key }) => key);
    },

    /** Every value that was ever given in a job, oldest first, a page in memory at a time. */
    campaignHistory(jobId: string): AsyncGenerator<HistoryEntry> {
      return paged((last: HistoryEntry | undefined) =>
        historyOf(
          and(eq(labellings.jobId, jobId), last ? gt(labellingHistory.id, last.id) : undefined),
        ).limit(ROWS_AT_ONCE),
      );
    },

    /** One page of the values given in a job, or to one labelling of it, oldest first, and how many there are. */
    async listHistory(
      jobId: string,
      { labellingId, offset, limit }: { labellingId?: string | undefined; offset: number; limit: number },
    ): Promise<{ total: number; entries: HistoryEntry[] }> {
      const where = and(
        eq(labellings.jobId, jobId),
        labellingId === undefined ? undefined : eq(labellings.id, labellingId),
      );
      const [count] = await db
        .select({ total: sql<number>`count(*)::int` })
        .from(labellingHistory)
        .innerJoin(labellings, eq(labellings.id, labellingHistory.labellingId))
        .where(where);
      return { total: count?.total ?? 0, entries: await historyOf(where).offset(offset).limit(limit) };
    },

    /**
     * Spectra, or objects where they are known, to which different people's newest labels differ, in today's names,
     * and nobody settled it since. A spectrum is known by its file name: imported labels have no other key.
     */
    async listDisagreements(
      jobId: string,
      { offset, limit }: { offset: number; limit: number },
    ): Promise<{ total: number; disagreements: Disagreement[] }> {
      const lists = await findClassLists(db, jobId);
      const names = lists.flatMap(({ version, classes }) =>
        classes.map((name) => ({ version, name, current: currentClassName(lists, version, name) })),
      );
      const { rows } = await db.execute(sql`
        with names as (
          select * from jsonb_to_recordset(${JSON.stringify(names)}::jsonb) as names(version int, name text, current text)
        ), given as (
          select coalesce(max(l.object_key) over (partition by l.spectrum_filename), l.spectrum_filename) as object,
            coalesce(h.labelled_by, l.source, '') as person,
            h.id, h.labelled_by, h.given_at, h.settles, h.labelling_id, l.spectrum_filename,
            case when names.name is null then h.user_label else names.current end as label
          from ${labellingHistory} h
          join ${labellings} l on l.id = h.labelling_id
          left join names on names.version = h.class_list_version and names.name = h.user_label
          where l.job_id = ${jobId}::uuid
        ), settled as (
          select given.*, max(id) filter (where settles) over (partition by object) as settled_by from given
        ), newest as (
          select distinct on (object, person) * from settled
          where settled_by is null or id >= settled_by
          order by object, person, id desc
        ), disagreements as (
          select object, json_agg(json_build_object('user_label', label, 'labelled_by', labelled_by,
            'given_at', to_char(given_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
            'labelling_id', labelling_id, 'spectrum_filename', spectrum_filename) order by id) as labels
          from newest where label is not null
          group by object having count(distinct label) > 1
        )
        select (select count(*)::int from disagreements) as total, coalesce((
          select json_agg(page order by object)
          from (select * from disagreements order by object offset ${offset} limit ${limit}) page), '[]') as disagreements`);
      return DisagreementRows.parse(rows[0]);
    },
  };
}

const DisagreementRows = z.object({
  total: z.number(),
  disagreements: z.array(
    z.object({
      object: z.string(),
      labels: z.array(
        z.object({
          user_label: z.string(),
          labelled_by: z
            .string()
            .nullable()
            .transform((person) => person ?? undefined),
          given_at: z.string(),
          labelling_id: z.string(),
          spectrum_filename: z.string(),
        }),
      ),
    }),
  ),
});
