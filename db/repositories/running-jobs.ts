import { eq } from 'drizzle-orm';
import { z } from 'zod';
import type { Database } from '../connection.ts';
import { jobs } from '../schema.ts';

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
