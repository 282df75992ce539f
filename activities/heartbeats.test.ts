import { setTimeout as delay } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { startHeartbeats } from './heartbeats.ts';

it('heartbeats more than once a second, and no more once it is stopped', async () => {
  const environment = new MockActivityEnvironment();
  const heartbeats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => heartbeats.push(details));
  await environment.run(async () => {
    const stop = startHeartbeats(() => 'so far');
    await delay(1300);
    stop();
  });
  expect(heartbeats.length).toBeGreaterThanOrEqual(2);
  expect(heartbeats[0]).toBe('so far');
  const before = heartbeats.length;
  await delay(700);
  expect(heartbeats).toHaveLength(before);
});
