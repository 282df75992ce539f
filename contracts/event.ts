import { z } from 'zod';
import { JobEventKind } from './job.ts';
import { wholeNumber } from './parameter.ts';

const EventId = wholeNumber({ max: Number.MAX_SAFE_INTEGER });

export const EventStreamQuery = z.object({
  last_event_id: z
    .union([z.literal('newest'), EventId])
    .optional()
    .meta({ description: 'Only events after this one; newest: only those to come' }),
});
export const EventStreamHeaders = z.object({
  'Last-Event-ID': z
    .union([z.literal(''), EventId])
    .optional()
    .meta({
      description: 'As last_event_id, and wins over it: what a browser sends when it connects again',
    }),
});

function serverSentEvent(data: z.ZodType, name: string) {
  return z
    .object({
      id: z.string().optional(),
      event: JobEventKind,
      data: z.string().meta({
        override: { contentMediaType: 'application/json', contentSchema: z.toJSONSchema(data) },
      }),
    })
    .meta({ id: name, description: 'One event of the stream' });
}

const At = z.looseObject({ at: z.iso.datetime() });
/** What a stream is made of, as a reader of Server-Sent Events sees it. */
export const JobEvent = serverSentEvent(At, 'JobEvent');
export const AnyJobEvent = serverSentEvent(At.extend({ job_id: z.guid() }), 'AnyJobEvent');
