import { expect, it } from 'vitest';
import { Wakeup } from './wakeup.ts';

const LONG_MS = 60_000;

it('returns when woken', async () => {
  const wakeup = new Wakeup();
  setTimeout(() => wakeup.wake(), 5);
  await wakeup.wait(LONG_MS);
  // The wake was used up: the next wait lasts its time.
  const begunAt = performance.now();
  await wakeup.wait(30);
  expect(performance.now() - begunAt).toBeGreaterThan(25);
});

it('does not lose a wake between two waits', async () => {
  const wakeup = new Wakeup();
  wakeup.wake();
  wakeup.wake();
  const begunAt = performance.now();
  await wakeup.wait(LONG_MS);
  expect(performance.now() - begunAt).toBeLessThan(1000);
});
