import { expect, it } from 'vitest';
import { jobSeconds } from './job-times.ts';

const now = Date.parse('2026-01-01T12:00:10Z');
it('takes what the server says, else counts from the start, never below zero', () => {
  expect(jobSeconds({ execution_duration: 3.5, started_at: '2026-01-01T12:00:00Z' }, now)).toBe(3.5);
  expect(jobSeconds({ started_at: '2026-01-01T12:00:00Z' }, now)).toBe(10);
  expect(jobSeconds({ started_at: '2026-01-01T12:00:00Z', ended_at: '2026-01-01T12:00:02Z' }, now)).toBe(2);
  expect(jobSeconds({ started_at: '2026-01-01T12:00:12Z' }, now)).toBe(0);
  expect(jobSeconds({}, now)).toBeUndefined();
});
