import { sql } from 'drizzle-orm';
import type { ClassList, PatchClasses } from '../../contracts/labelling.ts';
import { followBatch } from '../batches.ts';
import { findClassLists, readClassLists } from '../class-lists.ts';
import type { Database } from '../connection.ts';
import { classLists, labellings } from '../schema.ts';
import { type CommandResult, isCampaign, type JobRow, lockJob } from './jobs.ts';

/** The classes of a campaign, every version of them. */
export function createClassLists(db: Database) {
  return {
    /** Every version of a job's classes, oldest first; none where there is no such job or it has no classes. */
    classLists(jobId: string): Promise<ClassList[]> {
      return findClassLists(db, jobId);
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
  };
}
