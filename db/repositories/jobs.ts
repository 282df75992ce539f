import { randomUUID } from 'node:crypto';
import { and, asc, desc, eq, gt, ilike, inArray, isNull, or, sql, type SQL } from 'drizzle-orm';
import type {
  Artifact,
  JobEnd,
  JobListQuery,
  JobPhase,
  JobType,
  JsonObject,
  LogLevel,
  Progress,
  Reject,
} from '../../contracts/job.ts';
import type { Database, Transaction } from '../connection.ts';
import { artifacts, batches, jobEvents, jobRejects, jobs, shardProgress } from '../schema.ts';
import { storableText } from '../text.ts';
import { appendEvent } from './events.ts';
import { addToOutbox, type StartPayload } from './outbox.ts';

export type JobRow = typeof jobs.$inferSelect;
type JobChanges = Partial<Omit<JobRow, 'id' | 'eventSequence'>>;

/** A command's outcome: the job as it is now, or why nothing was changed. */
export type CommandResult =
  | { job: JobRow; refusal?: undefined }
  | { refusal: 'absent' }
  | { refusal: 'wrong-phase'; phase: JobPhase; reason: string };

export interface NewJob {
  type: JobType;
  label: string;
  description?: string | null;
  submittedConfig?: JsonObject;
  /** What an UWS client calls it. */
  runId?: string;
  /** Ends it in ABORTED so long after its start; 0: never. */
  executionLimitSeconds?: number;
  /** When it is deleted with its files. */
  destructionAt?: Date;
}

export interface LogEntry {
  level: LogLevel;
  message: string;
  /** A line whose key the job's log already has is not added again. */
  key?: string;
}

/** Rows read at once where a whole log is streamed. */
const LOG_PAGE = 1000;

/**
 * `/JOBS/job_<label>_<id>`: of the label, in lower case with `_` for blanks, only letters, digits, `-` and `_`
 * survive. At most 245 bytes, for a label has at most 50 characters.
 */
export function jobDirectoryPath(label: string, id: string): string {
  const name = label
    .normalize('NFC')
    .toLowerCase()
    .replace(/\s/gu, '_')
    .replace(/[^\p{L}\p{N}_-]/gu, '');
  return `/JOBS/job_${name}_${id}`;
}

/** What a `phase` event shows: the fields of a job that change with it. */
function phaseEvent(job: JobRow): Record<string, unknown> {
  const fields = {
    phase: job.phase,
    status_detail: job.statusDetail,
    waiting_for: job.waitingFor,
    started_at: job.startedAt?.toISOString(),
    ended_at: job.endedAt?.toISOString(),
    error: job.error && { message: job.error.message },
  };
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  );
}

/** Whether the job is a whole loop that labels resume, and not one step that an old client drives. */
export const isCampaign = ({ type, config }: JobRow): boolean =>
  type === 'ACTIVE_ML' && config?.['iteration'] === undefined;

/** The job's row, locked until the transaction ends; undefined where there is none. */
export async function lockJob(tx: Transaction, id: string): Promise<JobRow | undefined> {
  const [job] = await tx.select().from(jobs).where(eq(jobs.id, id)).for('update');
  return job;
}

/** Changes a locked job and tells the world: the row and its `phase` event. */
export async function changePhase(tx: Transaction, id: string, changes: JobChanges): Promise<JobRow> {
  const [job] = await tx.update(jobs).set(changes).where(eq(jobs.id, id)).returning();
  if (!job) throw new Error(`job ${id} is gone`);
  await appendEvent(tx, id, { kind: 'phase', data: phaseEvent(job) });
  return job;
}

/** Sets the progress and replaces the job's earlier progress event, so that the table stays small. */
export async function setProgress(tx: Transaction, id: string, progress: Progress): Promise<void> {
  await tx.delete(jobEvents).where(and(eq(jobEvents.jobId, id), eq(jobEvents.kind, 'progress')));
  await appendEvent(tx, id, { kind: 'progress', data: progress }, { progress });
}

export const wrongPhase = (job: JobRow, reason: string): CommandResult => ({
  refusal: 'wrong-phase',
  phase: job.phase,
  reason,
});

const SORT_COLUMNS: Record<string, SQL> = {
  created_at: sql`${jobs.createdAt}`,
  label: sql`lower(${jobs.label})`,
  type: sql`${jobs.type}`,
  phase: sql`${jobs.phase}`,
  progress: sql`(${jobs.progress}->>'done')::float8 / nullif((${jobs.progress}->>'total')::float8, 0)`,
  duration: sql`coalesce(${jobs.endedAt}, now()) - ${jobs.startedAt}`,
};

/** What a list is ordered by first. Jobs without the value come last, either way. */
function orderOf(sort: JobListQuery['sort']): SQL[] {
  const column = sort && SORT_COLUMNS[sort.replace(/^-/, '')];
  if (!column) return [];
  return [sort.startsWith('-') ? sql`${column} desc nulls last` : sql`${column} asc nulls last`];
}

export type JobsRepository = ReturnType<typeof createJobsRepository>;

/**
 * Jobs and what hangs on them. Every command that changes a run is one transaction under the row's lock: the change,
 * its `phase` event and the outbox row. Results (complete, fail, progress, rejects) are taken only while the job is
 * PROCESSING.
 */
export function createJobsRepository(db: Database) {
  /** Runs `work` on the job under its lock. */
  function command(
    id: string,
    work: (tx: Transaction, job: JobRow) => Promise<CommandResult>,
  ): Promise<CommandResult> {
    return db.transaction(async (tx): Promise<CommandResult> => {
      const job = await lockJob(tx, id);
      return job ? work(tx, job) : { refusal: 'absent' };
    });
  }

  /** Runs `work` under the job's lock while it is PROCESSING; false, and nothing done, otherwise. */
  function whileProcessing(
    id: string,
    work: (tx: Transaction, job: JobRow) => Promise<void>,
  ): Promise<boolean> {
    return db.transaction(async (tx) => {
      const job = await lockJob(tx, id);
      if (job?.phase !== 'PROCESSING') return false;
      await work(tx, job);
      return true;
    });
  }

  return {
    /**
     * Makes a PENDING job with its first event. `prepare` runs before the commit (it makes the directory): where it
     * throws there is no job.
     */
    async create(
      values: NewJob,
      prepare: (job: JobRow) => Promise<void> = () => Promise.resolve(),
    ): Promise<JobRow> {
      const id = randomUUID();
      return db.transaction(async (tx) => {
        const [job] = await tx
          .insert(jobs)
          .values({ ...values, id, phase: 'PENDING', dirPath: jobDirectoryPath(values.label, id) })
          .returning();
        if (!job) throw new Error('insert returned no row');
        await appendEvent(tx, id, { kind: 'phase', data: phaseEvent(job) });
        await prepare(job);
        return job;
      });
    },

    async find(id: string): Promise<JobRow | undefined> {
      const [job] = await db.select().from(jobs).where(eq(jobs.id, id));
      return job;
    },

    /** One page, newest first, and how many there are in all. */
    async list(query: JobListQuery): Promise<{ total: number; rows: JobRow[] }> {
      const { offset, limit, phase, type, q } = query;
      const pattern = `%${(q ?? '').replace(/[\\%_]/g, '\\$&')}%`;
      const where: SQL | undefined = and(
        phase && eq(jobs.phase, phase),
        type && eq(jobs.type, type),
        q
          ? or(
              ilike(jobs.label, pattern),
              ilike(jobs.description, pattern),
              ilike(sql`${jobs.id}::text`, pattern),
            )
          : undefined,
      );
      const order = [...orderOf(query.sort), desc(jobs.createdAt), asc(jobs.id)];
      // Rows are wide: those before the page are counted off in an index, and only its own are read.
      const ids = db
        .select({ id: jobs.id })
        .from(jobs)
        .where(where)
        .orderBy(...order)
        .offset(offset)
        .limit(limit);
      const page = db
        .select()
        .from(jobs)
        .where(inArray(jobs.id, ids))
        .orderBy(...order);
      const [total, rows] = await Promise.all([db.$count(jobs, where), limit === 0 ? [] : page]);
      return { total, rows };
    },

    /** How many jobs are in each phase. */
    async countByPhase(): Promise<{ phase: JobPhase; count: number }[]> {
      return db
        .select({ phase: jobs.phase, count: sql<number>`count(*)::int` })
        .from(jobs)
        .groupBy(jobs.phase);
    },

    /** Spectra that all jobs together have dealt with, as far as they told. */
    async countSpectraDone(): Promise<number> {
      const [row] = await db
        .select({ spectra: sql<number>`coalesce(sum((${jobs.progress}->>'done')::float8), 0)` })
        .from(jobs)
        .where(sql`${jobs.progress}->>'unit' = 'spectra'`);
      return row?.spectra ?? 0;
    },

    async setDescription(id: string, description: string | null): Promise<JobRow | undefined> {
      const [job] = await db.update(jobs).set({ description }).where(eq(jobs.id, id)).returning();
      return job;
    },

    /** Deletes a job with all its rows; refused while PROCESSING. The result holds the job as it was. */
    remove(id: string): Promise<CommandResult> {
      return command(id, async (tx, job) => {
        if (job.phase === 'PROCESSING') return wrongPhase(job, 'a running job must be aborted first');
        await tx.delete(jobs).where(eq(jobs.id, id));
        // Its event streams end.
        await tx.execute(sql`select pg_notify('job_events', ${id})`);
        return { job };
      });
    },

    /** PENDING → PROCESSING. The workflow's id is the job's. */
    run(
      id: string,
      {
        config,
        submittedConfig,
        start,
      }: {
        config: JsonObject;
        submittedConfig: JsonObject;
        start: StartPayload;
      },
    ): Promise<CommandResult> {
      return command(id, async (tx, job) => {
        if (job.phase !== 'PENDING') return wrongPhase(job, 'only a pending job can be run');
        await addToOutbox(tx, id, { command: 'start', payload: start });
        return {
          job: await changePhase(tx, id, {
            phase: 'PROCESSING',
            startedAt: new Date(),
            workflowId: id,
            config,
            submittedConfig,
          }),
        };
      });
    },

    /** PENDING or PROCESSING → ABORTED. */
    abort(id: string, { statusDetail }: { statusDetail?: string } = {}): Promise<CommandResult> {
      return command(id, async (tx, job) => {
        if (job.phase !== 'PENDING' && job.phase !== 'PROCESSING')
          return wrongPhase(job, 'the job has ended');
        if (job.phase === 'PROCESSING') await addToOutbox(tx, id, { command: 'cancel' });
        return {
          job: await changePhase(tx, id, {
            phase: 'ABORTED',
            endedAt: new Date(),
            waitingFor: null,
            ...(statusDetail === undefined ? {} : { statusDetail }),
          }),
        };
      });
    },

    pause(id: string): Promise<CommandResult> {
      return command(id, async (tx, job) => {
        if (job.phase !== 'PROCESSING') return wrongPhase(job, 'only a running job can be paused');
        if (job.waitingFor === 'resume') return wrongPhase(job, 'the job is paused already');
        if (job.type === 'TRAINING')
          return wrongPhase(job, 'a training cannot be paused; abort it, and clone it to begin anew');
        await addToOutbox(tx, id, { command: 'signal', payload: { signal: 'pause' } });
        return { job: await changePhase(tx, id, { waitingFor: 'resume' }) };
      });
    },

    resume(id: string): Promise<CommandResult> {
      return command(id, async (tx, job) => {
        if (job.phase !== 'PROCESSING') return wrongPhase(job, 'only a running job can be resumed');
        if (job.waitingFor !== 'resume') return wrongPhase(job, 'the job is not paused');
        await addToOutbox(tx, id, { command: 'signal', payload: { signal: 'resume' } });
        const waits = await tx.$count(batches, and(eq(batches.jobId, id), isNull(batches.closedAt)));
        return { job: await changePhase(tx, id, { waitingFor: waits > 0 ? 'labels' : null }) };
      });
    },

    /** PROCESSING → COMPLETED or ERROR because a client says so; the run is cancelled. */
    end(
      id: string,
      end: JobEnd,
      { startedAt, endedAt }: { startedAt?: Date; endedAt?: Date } = {},
    ): Promise<CommandResult> {
      return command(id, async (tx, job) => {
        if (job.phase !== 'PROCESSING') return wrongPhase(job, 'only a running job can be ended');
        if (end === 'COMPLETE' && isCampaign(job)) {
          // A last training on all labels and the catalogue come before its end.
          await addToOutbox(tx, id, { command: 'signal', payload: { signal: 'finish' } });
          return { job: await changePhase(tx, id, { statusDetail: 'finishing', waitingFor: null }) };
        }
        await addToOutbox(tx, id, { command: 'cancel' });
        return {
          job: await changePhase(tx, id, {
            phase: end === 'COMPLETE' ? 'COMPLETED' : 'ERROR',
            waitingFor: null,
            endedAt: endedAt ?? new Date(),
            ...(startedAt ? { startedAt } : {}),
          }),
        };
      });
    },

    /** Records a run's result. @returns false where the job is no longer PROCESSING: then nothing is recorded */
    complete(
      id: string,
      { statusDetail, artifacts: files }: { statusDetail?: string; artifacts: Artifact[] },
    ): Promise<boolean> {
      return whileProcessing(id, async (tx) => {
        await tx.delete(artifacts).where(eq(artifacts.jobId, id));
        if (files.length > 0)
          await tx.insert(artifacts).values(
            files.map(({ path, media_type: mediaType, bytes, sha256 }) => ({
              jobId: id,
              path,
              mediaType,
              bytes,
              sha256,
            })),
          );
        await changePhase(tx, id, {
          phase: 'COMPLETED',
          endedAt: new Date(),
          waitingFor: null,
          ...(statusDetail === undefined ? {} : { statusDetail }),
        });
      });
    },

    /** Ends a run in ERROR. @returns false where the job is no longer PROCESSING */
    fail(id: string, { message, trace }: { message: string; trace?: string }): Promise<boolean> {
      return whileProcessing(id, async (tx) => {
        await changePhase(tx, id, {
          phase: 'ERROR',
          endedAt: new Date(),
          waitingFor: null,
          error: {
            message: storableText(message),
            ...(trace === undefined ? {} : { trace: storableText(trace) }),
          },
        });
      });
    },

    /** Adds a line to the job's log; nothing where the job was deleted meanwhile. */
    appendLog(id: string, entry: LogEntry): Promise<void> {
      return this.appendLogLines(id, [entry]);
    },

    /** Adds lines to the job's log, in one transaction; nothing where the job was deleted meanwhile. */
    async appendLogLines(id: string, entries: readonly LogEntry[]): Promise<void> {
      if (entries.length === 0) return;
      await db.transaction(async (tx) => {
        if (!(await lockJob(tx, id))) return;
        for (const { level, message, key } of entries) {
          if (key !== undefined) {
            const same = and(eq(jobEvents.jobId, id), eq(jobEvents.key, key));
            if ((await tx.$count(jobEvents, same)) > 0) continue;
          }
          await appendEvent(tx, id, { kind: 'log', data: { level, message: storableText(message) }, key });
        }
      });
    },

    /**
     * Sets how far a shard is (counts of files, so that a retried shard counts once) and the job's progress as the
     * sum over its shards. @returns false where the job is no longer PROCESSING
     */
    recordShard(
      id: string,
      { shard, done, rejected }: { shard: number; done: number; rejected: number },
    ): Promise<boolean> {
      return whileProcessing(id, async (tx, job) => {
        await tx
          .insert(shardProgress)
          .values({ jobId: id, shard, done, rejected })
          .onConflictDoUpdate({
            target: [shardProgress.jobId, shardProgress.shard],
            set: { done, rejected },
          });
        const [sum] = await tx
          .select({
            done: sql<number>`sum(${shardProgress.done})::int`,
            rejected: sql<number>`sum(${shardProgress.rejected})::int`,
          })
          .from(shardProgress)
          .where(eq(shardProgress.jobId, id));
        if (sum)
          await setProgress(tx, id, {
            total: Math.max(job.progress?.total ?? 0, sum.done),
            ...sum,
            unit: 'spectra',
          });
      });
    },

    /**
     * Records what an epoch of a training gave, once for each attempt at the fit, and the job's progress.
     * @returns false where the job is no longer PROCESSING
     */
    recordEpoch(
      id: string,
      {
        attempt,
        epoch,
        epochs,
        iteration,
        values,
      }: {
        attempt: number;
        epoch: number;
        epochs: number;
        /** Of a campaign, which trains once in each. */
        iteration?: number;
        values: Readonly<Record<string, number | undefined>>;
      },
    ): Promise<boolean> {
      return whileProcessing(id, async (tx) => {
        const key = `epoch-${iteration ?? ''}-${attempt}-${epoch}`;
        // An epoch that was trained again after a crash gave the same.
        if ((await tx.$count(jobEvents, and(eq(jobEvents.jobId, id), eq(jobEvents.key, key)))) > 0) return;
        for (const [name, value] of Object.entries(values))
          if (value !== undefined)
            await appendEvent(tx, id, { kind: 'metric', data: { name, step: epoch, value, iteration }, key });
        await setProgress(tx, id, { done: epoch, total: epochs, unit: 'epochs' });
      });
    },

    /**
     * Where a campaign is: its status line, an `iteration` event with numbers of the iteration, which are metrics too, and a
     * line in its log; each once, however often it is told.
     * @returns false where the job is no longer PROCESSING
     */
    reportIteration(
      id: string,
      {
        iteration,
        statusDetail,
        values = {},
        log,
      }: {
        iteration: number;
        statusDetail?: string;
        values?: Readonly<Record<string, number | undefined>>;
        log?: string;
      },
    ): Promise<boolean> {
      return whileProcessing(id, async (tx, job) => {
        if (statusDetail !== undefined && statusDetail !== job.statusDetail)
          await changePhase(tx, id, { statusDetail });
        const given = Object.fromEntries(
          Object.entries(values).filter((pair): pair is [string, number] => pair[1] !== undefined),
        );
        const names = Object.keys(given);
        if (names.length === 0) return;
        const key = `iteration-${iteration}-${names.join()}`;
        if ((await tx.$count(jobEvents, and(eq(jobEvents.jobId, id), eq(jobEvents.key, key)))) > 0) return;
        await appendEvent(tx, id, { kind: 'iteration', data: { iteration, ...given }, key });
        for (const [name, value] of Object.entries(given))
          await appendEvent(tx, id, { kind: 'metric', data: { name, step: iteration, value }, key });
        if (log !== undefined)
          await appendEvent(tx, id, { kind: 'log', data: { level: 'info', message: log }, key });
      });
    },

    /** @returns false where the job is no longer PROCESSING */
    recordProgress(id: string, progress: Progress): Promise<boolean> {
      return whileProcessing(id, (tx) => setProgress(tx, id, progress));
    },

    /** Says how many spectra there will be, as far as they are listed. */
    setProgressTotal(id: string, total: number): Promise<boolean> {
      return whileProcessing(id, async (tx, job) => {
        await setProgress(tx, id, { done: 0, unit: 'spectra', ...job.progress, total });
      });
    },

    /** A running job that waits for `from` (null: for nothing) waits for `to` from now on; another one is left alone. */
    replaceWaitingFor(id: string, from: JobRow['waitingFor'], to: JobRow['waitingFor']): Promise<boolean> {
      return whileProcessing(id, async (tx, job) => {
        if (job.waitingFor === from) await changePhase(tx, id, { waitingFor: to });
      });
    },

    /** Adds rejects; of a path that is there already the reason is replaced, so a retry adds nothing. */
    recordRejects(id: string, rejects: readonly Reject[]): Promise<boolean> {
      return whileProcessing(id, async (tx) => {
        const reasons = new Map(
          rejects.map(({ path, reason }) => [storableText(path), storableText(reason)]),
        );
        if (reasons.size === 0) return;
        await tx.execute(sql`
          insert into ${jobRejects} (job_id, path, reason)
          select ${id}::uuid, path, reason
          from unnest(${sql.param([...reasons.keys()])}::text[], ${sql.param([...reasons.values()])}::text[])
            as given(path, reason)
          on conflict (job_id, path) do update set reason = excluded.reason`);
      });
    },

    /** One page of a job's rejects in order of their path, and how many there are. */
    async listRejects(
      id: string,
      { offset, limit }: { offset: number; limit: number },
    ): Promise<{ total: number; rejects: Reject[] }> {
      const where = eq(jobRejects.jobId, id);
      const rejects = await db
        .select({ path: jobRejects.path, reason: jobRejects.reason })
        .from(jobRejects)
        .where(where)
        .orderBy(asc(jobRejects.path))
        .offset(offset)
        .limit(limit);
      return { total: await db.$count(jobRejects, where), rejects };
    },

    async listArtifacts(id: string): Promise<Artifact[]> {
      const rows = await db
        .select({
          path: artifacts.path,
          media_type: artifacts.mediaType,
          bytes: artifacts.bytes,
          sha256: artifacts.sha256,
        })
        .from(artifacts)
        .where(eq(artifacts.jobId, id))
        .orderBy(asc(artifacts.path));
      return rows.map(({ sha256, ...rest }) => (sha256 === null ? rest : { ...rest, sha256 }));
    },

    async recordHash(id: string, path: string, sha256: string): Promise<void> {
      await db
        .update(artifacts)
        .set({ sha256 })
        .where(and(eq(artifacts.jobId, id), eq(artifacts.path, path)));
    },

    /** The job's log from its first line on, a page in memory at a time. */
    async *readLog(id: string): AsyncGenerator<{ at: Date; level: LogLevel; message: string }> {
      for (let after = 0; ;) {
        const page = await db
          .select({
            id: jobEvents.id,
            at: jobEvents.at,
            level: sql<LogLevel>`${jobEvents.data}->>'level'`,
            message: sql<string>`${jobEvents.data}->>'message'`,
          })
          .from(jobEvents)
          .where(and(eq(jobEvents.jobId, id), eq(jobEvents.kind, 'log'), gt(jobEvents.id, after)))
          .orderBy(asc(jobEvents.id))
          .limit(LOG_PAGE);
        yield* page;
        const last = page.at(-1);
        if (!last || page.length < LOG_PAGE) return;
        after = last.id;
      }
    },
  };
}
