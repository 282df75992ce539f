import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { Request } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { problemsOf } from '../../contracts/error.ts';
import { AnyJobEvent, EventStreamQuery, EventStreamHeaders, JobEvent } from '../../contracts/event.ts';
import type { EventsRepository, JobEventRow } from '../../db/repositories/events.ts';
import type { JobsRepository } from '../../db/repositories/jobs.ts';
import { AllJobsFeed } from '../all-jobs-feed.ts';
import { absent, invalid } from '../errors.ts';
import type { EventPage, JobEventHub, ReadPage } from '../job-event-hub.ts';
import { defineRoute, type Route } from '../route.ts';

const PAGE = 200;
const HEARTBEAT_MS = 15_000;
/** Notifications wake a stream; the poll is the net below them. */
const POLL_MS = 5000;
/** Until transactions under way have ended, which may hold events that come before those that are there. */
const SETTLING_MS = 50;

interface EventDependencies {
  jobs: JobsRepository;
  events: EventsRepository;
  hub: JobEventHub;
}

/** Events on the wire. `data` is a single line: JSON.stringify breaks none. */
function format(rows: readonly JobEventRow[], ofAllJobs: boolean): string {
  return rows
    .map(({ id, position, jobId, kind, at, data }) => {
      const told = { ...(ofAllJobs ? { job_id: jobId } : {}), ...data, at: at.toISOString() };
      return `id: ${ofAllJobs ? position : id}\nevent: ${kind}\ndata: ${JSON.stringify(told)}\n\n`;
    })
    .join('');
}

/**
 * Events after `start`, then those to come, with a heartbeat comment now and then. A page is read only once the one
 * before has been taken, so a slow reader costs one page of memory (one that takes nothing is cut off by the server's
 * timeout). Ends when there is nothing to be read any more or `signal` aborts.
 */
async function* eventStream({
  hub,
  jobId,
  read,
  start,
  signal: gone,
  log,
}: {
  hub: JobEventHub;
  /** Absent: of all jobs. */
  jobId?: string;
  read: ReadPage;
  start: number;
  signal: AbortSignal;
  log: Logger;
}): AsyncGenerator<string> {
  const signal = AbortSignal.any([gone, hub.closing]);
  const { wakeup, share, unsubscribe } = hub.subscribe(jobId);
  const wake = (): void => wakeup.wake();
  signal.addEventListener('abort', wake);
  let lastId = start;
  let writtenAt = Date.now();
  try {
    yield 'retry: 2000\n\n';
    while (!signal.aborted) {
      let page: EventPage | undefined = { text: '', lastId, more: 'no' };
      try {
        page = await share(lastId, read);
      } catch (error) {
        // The database is away for a moment; a broken stream would make every browser ask at once.
        log.warn({ err: error }, 'events could not be read; the stream goes on');
      }
      if (!page) return;
      lastId = page.lastId;
      if (page.text !== '') {
        writtenAt = Date.now();
        yield page.text;
      } else if (Date.now() - writtenAt >= HEARTBEAT_MS) {
        writtenAt = Date.now();
        yield ': still here\n\n';
      }
      if (page.more !== 'at once' && !signal.aborted)
        await wakeup.wait(page.more === 'soon' ? SETTLING_MS : POLL_MS);
    }
  } finally {
    signal.removeEventListener('abort', wake);
    unsubscribe();
  }
}

/** Where to begin: the header, which a browser sends when it connects again, or the query, or `otherwise`. */
function startOf(
  request: Request,
  query: z.infer<typeof EventStreamQuery>,
  { newest, otherwise }: { newest: number; otherwise: number },
): number {
  const header = EventStreamHeaders.safeParse({ 'Last-Event-ID': request.get('last-event-id') });
  if (!header.success) throw invalid('The header Last-Event-ID is not an event id', problemsOf(header.error));
  const { 'Last-Event-ID': given } = header.data;
  const asked = given === undefined || given === '' ? query.last_event_id : given;
  return asked === 'newest' ? newest : (asked ?? otherwise);
}

const STREAM_HEADERS = { 'Cache-Control': 'no-cache, no-transform', 'X-Accel-Buffering': 'no' };
const streamOf = (schema: z.ZodType, description: string) => ({
  mediaTypes: ['text/event-stream'] as const,
  description,
  schema,
});

/** Server-Sent Events of one job (API.md section 3), and of all. */
export function eventRoutes({ jobs, events, hub }: EventDependencies): Route[] {
  const feed = new AllJobsFeed(events);

  async function readJob(jobId: string, afterId: number): Promise<EventPage | undefined> {
    const rows = await events.list(jobId, { afterId, limit: PAGE });
    const last = rows.at(-1);
    if (!last) return (await jobs.find(jobId)) && { text: '', lastId: afterId, more: 'no' };
    return { text: format(rows, false), lastId: last.id, more: rows.length < PAGE ? 'no' : 'at once' };
  }

  async function readAll(after: number): Promise<EventPage> {
    const { position, complete } = await feed.advance();
    const rows = position > after ? await events.listAll({ after, upTo: position, limit: PAGE }) : [];
    if (rows.length === PAGE)
      return { text: format(rows, true), lastId: rows.at(-1)?.position ?? after, more: 'at once' };
    return {
      text: format(rows, true),
      lastId: Math.max(after, position),
      more: complete ? 'no' : 'soon',
    };
  }

  /** The newest settled position, once all events committed before the call are settled. */
  async function newestPosition(): Promise<number> {
    for (;;) {
      const { position, complete } = await feed.advance();
      if (complete) return position;
      await delay(SETTLING_MS);
    }
  }

  return [
    defineRoute({
      method: 'get',
      path: '/api/events',
      operationId: 'streamEvents',
      summary: 'What happens to all jobs, as Server-Sent Events',
      tags: ['jobs'],
      query: EventStreamQuery,
      headers: EventStreamHeaders,
      responses: {
        200: streamOf(
          AnyJobEvent,
          'As the events of a job, with its job_id in the data. Without Last-Event-ID the stream begins with the next event. ' +
            'Ids count up over all jobs, with gaps. The stream stays open',
        ),
      },
      handler: async ({ query, request, log, signal }) => {
        const newest = await newestPosition();
        // An id from before the database was restored may be larger than any that there is.
        const start = Math.min(startOf(request, query, { newest, otherwise: newest }), newest);
        return {
          status: 200,
          content: Readable.from(eventStream({ hub, read: readAll, start, signal, log })),
          headers: STREAM_HEADERS,
        };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/jobs/{job_id}/events',
      operationId: 'streamJobEvents',
      summary:
        'What happens to a job, as Server-Sent Events: phase, progress, log, metric, iteration, labels',
      tags: ['jobs'],
      params: z.object({ job_id: z.guid() }),
      query: EventStreamQuery,
      headers: EventStreamHeaders,
      responses: {
        200: streamOf(
          JobEvent,
          'Each event has an id that counts up, its kind, and JSON data: phase {phase, status_detail?, waiting_for?, ' +
            'started_at?, ended_at?, error?, at}, progress {done, total, unit, rejected?, at}, log {level, message, at}, ' +
            'metric {name, step, value, iteration?, at}, iteration {iteration, …, at}, labels {at}: labellings have changed, ' +
            'read them again. Begins with the first event, and stays open after the end of the job, until it is deleted',
        ),
      },
      errors: [404],
      handler: async ({ params: { job_id: jobId }, query, request, log, signal }) => {
        const job = await jobs.find(jobId);
        if (!job) throw absent(`job ${jobId}`);
        const start = startOf(request, query, { newest: job.eventSequence, otherwise: 0 });
        const read: ReadPage = (afterId) => readJob(jobId, afterId);
        return {
          status: 200,
          content: Readable.from(eventStream({ hub, jobId, read, start, signal, log })),
          headers: STREAM_HEADERS,
        };
      },
    }),
  ];
}
