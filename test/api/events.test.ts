import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Job } from '../../contracts/job.ts';
import { appendEvent } from '../../db/repositories/events.ts';
import { call, startTestServer, type TestServer } from './test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

interface StreamedEvent {
  id: number;
  event: string;
  data: Record<string, unknown>;
}

function parse(text: string): StreamedEvent[] {
  return text
    .split('\n\n')
    .filter((block) => block.startsWith('id:'))
    .map((block) => {
      const fields = Object.fromEntries(
        block.split('\n').map((line) => {
          const cut = line.indexOf(': ');
          return [line.slice(0, cut), line.slice(cut + 2)] as const;
        }),
      );
      return {
        id: Number(fields['id']),
        event: fields['event'] ?? '',
        data: JSON.parse(fields['data'] ?? '') as Record<string, unknown>,
      };
    });
}

/** Reads a job's stream, or that of all jobs; `events` is what has come so far. */
async function open(
  jobId: string | undefined,
  { after, header }: { after?: number | 'newest'; header?: string } = {},
) {
  const closing = new AbortController();
  const query = after === undefined ? '' : `?last_event_id=${after}`;
  const path = jobId === undefined ? 'events' : `jobs/${jobId}/events`;
  const response = await fetch(`${server.url}/${path}${query}`, {
    signal: closing.signal,
    headers: header === undefined ? {} : { 'last-event-id': header },
  });
  let text = '';
  const ended = (async () => {
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true });
      return 'ended';
    } catch (error) {
      return error instanceof Error ? error.name : 'broken';
    }
  })();
  return {
    response,
    get events() {
      return parse(text.slice(0, text.lastIndexOf('\n\n') + 2));
    },
    ended,
    close: () => closing.abort(),
  };
}

async function pendingJob(): Promise<string> {
  const answer = await call('POST', `${server.url}/jobs`, { type: 'ACTIVE_ML', label: 'events' });
  return Job.parse(answer.body).job_id;
}
const log = (jobId: string, message: string) => server.jobs.appendLog(jobId, { level: 'info', message });

it('sends what was, then what comes, and goes on after the terminal phase', async () => {
  const jobId = await pendingJob();
  await log(jobId, 'line\nwith a break');
  const stream = await open(jobId);
  expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
  await expect.poll(() => stream.events.length).toBe(2);
  const asked = Date.now();
  await call('POST', `${server.url}/jobs/${jobId}/process/ABORT`);
  await expect.poll(() => stream.events.length, { interval: 10 }).toBe(3);
  // Woken by the notification, not by the poll.
  expect(Date.now() - asked).toBeLessThan(4000);
  expect(stream.events.map(({ id, event }) => [id, event])).toEqual([
    [1, 'phase'],
    [2, 'log'],
    [3, 'phase'],
  ]);
  expect(stream.events[1]?.data).toMatchObject({ level: 'info', message: 'line\nwith a break' });
  expect(stream.events[2]?.data).toMatchObject({ phase: 'ABORTED' });
  expect(await Promise.race([stream.ended, Promise.resolve('open')])).toBe('open');
  stream.close();
  expect(await stream.ended).toBe('AbortError');
});

it('resumes after Last-Event-ID, by header or by query, the header winning', async () => {
  const jobId = await pendingJob();
  for (let index = 2; index <= 10; index++) await log(jobId, `line ${index}`);
  for (const [options, first] of [
    [{ after: 7 }, 8],
    [{ header: '4' }, 5],
    [{ after: 2, header: '9' }, 10],
  ] as const) {
    const stream = await open(jobId, options);
    await expect.poll(() => stream.events.at(-1)?.id).toBe(10);
    expect(stream.events[0]?.id).toBe(first);
    stream.close();
  }
  expect((await call('GET', `${server.url}/jobs/${jobId}/events?last_event_id=x`)).status).toBe(422);
  const wrong = await call('GET', `${server.url}/jobs/${jobId}/events`, undefined, { 'last-event-id': '-1' });
  expect(wrong.status).toBe(422);
});

it('gives ids without gaps, in the order of the commits, under many writers', async () => {
  const jobId = await pendingJob();
  const stream = await open(jobId);
  await Promise.all(
    Array.from({ length: 10 }, async (_, writer) => {
      for (let index = 0; index < 20; index++) await log(jobId, `${writer}/${index}`);
    }),
  );
  await expect.poll(() => stream.events.length, { timeout: 10_000 }).toBe(201);
  expect(stream.events.map(({ id }) => id)).toEqual(Array.from({ length: 201 }, (_, index) => index + 1));
  const times = stream.events.map(({ data }) => String(data['at']));
  expect(times).toEqual([...times].sort());
  stream.close();
});

it('misses nothing when the listening connection is cut', async () => {
  const jobId = await pendingJob();
  const stream = await open(jobId);
  await expect.poll(() => stream.events.length).toBe(1);
  const cut = await server.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen %'`,
  );
  expect(cut.rowCount).toBeGreaterThan(0);
  await log(jobId, 'while nobody listens');
  await expect.poll(() => stream.events.length, { timeout: 10_000 }).toBe(2);
  // Listening again: fast once more.
  await expect
    .poll(
      async () => {
        const { rowCount } = await server.pool.query(
          `select 1 from pg_stat_activity where datname = current_database() and query ilike 'listen %'`,
        );
        return rowCount;
      },
      { timeout: 10_000 },
    )
    .toBe(1);
  await log(jobId, 'listening again');
  await expect.poll(() => stream.events.length, { timeout: 1000, interval: 10 }).toBe(3);
  stream.close();
});

it('costs no memory for a reader that does not read', async () => {
  const jobId = await pendingJob();
  // 40 MB of events: far more than the buffers of a connection.
  await server.pool.query(
    `insert into job_events (job_id, id, kind, data)
     select $1, n, 'log', jsonb_build_object('level', 'info', 'message', repeat('x', 20000))
     from generate_series(2, 2001) n`,
    [jobId],
  );
  await server.pool.query('update jobs set event_sequence = 2001 where id = $1', [jobId]);
  const readers: IncomingMessage[] = [];
  const before = process.memoryUsage().rss;
  for (let index = 0; index < 10; index++)
    readers.push(
      await new Promise<IncomingMessage>((resolve, reject) => {
        httpGet(`${server.url}/jobs/${jobId}/events`, resolve).on('error', reject);
      }),
    );
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const grownMegabytes = (process.memoryUsage().rss - before) / 2 ** 20;
  for (const reader of readers) reader.destroy();
  // All of it for each reader would be 400 MB; a page each is 4 MB, and as much again on its way.
  expect(grownMegabytes).toBeLessThan(250);
  const stream = await open(jobId);
  await expect.poll(() => stream.events.length, { timeout: 20_000 }).toBe(2001);
  stream.close();
});

it('cuts off a reader that takes nothing, and no other', async () => {
  await server.restart({ STALL_SECONDS: 1 });
  try {
    const jobId = await pendingJob();
    await server.pool.query(
      `insert into job_events (job_id, id, kind, data)
       select $1, n, 'log', jsonb_build_object('level', 'info', 'message', repeat('x', 100000))
       from generate_series(2, 201) n`,
      [jobId],
    );
    await server.pool.query('update jobs set event_sequence = 201 where id = $1', [jobId]);
    const reader = await new Promise<IncomingMessage>((resolve, reject) => {
      httpGet(`${server.url}/jobs/${jobId}/events`, resolve).on('error', reject);
    });
    const other = await open(jobId);
    await expect.poll(() => other.events.length, { timeout: 10_000 }).toBe(201);
    // Something moves for the other one.
    for (let index = 0; index < 9; index++) {
      await log(jobId, 'still told');
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    // 20 MB were to come; the buffers of the connection hold less.
    let bytes = 0;
    reader.on('data', (chunk: Buffer) => (bytes += chunk.length));
    await expect(once(reader, 'end')).rejects.toThrow('aborted');
    expect(bytes).toBeLessThan(19_000_000);
    await expect.poll(() => other.events.length).toBe(210);
    other.close();
  } finally {
    await server.restart();
  }
});

describe('of all jobs', () => {
  it('tells what happens from now on, with the job it happens to', async () => {
    const before = await pendingJob();
    const stream = await open(undefined);
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream');
    const [first, second] = [await pendingJob(), await pendingJob()];
    await log(before, 'one more');
    await expect.poll(() => stream.events.length).toBe(3);
    expect(stream.events.map(({ event, data }) => [event, data['job_id']])).toEqual([
      ['phase', first],
      ['phase', second],
      ['log', before],
    ]);
    stream.close();
  });

  it('resumes after Last-Event-ID without loss, wherever the reader was', async () => {
    const jobId = await pendingJob();
    const stream = await open(undefined);
    for (let index = 0; index < 250; index++) await log(jobId, `${index}`);
    await expect.poll(() => stream.events.length, { timeout: 10_000 }).toBe(250);
    const ids = stream.events.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
    stream.close();
    for (const seen of [0, 100, 248]) {
      const resumed = await open(undefined, { header: String(ids[seen]) });
      await expect.poll(() => resumed.events.at(-1)?.id).toBe(ids.at(-1));
      expect(resumed.events.map(({ id }) => id)).toEqual(ids.slice(seen + 1));
      resumed.close();
    }
    const all = await open(undefined, { after: 0 });
    await expect.poll(() => all.events.length).toBeGreaterThan(250);
    all.close();
    // As after a restore of an older database.
    const ahead = await open(undefined, { header: '9007199254740991' });
    await log(jobId, 'after the restore');
    await expect.poll(() => ahead.events.length).toBe(1);
    ahead.close();
    expect((await call('GET', `${server.url}/events?last_event_id=x`)).status).toBe(422);
  });

  it('waits for an event that is committed after a later one', async () => {
    const [slow, quick] = [await pendingJob(), await pendingJob()];
    const stream = await open(undefined);
    let commit: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (commit = resolve));
    let appended: () => void = () => undefined;
    const isAppended = new Promise<void>((resolve) => (appended = resolve));
    const slowly = server.db.transaction(async (tx) => {
      await appendEvent(tx, slow, { kind: 'log', data: { level: 'info', message: 'first' } });
      appended();
      await held;
    });
    await isAppended;
    await log(quick, 'second');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(stream.events).toEqual([]);
    commit();
    await slowly;
    await expect.poll(() => stream.events.map(({ data }) => data['message'])).toEqual(['first', 'second']);
    stream.close();
  });
});

it('ends when its job is deleted, and when the server stops', async () => {
  const deleted = await pendingJob();
  const first = await open(deleted);
  await expect.poll(() => first.events.length).toBe(1);
  await call('DELETE', `${server.url}/jobs/${deleted}`);
  expect(await first.ended).toBe('ended');
  const second = await open(await pendingJob());
  await expect.poll(() => second.events.length).toBe(1);
  const asked = Date.now();
  await server.restart();
  expect(await second.ended).toBe('ended');
  expect(Date.now() - asked).toBeLessThan(20_000);
});

it('begins with the events to come where it is asked to', async () => {
  const jobId = await pendingJob();
  await log(jobId, 'before');
  const stream = await open(jobId, { after: 'newest' });
  await log(jobId, 'after');
  await expect.poll(() => stream.events.map(({ data }) => data['message'])).toEqual(['after']);
  stream.close();
});
