import { z } from 'zod';

/** One activity of a job's run, or one signal that it was sent. */
export const JobStep = z
  .object({
    kind: z.enum(['activity', 'signal']),
    name: z.string().meta({ example: 'trainIteration' }),
    task_queue: z.string().optional(),
    state: z.enum(['waiting', 'running', 'completed', 'failed', 'timed_out', 'cancelled']).meta({
      description: 'waiting: no worker has taken it yet, or it was tried in vain and will be again',
    }),
    attempt: z.int().min(1),
    scheduled_at: z.iso.datetime(),
    started_at: z.iso.datetime().optional().meta({ description: 'Of the last attempt' }),
    ended_at: z.iso.datetime().optional(),
    failure: z.string().optional().meta({
      description: 'Why it failed, or why the attempt before this one did',
    }),
    worker: z.string().optional(),
  })
  .meta({ id: 'JobStep' });
export type JobStep = z.infer<typeof JobStep>;

export const JobStepPage = z
  .object({
    job_id: z.guid(),
    run_id: z
      .string()
      .optional()
      .meta({ description: 'Of the newest run in Temporal; absent where there is none' }),
    steps: z.array(JobStep),
    complete: z.boolean().meta({ description: 'false: there are older steps than these' }),
  })
  .meta({ id: 'JobStepPage', description: 'Oldest first' });
export type JobStepPage = z.infer<typeof JobStepPage>;
