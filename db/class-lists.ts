import { asc, eq } from 'drizzle-orm';
import { z } from 'zod';
import type { ClassList } from '../contracts/labelling.ts';
import type { Database, Transaction } from './connection.ts';
import type { JobRow } from './repositories/jobs.ts';
import { classLists, jobs } from './schema.ts';

const ConfiguredClasses = z.object({
  classes: z.array(z.string()),
  candidate_classes: z.array(z.string()).default([]),
});

/** Every version of the job's classes, oldest first; none where its configuration has no classes. */
export async function readClassLists(tx: Database | Transaction, job: JobRow): Promise<ClassList[]> {
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

/** The same of a job by its id; none where there is no such job. */
export async function findClassLists(db: Database, jobId: string): Promise<ClassList[]> {
  const [job] = await db.select().from(jobs).where(eq(jobs.id, jobId));
  return job ? readClassLists(db, job) : [];
}

export async function currentClasses(
  tx: Database | Transaction,
  job: JobRow,
): Promise<{ version: number; classes: readonly string[] | undefined }> {
  const newest = (await readClassLists(tx, job)).at(-1);
  return { version: newest?.version ?? 1, classes: newest?.classes };
}
