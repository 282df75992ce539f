import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { JobEventKind } from '../../contracts/job.ts';
import type { Database, Transaction } from '../connection.ts';
import { jobEvents, jobs } from '../schema.ts';

export type JobEventRow = typeof jobEvents.$inferSelect;

export interface NewEvent {
  kind: JobEventKind;
  data: Record<string, unknown>;
  key?: string;
}

/**
 * Appends an event to a job in the caller's transaction. Its id comes from the job's own counter, raised under the
 * row's lock: an event with a smaller id can't commit later (a sequence would lose events to concurrent readers).
 */
export async function appendEvent(tx: Transaction, jobId: string, event: NewEvent): Promise<void> {
  const [raised] = await tx
    .update(jobs)
    .set({ eventSequence: sql`${jobs.eventSequence} + 1` })
    .where(eq(jobs.id, jobId))
    .returning({ id: jobs.eventSequence });
  if (!raised) throw new Error(`job ${jobId} is gone`);
  // The time of the insert, not of the transaction's begin: ids and times rise together.
  await tx.insert(jobEvents).values({ jobId, id: raised.id, at: sql`clock_timestamp()`, ...event });
  await tx.execute(sql`select pg_notify('job_events', ${jobId})`);
}

export type EventsRepository = ReturnType<typeof createEventsRepository>;

/** What happened to jobs, in order. */
export function createEventsRepository(db: Database) {
  return {
    /** Events of a job after `afterId`, oldest first; of one kind where given. */
    async list(
      jobId: string,
      { afterId = 0, limit, kind }: { afterId?: number; limit: number; kind?: JobEventKind },
    ): Promise<JobEventRow[]> {
      return db
        .select()
        .from(jobEvents)
        .where(
          and(
            eq(jobEvents.jobId, jobId),
            gt(jobEvents.id, afterId),
            kind === undefined ? undefined : eq(jobEvents.kind, kind),
          ),
        )
        .orderBy(asc(jobEvents.id))
        .limit(limit);
    },
  };
}
