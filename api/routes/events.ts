import { Readable } from 'node:stream';
import type { Logger } from 'pino';
import { z } from 'zod';
import { problemsOf } from '../../contracts/error.ts';
import type { EventsRepository, JobEventRow } from '../../db/repositories/events.ts';
import type { JobsRepository } from '../../db/repositories/jobs.ts';
import { absent, invalid } from '../errors.ts';
import type { JobEventHub } from '../job-event-hub.ts';
import { defineRoute, type Route } from '../route.ts';

const PAGE = 200;
const HEARTBEAT_MS = 15_000;
/** Notifications wake a stream; the poll is the net below them. */
const POLL_MS = 5000;

const EventId = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

interface EventDependencies {
  jobs: JobsRepository;
  events: EventsRepository;
  hub: JobEventHub;
}

/** One event on the wire. `data` is a single line: JSON.stringify breaks none. */
function format({ id, kind, at, data }: JobEventRow): string {
  return `id: ${id}\nevent: ${kind}\ndata: ${JSON.stringify({ ...data, at: at.toISOString() })}\n\n`;
}

/**
 * A job's events after `afterId`, then those to come, with a heartbeat comment now and then. A page is read only
 * once the one before has been taken, so a slow reader costs one page of memory. Stays open after the job's end (a
 * browser would only connect again); ends when the job is deleted or `signal` aborts.
 */
async function* eventStream(
  { jobs, events, hub }: EventDependencies,
  jobId: string,
  afterId: number,
  signal: AbortSignal,
  log: Logger,
): AsyncGenerator<string> {
  const { wakeup, unsubscribe } = hub.subscribe(jobId);
  const wake = (): void => wakeup.wake();
  signal.addEventListener('abort', wake);
  let lastId = afterId;
  let writtenAt = Date.now();
  try {
    yield 'retry: 2000\n\n';
    while (!signal.aborted) {
      let page: JobEventRow[] = [];
      try {
        page = await events.list(jobId, { afterId: lastId, limit: PAGE });
        if (page.length === 0 && !(await jobs.find(jobId))) return;
      } catch (error) {
        // The database is away for a moment; a broken stream would make every browser ask at once.
        log.warn({ err: error, jobId }, 'events could not be read; the stream goes on');
      }
      const last = page.at(-1);
      if (last) {
        lastId = last.id;
        writtenAt = Date.now();
        yield page.map(format).join('');
      } else if (Date.now() - writtenAt >= HEARTBEAT_MS) {
        writtenAt = Date.now();
        yield ': still here\n\n';
      }
      if (page.length < PAGE && !signal.aborted) await wakeup.wait(POLL_MS);
    }
  } finally {
    signal.removeEventListener('abort', wake);
    unsubscribe();
  }
}

/** Server-Sent Events of a job (API.md section 3). */
export function eventRoutes(dependencies: EventDependencies): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/events',
      operationId: 'streamJobEvents',
      summary:
        'What happens to a job, as Server-Sent Events: phase, progress, log, metric, iteration, labels',
      tags: ['jobs'],
      params: z.object({ job_id: z.uuid() }),
      query: z.object({
        last_event_id: z
          .union([z.literal('newest'), EventId])
          .optional()
          .meta({
            description:
              'Only events after this one (newest: only those to come); the header Last-Event-ID, which wins, says the same',
          }),
      }),
      responses: {
        200: {
          mediaTypes: ['text/event-stream'],
          description:
            'Each event has an id that counts up, its kind, and JSON data: phase {phase, status_detail?, waiting_for?, ' +
            'started_at?, ended_at?, error?, at}, progress {done, total, unit, rejected?, at}, log {level, message, at}, ' +
            'labels {at}: labellings have changed, read them again',
        },
      },
      errors: [404],
      handler: async ({ params, query, request, log, signal }) => {
        const job = await dependencies.jobs.find(params.job_id);
        if (!job) throw absent(`job ${params.job_id}`);
        const header = request.get('last-event-id');
        let afterId = query.last_event_id === 'newest' ? job.eventSequence : (query.last_event_id ?? 0);
        if (header !== undefined && header !== '') {
          const parsed = EventId.safeParse(header);
          if (!parsed.success) throw invalid('Last-Event-ID is not an event id', problemsOf(parsed.error));
          afterId = parsed.data;
        }
        const ended = AbortSignal.any([signal, dependencies.hub.closing]);
        return {
          status: 200,
          content: Readable.from(eventStream(dependencies, job.id, afterId, ended, log)),
          headers: { 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' },
        };
      },
    }),
  ];
}
