import { describe, expect, it } from 'vitest';
import {
  addSample,
  applyJobEvent,
  EMPTY_STREAM,
  type JobEvent,
  MAX_LOG_LINES,
  mergeLog,
  ratePerSecond,
  secondsLeft,
} from './job-stream.ts';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const after = (...events: JobEvent[]) =>
  events.reduce((stream, event, index) => applyJobEvent(stream, event, NOW + 1000 * index), EMPTY_STREAM);
const line = (id: number) => ({
  id,
  at: '2026-01-01T12:00:00.000Z',
  level: 'info' as const,
  message: `line ${id}`,
});

describe('applyJobEvent', () => {
  it('follows phase, progress and log', () => {
    const stream = after(
      { id: 1, kind: 'phase', data: { phase: 'PROCESSING' } },
      { id: 2, kind: 'progress', data: { done: 5, total: 10, unit: 'spectra', rejected: 1 } },
      { id: 3, kind: 'log', data: { level: 'warning', message: 'slow', at: '2026-01-01T11:00:00.000Z' } },
    );
    expect(stream).toMatchObject({
      lastId: 3,
      phase: 'PROCESSING',
      progress: { done: 5, total: 10, rejected: 1 },
      log: [{ id: 3, level: 'warning', message: 'slow', at: '2026-01-01T11:00:00.000Z' }],
      samples: [{ done: 5, at: NOW + 1000 }],
    });
  });
  it('takes an event that comes again after a reconnect once', () => {
    const event: JobEvent = { id: 7, kind: 'log', data: { message: 'once' } };
    const stream = after(event);
    expect(applyJobEvent(stream, event, NOW)).toBe(stream);
  });
  it('tells a pause, which leaves the phase as it is', () => {
    const data = { phase: 'PROCESSING', waiting_for: 'resume' };
    expect(after({ id: 4, kind: 'phase', data }, { id: 9, kind: 'phase', data }).phaseEventId).toBe(9);
  });
  it('takes the rate from when things happened, not from when a replay brings them', () => {
    const at = (seconds: number) => new Date(NOW + 1000 * seconds).toISOString();
    const stream = [0, 1, 2].reduce(
      (state, n) =>
        applyJobEvent(
          state,
          { id: n + 1, kind: 'progress', data: { done: 10 * n, total: 99, unit: 'spectra', at: at(n) } },
          NOW + 60_000,
        ),
      EMPTY_STREAM,
    );
    expect(ratePerSecond(stream.samples, { startedAt: undefined, done: 20, now: NOW + 60_000 })).toBe(10);
  });
  it('keeps the numbers of epochs, with the id that tells old from new', () => {
    const stream = after(
      { id: 5, kind: 'metric', data: { name: 'loss', step: 1, value: 0.7, at: '2026-01-01T12:00:00.000Z' } },
      { id: 6, kind: 'metric', data: { name: 'loss', step: 'two', value: 0.6 } },
      { id: 8, kind: 'metric', data: { name: 'loss', step: 2, value: 0.5 } },
    );
    expect(stream.metrics).toEqual([
      { id: 5, name: 'loss', step: 1, value: 0.7 },
      { id: 8, name: 'loss', step: 2, value: 0.5 },
    ]);
  });
  it('says that labels were given, and to which iteration numbers belong', () => {
    const stream = after(
      { id: 3, kind: 'labels', data: {} },
      { id: 5, kind: 'metric', data: { name: 'loss', step: 1, iteration: 2, value: 0.7 } },
    );
    expect(stream.labelsEventId).toBe(3);
    expect(stream.metrics).toEqual([{ id: 5, name: 'loss', step: 1, iteration: 2, value: 0.7 }]);
  });
  it('survives data that does not fit', () => {
    const stream = after(
      { id: 1, kind: 'progress', data: { done: 'many' } },
      { id: 2, kind: 'phase', data: null },
    );
    expect(stream).toMatchObject({ lastId: 2, progress: undefined, phase: undefined });
  });
});

describe('mergeLog', () => {
  it('orders by id and keeps each line once', () => {
    expect(mergeLog([line(1), line(3)], [line(2), line(3)]).map((one) => one.id)).toEqual([1, 2, 3]);
  });
  it('keeps the newest lines only', () => {
    const lines = mergeLog(
      [],
      Array.from({ length: MAX_LOG_LINES + 3 }, (_, index) => line(index)),
    );
    expect([lines.length, lines[0]?.id]).toEqual([MAX_LOG_LINES, 3]);
  });
});

describe('the rate', () => {
  const samples = [0, 2000, 4000].reduce(
    (list, at, index) => addSample(list, { at: NOW + at, done: 100 * index }),
    [] as ReturnType<typeof addSample>,
  );
  it('comes from the recent samples', () => {
    expect(ratePerSecond(samples, { startedAt: undefined, done: 200, now: NOW })).toBe(50);
  });
  it('comes from the start where there are too few', () => {
    const startedAt = new Date(NOW - 10_000).toISOString();
    expect(ratePerSecond([], { startedAt, done: 30, now: NOW })).toBe(3);
    expect(ratePerSecond([], { startedAt: undefined, done: 30, now: NOW })).toBeUndefined();
  });
  it('forgets old samples and starts over when the count falls back', () => {
    expect(addSample(samples, { at: NOW + 23_000, done: 300 })[0]?.at).toBe(NOW + 4000);
    expect(addSample(samples, { at: NOW + 5000, done: 1 })).toEqual([{ at: NOW + 5000, done: 1 }]);
  });
  it('gives the time left', () => {
    const progress = { done: 200, total: 1000, unit: 'spectra' };
    expect(secondsLeft(progress, 50)).toBe(16);
    expect(secondsLeft(progress, undefined)).toBeUndefined();
    expect(secondsLeft({ ...progress, done: 1000 }, 50)).toBeUndefined();
  });
});
