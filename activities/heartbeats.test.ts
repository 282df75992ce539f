import { MockActivityEnvironment } from '@temporalio/testing';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startHeartbeats, withHeartbeats } from './heartbeats.ts';

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

it('heartbeats as long as the activity works, and hands on what becomes of it', async () => {
  const environment = new MockActivityEnvironment();
  let heartbeats = 0;
  environment.on('heartbeat', () => heartbeats++);
  const work = withHeartbeats(async (answer: string) => {
    await vi.advanceTimersByTimeAsync(1300);
    if (!answer) throw new Error('no answer');
    return answer;
  });
  await expect(environment.run(work, 'done')).resolves.toBe('done');
  await expect(environment.run(work, '')).rejects.toThrow('no answer');
  const before = heartbeats;
  expect(before).toBeGreaterThanOrEqual(4);
  await vi.advanceTimersByTimeAsync(700);
  expect(heartbeats).toBe(before);
});
