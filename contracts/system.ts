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
      queues: z
        .record(z.string(), Check)
        .meta({ description: 'Is a worker polling each task queue that jobs cannot do without' }),
    }),
  })
  .meta({ id: 'Ready' });
export type Ready = z.infer<typeof Ready>;

/** TensorFlow's backends (docs/tensorflow.md), best first. */
export const TensorflowBackend = z.enum(['tfjs-node-gpu', 'tfjs-node', 'javascript']);

/** Which TensorFlow a worker trains and scores with. */
export const WorkerTensorflow = z
  .object({
    state: z.enum(['setting up', 'ready', 'failed']).meta({
      description: 'failed: native TensorFlow could not be set up; the note says why',
    }),
    backend: TensorflowBackend.optional().meta({ description: 'Absent until it is known' }),
    version: z.string().optional().meta({ description: 'Of libtensorflow; of tfjs for javascript' }),
    threads: z.int().optional().meta({ description: 'Processor cores that it computes on' }),
    note: z.string().optional().meta({
      description: 'Why nothing better is used, and how slow it is; or what went wrong',
    }),
  })
  .meta({ id: 'WorkerTensorflow' });
export type WorkerTensorflow = z.infer<typeof WorkerTensorflow>;

export const WorkerInfo = z.object({
  identity: z.string(),
  task_queue: z.string(),
  host: z.string().optional(),
  pid: z.string().optional(),
  status: z.string().optional(),
  started_at: z.iso.datetime().optional(),
  heartbeat_at: z.iso.datetime().optional(),
  tensorflow: WorkerTensorflow.optional().meta({ description: 'Absent for workers that never train' }),
});
export type WorkerInfo = z.infer<typeof WorkerInfo>;
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

const Kept = z.object({ count: z.int(), bytes: z.int() });
/** What takes room, as the database knows it, and the disk that the file store is on. */
export const StorageUse = z
  .object({
    spectra: Kept.meta({ description: 'Of the archive, the catalogued files' }),
    results: Kept.meta({ description: 'Files that jobs have made' }),
    database_bytes: z.int(),
    disk: z.object({ total_bytes: z.int(), free_bytes: z.int() }).optional().meta({
      description: 'That the file store is on; free is what this server may still write. Absent on S3',
    }),
  })
  .meta({ id: 'StorageUse' });
export type StorageUse = z.infer<typeof StorageUse>;
