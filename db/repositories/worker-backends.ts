import { sql } from 'drizzle-orm';
import type { WorkerTensorflow } from '../../contracts/system.ts';
import type { Database } from '../connection.ts';
import { workerBackends } from '../schema.ts';

/** A row that was not renewed for so long is that of a worker that is gone. */
const GONE_AFTER_HOURS = 24;

export type WorkerBackendsRepository = ReturnType<typeof createWorkerBackendsRepository>;

/** What a worker said of its TensorFlow, and when (by its own clock). */
export interface WorkerBackend {
  identity: string;
  tensorflow: WorkerTensorflow;
  updatedAt: Date;
}

/** Which TensorFlow each worker process has. */
export function createWorkerBackendsRepository(db: Database) {
  return {
    /** Records it, in place of what the process said before; rows of workers that are gone are deleted on the way. */
    async upsert(identity: string, tensorflow: WorkerTensorflow, updatedAt = new Date()): Promise<void> {
      const { state, backend = null, version = null, threads = null, note = null } = tensorflow;
      const values = { state, backend, version, threads, note, updatedAt };
      await db
        .insert(workerBackends)
        .values({ identity, ...values })
        .onConflictDoUpdate({ target: workerBackends.identity, set: values });
      await db
        .delete(workerBackends)
        .where(sql`${workerBackends.updatedAt} < now() - make_interval(hours => ${GONE_AFTER_HOURS})`);
    },

    async list(): Promise<WorkerBackend[]> {
      const rows = await db.select().from(workerBackends).orderBy(workerBackends.identity);
      return rows.map(({ identity, updatedAt, state, backend, version, threads, note }) => ({
        identity,
        updatedAt,
        tensorflow: {
          state,
          ...(backend === null ? {} : { backend }),
          ...(version === null ? {} : { version }),
          ...(threads === null ? {} : { threads }),
          ...(note === null ? {} : { note }),
        },
      }));
    },
  };
}
