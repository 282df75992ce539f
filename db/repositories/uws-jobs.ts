import { and, asc, desc, eq, getTableColumns, gt, inArray, isNull, lte, sql } from 'drizzle-orm';
import type { JobType } from '../../contracts/job.ts';
import type { UwsPhase } from '../../contracts/uws.ts';
import type { Database } from '../connection.ts';
import { jobs } from '../schema.ts';
import type { JobRow } from './jobs.ts';

export type UwsJobRow = JobRow & { uwsPhase: UwsPhase };
export interface ListedUwsJob {
  id: string;
  uwsPhase: UwsPhase;
  createdAt: Date;
  runId: string | null;
}

/**
 * The phase as UWS has it: a job that waits for labels is SUSPENDED, a paused one HELD, and one that waits for a worker, or
 * that nothing has been done for yet, QUEUED.
 */
const uwsPhase = sql<UwsPhase>`case
  when ${jobs.phase} <> 'PROCESSING' then ${jobs.phase}
  when ${jobs.waitingFor} = 'labels' then 'SUSPENDED'
  when ${jobs.waitingFor} = 'resume' then 'HELD'
  when ${jobs.waitingFor} = 'worker' or (${jobs.progress} is null and ${jobs.statusDetail} is null) then 'QUEUED'
  else 'EXECUTING' end`;

export type UwsJobsRepository = ReturnType<typeof createUwsJobsRepository>;

/** What UWS knows of jobs beyond the REST API: its phases, lists without pages, limits, destruction. */
export function createUwsJobsRepository(db: Database) {
  return {
    async find(id: string): Promise<UwsJobRow | undefined> {
      const [job] = await db
        .select({ ...getTableColumns(jobs), uwsPhase })
        .from(jobs)
        .where(eq(jobs.id, id));
      return job;
    },

    /** Undefined where there is no such job. */
    async findPhase(id: string): Promise<UwsPhase | undefined> {
      const [job] = await db.select({ uwsPhase }).from(jobs).where(eq(jobs.id, id));
      return job?.uwsPhase;
    },

    /** Jobs of a type, oldest first; with `last` the so many newest of them. */
    async list({
      type,
      phases,
      after,
      last,
    }: {
      type: JobType;
      /** All where absent. */
      phases?: readonly UwsPhase[];
      /** Made later than this. */
      after?: Date;
      last?: number;
    }): Promise<ListedUwsJob[]> {
      const query = db
        .select({ id: jobs.id, uwsPhase, createdAt: jobs.createdAt, runId: jobs.runId })
        .from(jobs)
        .where(
          and(
            eq(jobs.type, type),
            phases && inArray(uwsPhase, [...phases]),
            after && gt(jobs.createdAt, after),
          ),
        );
      if (last === undefined) return query.orderBy(asc(jobs.createdAt), desc(jobs.id));
      return (await query.orderBy(desc(jobs.createdAt), asc(jobs.id)).limit(last)).reverse();
    },

    /** @returns false where there is no such job, or it has ended */
    async setExecutionLimit(id: string, seconds: number): Promise<boolean> {
      const changed = await db
        .update(jobs)
        .set({ executionLimitSeconds: seconds })
        .where(and(eq(jobs.id, id), isNull(jobs.endedAt)))
        .returning({ id: jobs.id });
      return changed.length > 0;
    },

    async setDestruction(id: string, at: Date): Promise<void> {
      await db.update(jobs).set({ destructionAt: at }).where(eq(jobs.id, id));
    },

    /** Runs that take longer than they may. */
    async listOverdue(): Promise<{ id: string; executionLimitSeconds: number }[]> {
      return db
        .select({ id: jobs.id, executionLimitSeconds: jobs.executionLimitSeconds })
        .from(jobs)
        .where(
          and(
            eq(jobs.phase, 'PROCESSING'),
            gt(jobs.executionLimitSeconds, 0),
            sql`${jobs.startedAt} + make_interval(secs => ${jobs.executionLimitSeconds}) < now()`,
          ),
        );
    },

    /** Ids of the jobs whose time of destruction has come. */
    async listExpired(): Promise<string[]> {
      const expired = await db
        .select({ id: jobs.id })
        .from(jobs)
        .where(lte(jobs.destructionAt, sql`now()`));
      return expired.map(({ id }) => id);
    },
  };
}
