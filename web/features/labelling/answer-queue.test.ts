import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Labelling, PatchLabelling } from '../../../contracts/labelling.ts';
import { ApiFailure } from '../../api-client/http.ts';
import { createAnswerQueue, type QueueEvent } from './answer-queue.ts';
import { withPatch } from './answers.ts';
import { KEPT_ANSWER, keptAnswers } from './kept-answers.ts';

/** What a browser keeps. */
function makeStorage() {
  const entries = new Map<string, string>();
  return {
    getItem: (key: string) => entries.get(key) ?? null,
    setItem: (key: string, value: string) => void entries.set(key, value),
    removeItem: (key: string) => void entries.delete(key),
    key: (index: number) => [...entries.keys()][index] ?? null,
    get length() {
      return entries.size;
    },
  };
}

/** A server with labellings a and b, which refuses as ours does. */
function makeServer() {
  const rows = new Map<string, Labelling>(
    ['a', 'b'].map((id) => [
      id,
      {
        labelling_id: id,
        job_id: 'job',
        spectrum_filename: `${id}.fits`,
        spectrum_set: 'ORACLE',
        sequence_iteration: 0,
      },
    ]),
  );
  const failure = (status: number, code: string) => new ApiFailure({ status, code, detail: code });
  const requests: [string, PatchLabelling][] = [];
  const server = {
    rows,
    requests,
    isAway: false,
    refuses: false,
    /** It took the answer, but what it says does not arrive. */
    losesAnswers: false,
    async patch(id: string, patch: PatchLabelling) {
      if (server.isAway) throw failure(0, 'unreachable');
      requests.push([id, patch]);
      if (server.refuses) throw failure(422, 'invalid');
      const row = server.row(id);
      const after = withPatch(row, patch);
      const { expected = {} } = patch;
      const fields = ['user_label', 'decision', 'user_comment'] as const;
      if (
        fields.some((field) => after[field] !== row[field]) &&
        fields.some((field) => expected[field] !== undefined && expected[field] !== (row[field] ?? null))
      )
        throw failure(409, 'answered_meanwhile');
      rows.set(id, after);
      if (server.losesAnswers) throw failure(0, 'unreachable');
      return after;
    },
    row(id: string) {
      const row = rows.get(id);
      if (!row) throw failure(404, 'absent');
      return row;
    },
  };
  return server;
}

const answer = (labellingId: string, patch: PatchLabelling) => ({
  jobId: 'job',
  labellingId,
  filename: `${labellingId}.fits`,
  patch,
});
const OPEN = { user_label: null, decision: null };
const label = (labellingId: string, user_label: string, expected: PatchLabelling['expected'] = OPEN) =>
  answer(labellingId, { user_label, labelled_by: 'Ada', expected });

describe('the queue of answers', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const start = (server = makeServer(), storage = makeStorage()) => {
    const queue = createAnswerQueue({
      storage,
      patch: (id, patch) => server.patch(id, patch),
      read: (id) => Promise.resolve(server.row(id)),
      retryMs: 1000,
    });
    const events: QueueEvent[] = [];
    queue.subscribe((event) => {
      if (event) events.push(event);
    });
    return { queue, server, storage, events };
  };
  const settle = () => vi.advanceTimersByTimeAsync(0);

  it('saves at once, in order, and then keeps nothing', async () => {
    const { queue, server, storage, events } = start();
    queue.give(label('a', 'hot'));
    queue.give(label('b', 'cool'));
    expect(keptAnswers(storage)).toHaveLength(2);
    await settle();
    expect(server.requests.map(([id]) => id)).toEqual(['a', 'b']);
    expect(events.map(({ kind }) => kind)).toEqual(['saved', 'saved']);
    expect([queue.state().unsaved.size, keptAnswers(storage)]).toEqual([0, []]);
  });

  it('goes on when the server is back, and through a reload of the page', async () => {
    const first = start();
    first.server.isAway = true;
    first.queue.give(label('a', 'hot'));
    await settle();
    expect(first.queue.state()).toMatchObject({ isRetrying: true });
    await vi.advanceTimersByTimeAsync(5000);
    expect(first.server.row('a')).not.toHaveProperty('user_label');

    const second = start(first.server, first.storage);
    first.server.isAway = false;
    second.queue.resume();
    await settle();
    expect(first.server.row('a')).toMatchObject({ user_label: 'hot', labelled_by: 'Ada' });
    expect(keptAnswers(second.storage)).toEqual([]);
    // The earlier page, were it still there, finds that another has saved it.
    await vi.advanceTimersByTimeAsync(2000);
    expect(first.server.requests).toHaveLength(1);
    expect(first.queue.state().unsaved.size).toBe(0);
  });

  it('sends the newest of several answers, with what was there before the first', async () => {
    const { queue, server } = start();
    server.isAway = true;
    queue.give(label('a', 'hot'));
    await settle();
    queue.give(answer('a', { decision: 'skip', labelled_by: 'Ada', expected: { user_label: 'hot' } }));
    queue.give(answer('a', { user_comment: 'noisy', labelled_by: 'Ada', expected: { user_comment: null } }));
    server.isAway = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.requests).toEqual([
      [
        'a',
        {
          decision: 'skip',
          user_comment: 'noisy',
          labelled_by: 'Ada',
          expected: { user_label: null, decision: null, user_comment: null },
        },
      ],
    ]);
  });

  it('puts an answer on top of one that is being saved', async () => {
    const { queue, server } = start();
    queue.give(label('a', 'hot'));
    queue.give(label('a', 'cool', { user_label: 'hot', decision: null }));
    await settle();
    expect(server.row('a').user_label).toBe('cool');
    expect(queue.state().conflicts.size).toBe(0);
  });

  it('takes its own answer, whose confirmation was lost, for its own', async () => {
    const { queue, server } = start();
    server.losesAnswers = true;
    queue.give(label('a', 'hot'));
    await settle();
    queue.give(label('a', 'cool', { user_label: 'hot', decision: null }));
    server.losesAnswers = false;
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.row('a').user_label).toBe('cool');
    expect(queue.state().conflicts.size).toBe(0);
  });

  it('leaves an answer of somebody else alone, until the person decides', async () => {
    const { queue, server, storage, events } = start();
    const theirs = { ...server.row('a'), user_label: 'cool', labelled_by: 'Eva' };
    server.rows.set('a', theirs);
    queue.give(label('a', 'hot'));
    await settle();
    expect(queue.state().conflicts.get('a')).toMatchObject({
      theirs,
      mine: { patch: { user_label: 'hot' } },
    });
    expect(server.row('a')).toEqual(theirs);
    expect(keptAnswers(storage)).toHaveLength(1);
    queue.settle('a', 'mine');
    await settle();
    expect(server.row('a')).toMatchObject({ user_label: 'hot', labelled_by: 'Ada' });

    server.rows.set('b', { ...theirs, labelling_id: 'b' });
    queue.give(label('b', 'hot'));
    await settle();
    queue.settle('b', 'theirs');
    await settle();
    expect(server.row('b')).toMatchObject({ user_label: 'cool', labelled_by: 'Eva' });
    expect(keptAnswers(storage)).toEqual([]);
    expect(events.at(-1)).toMatchObject({ kind: 'saved', labelling: { user_label: 'cool' } });
  });

  it('gives up what the server refuses for good, and says so', async () => {
    const { queue, server, storage, events } = start();
    server.refuses = true;
    queue.give(label('a', 'none of the classes'));
    await settle();
    expect(events).toMatchObject([{ kind: 'refused', answer: { labellingId: 'a' } }]);
    expect([queue.state().unsaved.size, keptAnswers(storage)]).toEqual([0, []]);
  });

  it('saves what the browser has no room for, and says that it is not kept', async () => {
    const storage = makeStorage();
    const { queue, server, events } = start(makeServer(), {
      ...storage,
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
    });
    queue.give(label('a', 'hot'));
    await settle();
    expect(events.map(({ kind }) => kind)).toEqual(['not-kept', 'saved']);
    expect(server.row('a').user_label).toBe('hot');
  });

  it('forgets what it cannot read back', () => {
    const { queue, storage } = start();
    storage.setItem(`${KEPT_ANSWER}a`, '{"jobId":');
    storage.setItem(`${KEPT_ANSWER}b`, '{"jobId":"job"}');
    storage.setItem('spectrolabe.theme', 'dark');
    queue.resume();
    expect(storage.length).toBe(1);
    expect(queue.state().unsaved.size).toBe(0);
  });
});
