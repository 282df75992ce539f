import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, or, sql, type SQL } from 'drizzle-orm';
import { z } from 'zod';
import { CampaignSettings } from '../../contracts/active-learning.ts';
import {
  type Batch,
  type ClassList,
  currentClassName,
  type Decision,
  type Disagreement,
  type LabellingListQuery,
  type PatchClasses,
  type SpectrumSet,
  type LabellingValue,
} from '../../contracts/labelling.ts';
import {
  type Answer,
  ANSWERED,
  insertLabellings,
  type NewLabelling,
  overwritesUnseen,
  writeAnswers,
} from '../answers.ts';
import type { Database, Transaction } from '../connection.ts';
import { batches, classLists, jobEvents, jobs, labellingHistory, labellings } from '../schema.ts';
import { appendEvent } from './events.ts';
import {
  changePhase,
  type CommandResult,
  isCampaign,
  type JobRow,
  lockJob,
  setProgress,
  wrongPhase,
} from './jobs.ts';
import { addToOutbox } from './outbox.ts';

export type { Answer, NewLabelling } from '../answers.ts';
export type LabellingRow = typeof labellings.$inferSelect;
export type BatchRow = typeof batches.$inferSelect;

/** Why answers or labellings were refused as a whole. `index` is the place in what was given. */
export type Refusal =
  | { refusal: 'absent'; index: number }
  | { refusal: 'no-such-class'; index: number; classes: readonly string[] }
  | { refusal: 'answered-meanwhile'; index: number };

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
/** The sets that a batch waits for. */
const ASKED: SpectrumSet[] = ['ORACLE', 'PERFORMANCE_ESTIMATION'];
const isAnswered = or(isNotNull(labellings.userLabel), isNotNull(labellings.decision));
const isOpen = and(isNull(labellings.userLabel), isNull(labellings.decision));

const ConfiguredClasses = z.object({
  classes: z.array(z.string()),
  candidate_classes: z.array(z.string()).default([]),
});

const ofBatch = (jobId: string, iteration: number): SQL | undefined =>
  and(
    eq(labellings.jobId, jobId),
    inArray(labellings.spectrumSet, ASKED),
    eq(labellings.sequenceIteration, iteration),
    isNull(labellings.source),
  );

/** One array parameter, however many ids. */
const inAny = (ids: readonly string[]): SQL => sql`${labellings.id} = any(${sql.param(ids)}::uuid[])`;

/** Every version of the job's classes, oldest first; none where its configuration has no classes. */
async function readClassLists(tx: Database | Transaction, job: JobRow): Promise<ClassList[]> {
  const configured = ConfiguredClasses.safeParse(job.config ?? job.submittedConfig);
  if (!configured.success) return [];
  const changes = await tx
    .select()
    .from(classLists)
    .where(eq(classLists.jobId, job.id))
    .orderBy(asc(classLists.version));
  return [
    { version: 1, ...configured.data, becomes: {} },
    ...changes.map((list) => ({
      version: list.version,
      classes: list.classes,
      candidate_classes: list.candidateClasses,
      becomes: list.becomes,
      ...(list.changedBy === null ? {} : { changed_by: list.changedBy }),
      changed_at: list.changedAt.toISOString(),
    })),
  ];
}

async function currentClasses(
  tx: Database | Transaction,
  job: JobRow,
): Promise<{ version: number; classes: readonly string[] | undefined }> {
  const newest = (await readClassLists(tx, job)).at(-1);
  return { version: newest?.version ?? 1, classes: newest?.classes };
}

/** How many spectra of a batch people are asked about, and how many of those have no answer. */
async function countBatch(
  tx: Database | Transaction,
  jobId: string,
  iteration: number,
): Promise<{ total: number; open: number }> {
  const [counts] = await tx
    .select({
      total: sql<number>`count(*)::int`,
      open: sql<number>`(count(*) filter (where ${isOpen}))::int`,
    })
    .from(labellings)
    .where(ofBatch(jobId, iteration));
  return counts ?? { total: 0, open: 0 };
}

async function newestOpenBatch(tx: Database | Transaction, jobId: string): Promise<BatchRow | undefined> {
  const [batch] = await tx
    .select()
    .from(batches)
    .where(and(eq(batches.jobId, jobId), isNull(batches.closedAt)))
    .orderBy(desc(batches.iteration))
    .limit(1);
  return batch;
}

/** Closes a batch of a locked job: the job no longer waits for labels. @returns the job as it is now */
async function close(
  tx: Transaction,
  job: JobRow,
  iteration: number,
  closedHow: 'labelled' | 'early',
): Promise<JobRow> {
  await tx
    .update(batches)
    .set({ closedAt: sql`clock_timestamp()`, closedHow })
    .where(and(eq(batches.jobId, job.id), eq(batches.iteration, iteration)));
  return job.waitingFor === 'labels' ? changePhase(tx, job.id, { waitingFor: null }) : job;
}

/** Closes a batch and tells the campaign that waits for it. */
async function closeAndTell(
  tx: Transaction,
  job: JobRow,
  iteration: number,
  closedHow: 'labelled' | 'early',
): Promise<JobRow> {
  const closed = await close(tx, job, iteration, closedHow);
  if (job.phase === 'PROCESSING' && isCampaign(job))
    await addToOutbox(tx, job.id, { command: 'signal', payload: { signal: 'labelsSubmitted' } });
  return closed;
}

/** Tells those who look at a job that its labellings have changed. They read them again, so the newest telling is enough. */
async function tellLabels(tx: Transaction, jobId: string): Promise<void> {
  await tx.delete(jobEvents).where(and(eq(jobEvents.jobId, jobId), eq(jobEvents.kind, 'labels')));
  await appendEvent(tx, jobId, { kind: 'labels', data: {} });
}

/** After answers to spectra of a locked job: tells of them, shows how far its batch is, and closes it where it is complete. */
async function followBatch(tx: Transaction, job: JobRow): Promise<void> {
  await tellLabels(tx, job.id);
  const batch = await newestOpenBatch(tx, job.id);
  if (!batch) return;
  const { total, open } = await countBatch(tx, job.id, batch.iteration);
  if (job.phase === 'PROCESSING' && isCampaign(job))
    await setProgress(tx, job.id, { done: total - open, total, unit: 'labels' });
  if (open === 0 && total > 0) await closeAndTell(tx, job, batch.iteration, 'labelled');
}

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

  async function findJob(jobId: string): Promise<JobRow | undefined> {
    const [job] = await db.select().from(jobs).where(eq(jobs.id, jobId));
    return job;
  }

  /** Runs `work` under the lock of a campaign that is PROCESSING. */
  function campaignCommand(
    jobId: string,
    work: (tx: Transaction, job: JobRow) => Promise<CommandResult>,
  ): Promise<CommandResult> {
    return db.transaction(async (tx): Promise<CommandResult> => {
      const job = await lockJob(tx, jobId);
      if (!job) return { refusal: 'absent' };
      if (job.phase !== 'PROCESSING' || !isCampaign(job))
        return wrongPhase(job, 'only a running campaign can be changed so');
      return work(tx, job);
    });
  }

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

    /**
     * Opens the batch of an iteration: writes its labellings, in their order within each set, and says that a campaign
     * waits for labels. Does nothing where the batch is there already.
     * @returns false where the job is no longer PROCESSING: then nothing is written
     */
    openBatch(
      jobId: string,
      iteration: number,
      rows: readonly NewLabelling[],
      { classListVersion = 1 }: { classListVersion?: number } = {},
    ): Promise<boolean> {
      return db.transaction(async (tx) => {
        const job = await lockJob(tx, jobId);
        if (job?.phase !== 'PROCESSING') return false;
        const opened = await tx
          .insert(batches)
          .values({ jobId, iteration, classListVersion })
          .onConflictDoNothing()
          .returning();
        if (opened.length === 0) return true;
        await insertLabellings(
          tx,
          jobId,
          rows.map((row) => ({ ...row, sequenceIteration: iteration })),
        );
        if (!isCampaign(job)) return true;
        const { total, open } = await countBatch(tx, jobId, iteration);
        await setProgress(tx, jobId, { done: total - open, total, unit: 'labels' });
        // A paused campaign goes on waiting to be resumed.
        if (open > 0 && job.waitingFor !== 'resume') await changePhase(tx, jobId, { waitingFor: 'labels' });
        return true;
      });
    },

    /** How many spectra of the newest batch have no answer; 0 once it is closed, and where there is none. */
    async countOpen(jobId: string): Promise<number> {
      const batch = await newestOpenBatch(db, jobId);
      return batch ? (await countBatch(db, jobId, batch.iteration)).open : 0;
    },

    /**
     * Closes a batch, if nothing has closed it yet, without a signal: the run itself says so.
     * @returns false where the job is no longer PROCESSING: then nothing is written
     */
    closeBatch(jobId: string, iteration: number): Promise<boolean> {
      return db.transaction(async (tx) => {
        const job = await lockJob(tx, jobId);
        if (job?.phase !== 'PROCESSING') return false;
        const [batch] = await tx
          .select()
          .from(batches)
          .where(and(eq(batches.jobId, jobId), eq(batches.iteration, iteration)));
        if (!batch || batch.closedAt) return true;
        const { open } = await countBatch(tx, jobId, iteration);
        await close(tx, job, iteration, open > 0 ? 'early' : 'labelled');
        return true;
      });
    },

    /** Closes the open batch of a campaign because a person says so; the campaign is told. */
    closeBatchEarly(jobId: string): Promise<CommandResult> {
      return campaignCommand(jobId, async (tx, job) => {
        const batch = await newestOpenBatch(tx, jobId);
        if (!batch) return wrongPhase(job, 'it has no open batch');
        return { job: await closeAndTell(tx, job, batch.iteration, 'early') };
      });
    },

    /** Tells a campaign of other settings, which hold from the next iteration on, and says so in its log. */
    changeSettings(jobId: string, settings: CampaignSettings): Promise<CommandResult> {
      return campaignCommand(jobId, async (tx, job) => {
        const input = Object.fromEntries(
          Object.entries(settings).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
        );
        await addToOutbox(tx, jobId, { command: 'signal', payload: { signal: 'changeSettings', input } });
        const changes = Object.entries(input).map(([name, value]) => `${name} ${value}`);
        const message = `from the next iteration on: ${changes.join(', ')}`;
        await appendEvent(tx, jobId, { kind: 'log', data: { level: 'info', message, settings: input } });
        return { job };
      });
    },

    /** What was changed of a campaign's settings since RUN. */
    async changedSettings(jobId: string): Promise<CampaignSettings> {
      const rows = await db
        .select({ data: jobEvents.data })
        .from(jobEvents)
        .where(
          and(
            eq(jobEvents.jobId, jobId),
            eq(jobEvents.kind, 'log'),
            sql`${jobEvents.data} -> 'settings' is not null`,
          ),
        )
        .orderBy(asc(jobEvents.id));
      return rows.reduce<CampaignSettings>(
        (settings, { data }) => ({ ...settings, ...CampaignSettings.parse(data['settings']) }),
        {},
      );
    },

    /** Every batch of a job, newest first. */
    async listBatches(jobId: string): Promise<Batch[]> {
      const rows = await db
        .select()
        .from(batches)
        .where(eq(batches.jobId, jobId))
        .orderBy(desc(batches.iteration));
      const counts = await db
        .select({
          iteration: labellings.sequenceIteration,
          total: sql<number>`count(*)::int`,
          open: sql<number>`(count(*) filter (where ${isOpen}))::int`,
          labelled: sql<number>`count(${labellings.userLabel})::int`,
          skipped: sql<number>`(count(*) filter (where ${labellings.decision} = 'skip'))::int`,
          unsure: sql<number>`(count(*) filter (where ${labellings.decision} = 'unsure'))::int`,
        })
        .from(labellings)
        .where(
          and(eq(labellings.jobId, jobId), inArray(labellings.spectrumSet, ASKED), isNull(labellings.source)),
        )
        .groupBy(labellings.sequenceIteration);
      const countsOf = new Map(counts.map(({ iteration, ...rest }) => [iteration, rest]));
      return rows.map(({ iteration, classListVersion, openedAt, closedAt, closedHow }) => ({
        iteration,
        class_list_version: classListVersion,
        opened_at: openedAt.toISOString(),
        ...(closedAt ? { closed_at: closedAt.toISOString() } : {}),
        ...(closedHow ? { closed_how: closedHow } : {}),
        ...(countsOf.get(iteration) ?? { total: 0, open: 0, labelled: 0, skipped: 0, unsure: 0 }),
      }));
    },

    /** How many spectra of each set wait for an answer: of open batches, of all jobs that run. */
    async countUnanswered(): Promise<{ spectrumSet: SpectrumSet; count: number }[]> {
      const counts = await db
        .select({ spectrumSet: labellings.spectrumSet, count: sql<number>`count(*)::int` })
        .from(batches)
        .innerJoin(jobs, eq(jobs.id, batches.jobId))
        .innerJoin(
          labellings,
          and(eq(labellings.jobId, batches.jobId), eq(labellings.sequenceIteration, batches.iteration)),
        )
        .where(
          and(
            eq(jobs.phase, 'PROCESSING'),
            isNull(batches.closedAt),
            inArray(labellings.spectrumSet, ASKED),
            isNull(labellings.source),
            isOpen,
          ),
        )
        .groupBy(labellings.spectrumSet);
      return ASKED.map((spectrumSet) => ({
        spectrumSet,
        count: counts.find((one) => one.spectrumSet === spectrumSet)?.count ?? 0,
      }));
    },

    /** The spectra of an iteration's sets in their order, with the answers that hold: what an estimate needs. */
    listBatchRows(jobId: string, iteration: number): Promise<LabellingRow[]> {
      return db
        .select()
        .from(labellings)
        .where(ofBatch(jobId, iteration))
        .orderBy(asc(labellings.spectrumSet), asc(labellings.rank));
    },

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

    /** Every version of a job's classes, oldest first; none where there is no such job or it has no classes. */
    async classLists(jobId: string): Promise<ClassList[]> {
      const job = await findJob(jobId);
      return job ? readClassLists(db, job) : [];
    },

    /**
     * Makes a new version of a campaign's classes: labels in the old names take the new ones, those of split classes are
     * open again; the history keeps them as they were given.
     * @returns the version, what is wrong with it, or why nothing can be changed
     */
    async changeClasses(
      jobId: string,
      { classes, candidate_classes, becomes, changed_by }: PatchClasses,
    ): Promise<
      | { list: ClassList }
      | { problems: { path: string; message: string }[] }
      | Exclude<CommandResult, { job: JobRow }>
    > {
      return db.transaction(async (tx) => {
        const job = await lockJob(tx, jobId);
        if (!job) return { refusal: 'absent' };
        const { phase } = job;
        if (phase !== 'PROCESSING' || !isCampaign(job))
          return { refusal: 'wrong-phase', phase, reason: 'only a running campaign can be changed so' };
        const old = (await readClassLists(tx, job)).at(-1);
        if (!old) return { refusal: 'wrong-phase', phase, reason: 'its configuration has no classes' };
        const problems = [
          ...candidate_classes.flatMap((name, i) =>
            classes.includes(name)
              ? []
              : [{ path: `candidate_classes[${i}]`, message: `${name} is not one of classes` }],
          ),
          ...Object.entries(becomes).flatMap(([name, now]) =>
            now === null || classes.includes(now)
              ? []
              : [{ path: `becomes.${name}`, message: `${now} is not one of classes` }],
          ),
          ...Object.keys(becomes)
            .filter((name) => !old.classes.includes(name))
            .map((name) => ({ path: `becomes.${name}`, message: 'is none of the present classes' })),
          ...old.classes
            .filter((name) => !classes.includes(name) && !Object.hasOwn(becomes, name))
            .map((name) => ({
              path: 'becomes',
              message: `must say what becomes of ${name}: its new name, or null where its labels must be given again`,
            })),
        ];
        if (problems.length > 0) return { problems };
        const version = old.version + 1;
        await tx.insert(classLists).values({
          jobId,
          version,
          classes,
          candidateClasses: candidate_classes,
          becomes,
          changedBy: changed_by ?? null,
          changedAt: sql`clock_timestamp()`,
        });
        // All names at once: two classes may swap theirs.
        await tx.execute(sql`
          update ${labellings} changed set user_label = given.value,
            labelled_by = case when given.value is null then null else labelled_by end,
            labelled_at = case when given.value is null then null else labelled_at end
          from jsonb_each_text(${JSON.stringify(becomes)}::jsonb) as given
          where changed.job_id = ${jobId}::uuid and changed.user_label = given.key`);
        await followBatch(tx, job);
        const list = (await readClassLists(tx, job)).at(-1);
        if (!list) throw new Error('the new class list is gone');
        return { list };
      });
    },

    /**
     * Spectra, or objects where they are known, to which different people's newest labels differ, in today's names,
     * and nobody settled it since. A spectrum is known by its file name: imported labels have no other key.
     */
    async listDisagreements(
      jobId: string,
      { offset, limit }: { offset: number; limit: number },
    ): Promise<{ total: number; disagreements: Disagreement[] }> {
      const job = await findJob(jobId);
      const lists = job ? await readClassLists(db, job) : [];
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
