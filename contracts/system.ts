import { z } from 'zod';

export const Health = z.object({ status: z.literal('ok'), version: z.string() }).meta({ id: 'Health' });

const Check = z.object({ ok: z.boolean(), detail: z.string().optional() });
export const Ready = z
  .object({
    ready: z.boolean(),
    checks: z.object({
      database: Check,
      temporal: Check,
      storage: Check,
      queues: z.record(z.string(), Check).meta({ description: 'Is a worker polling each task queue' }),
    }),
  })
  .meta({ id: 'Ready' });
export type Ready = z.infer<typeof Ready>;

export const WorkerInfo = z.object({
  identity: z.string(),
  task_queue: z.string(),
  host: z.string().optional(),
  pid: z.string().optional(),
  status: z.string().optional(),
  started_at: z.iso.datetime().optional(),
  heartbeat_at: z.iso.datetime().optional(),
});
export const WorkerPage = z.object({ workers: z.array(WorkerInfo) }).meta({ id: 'WorkerPage' });

/** Where the dashboard finds Temporal's own web UI, and what this server is. */
export const SystemInfo = z
  .object({
    version: z.string(),
    temporal_ui_url: z.string().optional(),
    namespace: z.string(),
    spectra_read_only: z.boolean(),
  })
  .meta({ id: 'SystemInfo' });
export type SystemInfo = z.infer<typeof SystemInfo>;
