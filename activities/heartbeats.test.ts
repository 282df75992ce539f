import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startHeartbeats } from './heartbeats.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('heartbeats more than once a second, and no more once it is stopped', async () => {
  const environment = new MockActivityEnvironment();
  const heartbeats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
  await environment.run(async () => {
    const stop = startHeartbeats(() => 'so far');
    await vi.advanceTimersByTimeAsync(1300);
    stop();
  });
  expect(heartbeats.length).toBeGreaterThanOrEqual(2);
  expect(heartbeats[0]).toBe('so far');
  const before = heartbeats.length;
  await vi.advanceTimersByTimeAsync(700);
  expect(heartbeats).toHaveLength(before);
});
