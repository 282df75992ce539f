import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import type { Database } from '../connection.ts';
import { jobs, outbox } from '../schema.ts';

/** The directories that a running job stands on, as store path and as `data_dir_path`. */
export interface RunningJob {
  jobId: string;
  jobDirectory: string;
  dataDirectory?: string;
}

const DataConfig = z.object({ data_dir_path: z.string() });

/** The jobs that are PROCESSING, with the directories they use. */
export async function listRunningJobs(db: Database): Promise<RunningJob[]> {
  const rows = await db
    .select({ jobId: jobs.id, jobDirectory: jobs.dirPath, config: jobs.config })
    .from(jobs)
    .where(eq(jobs.phase, 'PROCESSING'));
  return rows.map(({ jobId, jobDirectory, config }) => {
    const data = DataConfig.safeParse(config);
    return { jobId, jobDirectory, ...(data.success ? { dataDirectory: data.data.data_dir_path } : {}) };
  });
}

export interface SettledRun {
  id: string;
  workflowId: string;
  waitingFor: (typeof jobs.$inferSelect)['waitingFor'];
  /** Nothing but a GPU will do. */
  needsGpu: boolean;
}

/**
 * Running jobs whose every command Temporal has taken, some time ago: what they are waiting for is their run alone.
 * The pause lets a run that is just ending say so itself.
 */
export async function listRunsWithoutCommands(db: Database): Promise<SettledRun[]> {
  const rows = await db
    .select({
      id: jobs.id,
      workflowId: jobs.workflowId,
      waitingFor: jobs.waitingFor,
      needsGpu: sql<boolean>`coalesce(${jobs.config} ->> 'accelerator' = 'gpu', false)`,
    })
    .from(jobs)
    .where(
      sql`${jobs.phase} = 'PROCESSING' and ${jobs.startedAt} < now() - interval '10 seconds' and not exists (
        select 1 from ${outbox} where ${outbox.workflowId} = ${jobs.workflowId})`,
    );
  return rows.flatMap(({ workflowId, ...row }) => (workflowId === null ? [] : [{ ...row, workflowId }]));
}
