import { expect, it } from 'vitest';
import type { JobStep } from '../../../contracts/job-steps.ts';
import { timelineRows, timeTicks } from './job-timeline.ts';

const NOW = Date.parse('2026-01-01T12:01:00Z');
const step = (values: Partial<JobStep>): JobStep => ({
  kind: 'activity',
  name: 'trainIteration',
  state: 'completed',
  attempt: 1,
  scheduled_at: '2026-01-01T12:00:00.000Z',
  ...values,
});

it('puts steps of a name in one row, and lets what runs reach to now', () => {
  const rows = timelineRows(
    [
      step({ started_at: '2026-01-01T12:00:05.000Z', ended_at: '2026-01-01T12:00:10.000Z' }),
      step({ name: 'pause', kind: 'signal', ended_at: '2026-01-01T12:00:00.000Z' }),
      step({ state: 'running', started_at: '2026-01-01T12:00:30.000Z' }),
      step({ name: 'openBatch', state: 'waiting', scheduled_at: '2026-01-01T12:02:00.000Z' }),
    ],
    NOW,
  );
  expect(rows.map(({ name, bars }) => [name, bars.length])).toEqual([
    ['trainIteration', 2],
    ['pause', 1],
    ['openBatch', 1],
  ]);
  expect(rows[0]?.bars.map(({ end }) => NOW - end)).toEqual([50_000, 0]);
  // A clock ahead of ours draws nothing backwards.
  expect(rows[2]?.bars[0]?.end).toBe(Date.parse('2026-01-01T12:02:00Z'));
});
it('has few, round ticks', () => {
  expect(timeTicks(47)).toEqual([0, 10, 20, 30, 40]);
  expect(timeTicks(0.4)).toEqual([0]);
  expect(timeTicks(40 * 86_400).length).toBeLessThanOrEqual(7);
});
