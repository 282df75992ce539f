import { and, asc, desc, eq, inArray, isNull, sql } from 'drizzle-orm';
import { CampaignSettings } from '../../contracts/active-learning.ts';
import type { Batch, SpectrumSet } from '../../contracts/labelling.ts';
import { insertLabellings, type NewLabelling } from '../answers.ts';
import {
  ASKED,
  close,
  closeAndTell,
  countBatch,
  isOpen,
  type LabellingRow,
  newestOpenBatch,
  ofBatch,
} from '../batches.ts';
import type { Database, Transaction } from '../connection.ts';
import { batches, jobEvents, jobs, labellings } from '../schema.ts';
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

/** The batches of a campaign, as its run opens and closes them, and its settings. */
export function createBatches(db: Database) {
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

  return {
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
  };
}
