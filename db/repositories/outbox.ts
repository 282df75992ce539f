import { context, propagation } from '@opentelemetry/api';
import { eq, sql } from 'drizzle-orm';
import { z } from 'zod';
import { JobType } from '../../contracts/job.ts';
import type { Database, Transaction } from '../connection.ts';
import { outbox } from '../schema.ts';

/** Of the request that a command is from, where that is traced: W3C trace context, by the names of its headers. */
export const TraceContext = z.record(z.string(), z.string());

/** What a `start` row carries: the workflow's type and input, and how operators find the run. */
export const StartPayload = z.object({
  workflow: z.string(),
  taskQueue: z.string(),
  input: z.record(z.string(), z.json()),
  jobType: JobType.optional(),
  label: z.string().optional(),
  description: z.string().optional(),
  dataset: z.string().optional(),
});
export type StartPayload = z.infer<typeof StartPayload>;
export const SignalPayload = z.object({
  signal: z.string(),
  /** The signal's one argument, where it has one. */
  input: z.record(z.string(), z.json()).optional(),
});
export type SignalPayload = z.infer<typeof SignalPayload>;

export type OutboxCommand =
  | { command: 'start'; payload: StartPayload }
  | { command: 'signal'; payload: SignalPayload }
  | { command: 'cancel' };
export type OutboxRow = typeof outbox.$inferSelect;

/** Adds a command for `workflowId` to the caller's transaction; dispatchers wake at its commit. */
export async function addToOutbox(
  tx: Transaction,
  workflowId: string,
  command: OutboxCommand,
): Promise<void> {
  const trace: Record<string, string> = {};
  propagation.inject(context.active(), trace);
  const payload = {
    ...(command.command === 'cancel' ? {} : command.payload),
    ...(Object.keys(trace).length > 0 ? { trace } : {}),
  };
  await tx.insert(outbox).values({ workflowId, command: command.command, payload });
  await tx.execute(sql`select pg_notify('outbox', '')`);
}

const MAX_RETRY_SECONDS = 5;

export type OutboxRepository = ReturnType<typeof createOutboxRepository>;

/** Commands on their way to Temporal. */
export function createOutboxRepository(db: Database) {
  return {
    /**
     * Takes the oldest due command that is the first of its workflow and that no other process holds, and deletes
     * it once `deliver` returns. Where `deliver` throws, the row stays and is due again after a growing pause.
     * The row is locked meanwhile, so each workflow's commands go out in order whatever the number of processes.
     * @returns whether there was one, and the error of `deliver`
     */
    async deliverNext(
      deliver: (row: OutboxRow) => Promise<void>,
    ): Promise<{ row: OutboxRow; error?: unknown } | undefined> {
      return db.transaction(async (tx) => {
        const [row] = await tx
          .select()
          .from(outbox)
          .where(
            sql`${outbox.notBefore} <= now() and not exists (
              select 1 from ${outbox} earlier
              where earlier.workflow_id = ${outbox.workflowId} and earlier.id < ${outbox.id})`,
          )
          .orderBy(outbox.id)
          .limit(1)
          .for('update', { skipLocked: true });
        if (!row) return undefined;
        try {
          await deliver(row);
        } catch (error) {
          const seconds = Math.min(MAX_RETRY_SECONDS, 0.25 * 2 ** Math.min(row.attempts, 10));
          await tx
            .update(outbox)
            .set({
              attempts: row.attempts + 1,
              notBefore: sql`clock_timestamp() + make_interval(secs => ${seconds})`,
              lastError: String(error),
            })
            .where(eq(outbox.id, row.id));
          return { row, error };
        }
        await tx.delete(outbox).where(eq(outbox.id, row.id));
        return { row };
      });
    },

    /** How many commands wait, and for how long the oldest has [s]. */
    async lag(): Promise<{ waiting: number; oldestSeconds: number }> {
      const [row] = await db
        .select({
          waiting: sql<number>`count(*)::int`,
          oldestSeconds: sql<number>`coalesce(extract(epoch from clock_timestamp() - min(${outbox.createdAt})), 0)::float8`,
        })
        .from(outbox);
      return row ?? { waiting: 0, oldestSeconds: 0 };
    },
  };
}
