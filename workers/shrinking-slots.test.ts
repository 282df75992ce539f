import { expect, it } from 'vitest';
import { createShrinkingSlots } from './shrinking-slots.ts';

const CONTEXT = {
  slotType: 'activity',
  taskQueue: 'cpu',
  workerIdentity: 'one',
  workerBuildId: '',
  isSticky: false,
} as const;

function start(count: number) {
  const slots = createShrinkingSlots(count);
  const reserve = (signal = new AbortController().signal) => slots.reserveSlot(CONTEXT, signal);
  const release = () => slots.releaseSlot({ permit: {} });
  return { slots, reserve, release };
}

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const waiting = Symbol();
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(waiting)])) !== waiting;
}

it('gives as many slots as there are, and the next one when one comes back', async () => {
  const { slots, reserve, release } = start(2);
  await reserve();
  await reserve();
  expect(slots.tryReserveSlot(CONTEXT)).toBeNull();
  const third = reserve();
  expect(await isSettled(third)).toBe(false);
  release();
  expect(await isSettled(third)).toBe(true);
});

it('has one slot less while one is held, and takes none away', async () => {
  const { slots, reserve, release } = start(2);
  await reserve();
  await reserve();
  const giveBack = slots.holdSlot();
  const third = reserve();
  release();
  expect(await isSettled(third)).toBe(false);
  giveBack();
  expect(await isSettled(third)).toBe(true);
  expect(slots.tryReserveSlot(CONTEXT)).toBeNull();
});

it('takes a slot back once, however often it is given', () => {
  const { slots } = start(1);
  const giveBack = slots.holdSlot();
  expect(slots.tryReserveSlot(CONTEXT)).toBeNull();
  giveBack();
  giveBack();
  expect(slots.tryReserveSlot(CONTEXT)).not.toBeNull();
  expect(slots.tryReserveSlot(CONTEXT)).toBeNull();
});

it('lets who no longer wants a slot go, and gives it to the next', async () => {
  const { reserve, release } = start(1);
  await reserve();
  const leaving = new AbortController();
  const gone = reserve(leaving.signal);
  const next = reserve();
  leaving.abort();
  await expect(gone).rejects.toMatchObject({ name: 'AbortError' });
  release();
  expect(await isSettled(next)).toBe(true);
});
