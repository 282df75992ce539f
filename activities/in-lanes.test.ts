import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inLanes } from './in-lanes.ts';

it('works on every item once, so many at a time', async () => {
  const [done, underWay]: [number[], Set<number>] = [[], new Set()];
  let most = 0;
  await inLanes(3, [1, 2, 3, 4, 5, 6, 7], async (item) => {
    underWay.add(item);
    most = Math.max(most, underWay.size);
    await delay(5 * (item % 3));
    underWay.delete(item);
    done.push(item);
  });
  expect(done.toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(most).toBe(3);
});

it('fails with the first error, after what was under way has ended, and begins nothing more', async () => {
  const ended: number[] = [];
  const work = async (item: number): Promise<void> => {
    await delay(10 * item);
    ended.push(item);
    if (item < 3) throw new Error(`item ${item}`);
  };
  await expect(inLanes(3, [1, 2, 3, 4, 5], work)).rejects.toThrow('item 1');
  expect(ended).toEqual([1, 2, 3]);
});

it('has nothing to do without items', async () => {
  await inLanes(2, [], () => Promise.reject(new Error('there is none')));
});
