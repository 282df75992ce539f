import { and, asc, eq, isNotNull, isNull, sql, type SQL } from 'drizzle-orm';
import type { LabellingListQuery } from '../../contracts/labelling.ts';
import {
  type Answer,
  ANSWERED,
  insertLabellings,
  type NewLabelling,
  overwritesUnseen,
  writeAnswers,
} from '../answers.ts';
import { followBatch, isAnswered, isOpen, type LabellingRow } from '../batches.ts';
import { currentClasses } from '../class-lists.ts';
import type { Database, Transaction } from '../connection.ts';
import { labellings } from '../schema.ts';
import { createBatches } from './batches.ts';
import { createClassLists } from './class-lists.ts';
import { type JobRow, lockJob } from './jobs.ts';
import { createLabellingHistory } from './labelling-history.ts';

export type { Answer, NewLabelling } from '../answers.ts';
export type { LabellingRow } from '../batches.ts';

/** Why answers or labellings were refused as a whole. `index` is the place in what was given. */
export type Refusal =
  | { refusal: 'absent'; index: number }
  | { refusal: 'no-such-class'; index: number; classes: readonly string[] }
  | { refusal: 'answered-meanwhile'; index: number };

/** One array parameter, however many ids. */
const inAny = (ids: readonly string[]): SQL => sql`${labellings.id} = any(${sql.param(ids)}::uuid[])`;

const asUserLabel = ({ userLabel }: Answer): string | undefined => userLabel ?? undefined;

/** The first answer whose label is none of the classes; a job whose classes are not known takes any. */
function wrongClass(answers: readonly Answer[], classes: readonly string[] | undefined): Refusal | undefined {
  if (!classes) return undefined;
  const known = new Set(classes);
  const index = answers.findIndex((answer) => {
    const label = asUserLabel(answer);
    return label !== undefined && !known.has(label);
  });
  return index < 0 ? undefined : { refusal: 'no-such-class', index, classes };
}

/** Labellings or answers were refused as a whole; nothing of the transaction is left. */
export class LabellingRefused extends Error {
  override readonly name = 'LabellingRefused';
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(refusal.refusal);
    this.refusal = refusal;
  }
}

export type LabellingsRepository = ReturnType<typeof createLabellingsRepository>;

/**
 * What people say of spectra. Every change is one transaction under the lock of the job's row: the labels, their history
 * and, where they complete the open batch, its end and the outbox row that becomes the signal. So of two people who give
 * the last two labels at once one closes the batch. Results of a run (openBatch, closeBatch) are taken only while the
 * job is PROCESSING, and once.
 */
export function createLabellingsRepository(db: Database) {
  /** Locks jobs in one order for all: two writers wait for each other instead of deadlocking. */
  async function lockJobs(tx: Transaction, ids: Iterable<string>): Promise<Map<string, JobRow>> {
    const locked = new Map<string, JobRow>();
    for (const id of [...new Set(ids)].sort()) {
      const job = await lockJob(tx, id);
      if (job) locked.set(id, job);
    }
    return locked;
  }

  return {
    ...createBatches(db),
    ...createClassLists(db),
    ...createLabellingHistory(db),

    /**
     * Makes labellings for any jobs, all or none. @returns their rows, in the order given
     * @throws LabellingRefused `index` is the place in `given`
     */
    async create(
      given: readonly {
        jobId: string;
        labelling: NewLabelling & { sequenceIteration: number };
        answer: Answer;
      }[],
    ): Promise<LabellingRow[]> {
      return db.transaction(async (tx) => {
        const locked = await lockJobs(
          tx,
          given.map(({ jobId }) => jobId),
        );
        const absent = given.findIndex(({ jobId }) => !locked.has(jobId));
        if (absent >= 0) throw new LabellingRefused({ refusal: 'absent', index: absent });
        const ids: string[] = [];
        for (const [jobId, job] of locked) {
          const places = given.flatMap((one, place) => (one.jobId === jobId ? [{ ...one, place }] : []));
          const { version, classes } = await currentClasses(tx, job);
          const wrong = wrongClass(
            places.map(({ answer }) => answer),
            classes,
          );
          if (wrong) throw new LabellingRefused({ ...wrong, index: places[wrong.index]?.place ?? 0 });
          const made = await insertLabellings(
            tx,
            jobId,
            places.map(({ labelling }) => labelling),
          );
          const answers = places.flatMap(({ place, answer }, i) => {
            const id = made[i];
            if (id === undefined) throw new Error('an insert returned too few rows');
            ids[place] = id;
            return [
              {
                before: { id, userLabel: null, decision: null, userComment: null, labelledBy: null },
                answer,
              },
            ];
          });
          await writeAnswers(tx, answers, version);
          await followBatch(tx, job);
        }
        const rows = await tx.select().from(labellings).where(inAny(ids));
        const byId = new Map(rows.map((row) => [row.id, row]));
        return ids.flatMap((id) => byId.get(id) ?? []);
      });
    },

    async find(id: string): Promise<LabellingRow | undefined> {
      const [row] = await db.select().from(labellings).where(eq(labellings.id, id));
      return row;
    },

    /** One page of a job's labellings in their order, and how many there are in all. */
    async list(query: LabellingListQuery): Promise<{ total: number; rows: LabellingRow[] }> {
      const { job_id: jobId, set, iteration, open, imported, offset, limit } = query;
      const where = and(
        eq(labellings.jobId, jobId),
        set && eq(labellings.spectrumSet, set),
        iteration === undefined ? undefined : eq(labellings.sequenceIteration, iteration),
        open === undefined ? undefined : open ? isOpen : isAnswered,
        imported ? isNotNull(labellings.source) : isNull(labellings.source),
      );
      const rows = db
        .select()
        .from(labellings)
        .where(where)
        .orderBy(
          asc(labellings.spectrumSet),
          asc(labellings.sequenceIteration),
          asc(labellings.rank),
          asc(labellings.id),
        )
        .offset(offset);
      const [total, page] = await Promise.all([
        db.$count(labellings, where),
        limit === undefined ? rows : rows.limit(limit),
      ]);
      return { total, rows: page };
    },

    /**
     * Answers labellings, all or none; of several answers to one labelling the last counts.
     * @returns how many said anything new
     * @throws LabellingRefused `index` is the place in `given`
     */
    async answer(given: readonly { id: string; answer: Answer }[]): Promise<number> {
      if (given.length === 0) return 0;
      const merged = new Map<string, { index: number; answer: Answer }>();
      given.forEach(({ id, answer }, index) => {
        const stated = Object.fromEntries(Object.entries(answer).filter(([, value]) => value !== undefined));
        const earlier = merged.get(id)?.answer;
        // What was seen is what was there before the first of them.
        const expected = earlier ? earlier.expected : answer.expected;
        merged.set(id, { index, answer: { ...earlier, ...stated, expected } });
      });
      const ids = [...merged.keys()];
      return db.transaction(async (tx) => {
        const owners = await tx
          .selectDistinct({ jobId: labellings.jobId })
          .from(labellings)
          .where(inAny(ids));
        const locked = await lockJobs(
          tx,
          owners.map(({ jobId }) => jobId),
        );
        const rows = await tx
          .select({ jobId: labellings.jobId, ...ANSWERED })
          .from(labellings)
          .where(inAny(ids));
        const byId = new Map(rows.map((row) => [row.id, row]));
        const absent = given.findIndex(({ id }) => !byId.has(id));
        if (absent >= 0) throw new LabellingRefused({ refusal: 'absent', index: absent });
        let changed = 0;
        for (const [jobId, job] of locked) {
          const { version, classes } = await currentClasses(tx, job);
          const own = ids.flatMap((id) => {
            const before = byId.get(id);
            const one = merged.get(id);
            return before?.jobId === jobId && one ? [{ before, ...one }] : [];
          });
          const wrong = wrongClass(
            own.map(({ answer }) => answer),
            classes,
          );
          if (wrong) throw new LabellingRefused({ ...wrong, index: own[wrong.index]?.index ?? 0 });
          const unseen = own.find(({ before, answer }) => overwritesUnseen(before, answer));
          if (unseen) throw new LabellingRefused({ refusal: 'answered-meanwhile', index: unseen.index });
          const changedHere = await writeAnswers(tx, own, version);
          if (changedHere > 0) await followBatch(tx, job);
          changed += changedHere;
        }
        return changed;
      });
    },

    /**
     * Adds labels of earlier work, or changes those of the same source; they never take the place of a label given here.
     * @param labels by file name
     * @returns what became of them; undefined where there is no such job
     * @throws LabellingRefused `index` is the place in `labels`
     */
    async importLabels(
      jobId: string,
      labels: ReadonlyMap<string, string>,
      { source, labelledBy }: { source: string; labelledBy?: string | undefined },
    ): Promise<{ added: number; changed: number; unchanged: number } | undefined> {
      return db.transaction(async (tx) => {
        const job = await lockJob(tx, jobId);
        if (!job) return undefined;
        const { version, classes } = await currentClasses(tx, job);
        const answers = [...labels.values()].map((userLabel) => ({ userLabel, labelledBy }));
        const wrong = wrongClass(answers, classes);
        if (wrong) throw new LabellingRefused(wrong);
        const known = await tx
          .select()
          .from(labellings)
          .where(and(eq(labellings.jobId, jobId), eq(labellings.source, source)));
        const knownKeys = new Set(known.map(({ spectrumKey }) => spectrumKey));
        const added = [...labels.keys()].filter((filename) => !knownKeys.has(filename));
        const ids = await insertLabellings(
          tx,
          jobId,
          added.map((spectrumFilename) => ({
            spectrumSet: 'ORACLE',
            sequenceIteration: 0,
            spectrumFilename,
          })),
          source,
        );
        await writeAnswers(
          tx,
          ids.map((id, i) => ({
            before: { id, userLabel: null, decision: null, userComment: null, labelledBy: null },
            answer: { userLabel: labels.get(added[i] ?? ''), labelledBy },
          })),
          version,
        );
        const given = known.flatMap((before) => {
          const userLabel = labels.get(before.spectrumKey);
          return userLabel === undefined ? [] : [{ before, answer: { userLabel, labelledBy } }];
        });
        const changed = await writeAnswers(tx, given, version);
        return { added: added.length, changed, unchanged: given.length - changed };
      });
    },
  };
}
