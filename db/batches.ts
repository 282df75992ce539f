import { and, desc, eq, inArray, isNotNull, isNull, or, sql, type SQL } from 'drizzle-orm';
import type { SpectrumSet } from '../contracts/labelling.ts';
import type { Database, Transaction } from './connection.ts';
import { appendEvent } from './repositories/events.ts';
import { changePhase, isCampaign, type JobRow, setProgress } from './repositories/jobs.ts';
import { addToOutbox } from './repositories/outbox.ts';
import { batches, jobEvents, labellings } from './schema.ts';

type BatchRow = typeof batches.$inferSelect;
export type LabellingRow = typeof labellings.$inferSelect;

/** The sets that a batch waits for. */
export const ASKED: SpectrumSet[] = ['ORACLE', 'PERFORMANCE_ESTIMATION'];
export const isAnswered = or(isNotNull(labellings.userLabel), isNotNull(labellings.decision));
export const isOpen = and(isNull(labellings.userLabel), isNull(labellings.decision));

/** The spectra of a batch that people are asked about. */
export const ofBatch = (jobId: string, iteration: number): SQL | undefined =>
  and(
    eq(labellings.jobId, jobId),
    inArray(labellings.spectrumSet, ASKED),
    eq(labellings.sequenceIteration, iteration),
    isNull(labellings.source),
  );

/** How many spectra of a batch people are asked about, and how many of those have no answer. */
export async function countBatch(
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

export async function newestOpenBatch(
  tx: Database | Transaction,
  jobId: string,
): Promise<BatchRow | undefined> {
  const [batch] = await tx
    .select()
    .from(batches)
    .where(and(eq(batches.jobId, jobId), isNull(batches.closedAt)))
    .orderBy(desc(batches.iteration))
    .limit(1);
  return batch;
}

/** Closes a batch of a locked job: the job no longer waits for labels. @returns the job as it is now */
export async function close(
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
export async function closeAndTell(
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
export async function followBatch(tx: Transaction, job: JobRow): Promise<void> {
  await tellLabels(tx, job.id);
  const batch = await newestOpenBatch(tx, job.id);
  if (!batch) return;
  const { total, open } = await countBatch(tx, job.id, batch.iteration);
  if (job.phase === 'PROCESSING' && isCampaign(job))
    await setProgress(tx, job.id, { done: total - open, total, unit: 'labels' });
  if (open === 0 && total > 0) await closeAndTell(tx, job, batch.iteration, 'labelled');
}
