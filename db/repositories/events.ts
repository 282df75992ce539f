import { and, asc, eq, gt, lte, sql } from 'drizzle-orm';
import { z } from 'zod';
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
 * @param changes of the job's row, which the event tells of
 */
export async function appendEvent(
  tx: Transaction,
  jobId: string,
  event: NewEvent,
  changes?: Pick<typeof jobs.$inferSelect, 'progress'>,
): Promise<void> {
  const [raised] = await tx
    .update(jobs)
    .set({ ...changes, eventSequence: sql`${jobs.eventSequence} + 1` })
    .where(eq(jobs.id, jobId))
    .returning({ id: jobs.eventSequence });
  if (!raised) throw new Error(`job ${jobId} is gone`);
  // The time of the insert, not of the transaction's begin: ids and times rise together.
  await tx
    .insert(jobEvents)
    .values({ jobId, id: raised.id, at: sql`clock_timestamp()`, ...event })
    .returning({ told: sql`pg_notify('job_events', ${jobId})` });
}

export type EventsRepository = ReturnType<typeof createEventsRepository>;

const Drawn = z.object({ position: z.coerce.number().int() });
const Ended = z.object({ ended: z.boolean() });
const Mark = z.object({ mark: z.string() });

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

    /** Events of all jobs after `after` up to `upTo`, which must be settled, in order of their positions. */
    async listAll({
      after,
      upTo,
      limit,
    }: {
      after: number;
      upTo: number;
      limit: number;
    }): Promise<JobEventRow[]> {
      return db
        .select()
        .from(jobEvents)
        .where(and(gt(jobEvents.position, after), lte(jobEvents.position, upTo)))
        .orderBy(asc(jobEvents.position))
        .limit(limit);
    },

    /** The newest position that was drawn, by whatever transaction. */
    async newestPosition(): Promise<number> {
      const { rows } = await db.execute(
        sql`select case when is_called then last_value else 0 end as position from job_events_position_seq`,
      );
      return Drawn.parse(rows[0]).position;
    },

    /**
     * A transaction, begun and ended: whoever had drawn a position before has a smaller number, for an event's job is
     * changed before its position is drawn. (No snapshot tells: its xmax is behind transactions under way.)
     */
    async markTransaction(): Promise<string> {
      const { rows } = await db.execute(sql`select pg_current_xact_id()::text as mark`);
      return Mark.parse(rows[0]).mark;
    },

    /** Whether all transactions that began before a mark have ended. */
    async haveEndedBefore(mark: string): Promise<boolean> {
      const { rows } = await db.execute(
        sql`select pg_snapshot_xmin(pg_current_snapshot()) >= ${mark}::xid8 as ended`,
      );
      return Ended.parse(rows[0]).ended;
    },
  };
}
