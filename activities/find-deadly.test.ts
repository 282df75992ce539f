import { expect, it } from 'vitest';
import { findDeadly } from './find-deadly.ts';

it.each([[[]], [[0]], [[6]], [[2, 3, 6]]])('finds %j among seven', async (deadly) => {
  const probe = (from: number, to: number) =>
    deadly.some((index) => index >= from && index < to)
      ? Promise.reject(new Error('died'))
      : Promise.resolve();
  const found = await findDeadly(7, probe);
  expect([...found.keys()]).toEqual(deadly);
  for (const reason of found.values()) expect(reason).toBe('reading it ended the reader: died');
});

it('looks at nothing where there is nothing', async () => {
  expect(await findDeadly(0, () => Promise.reject(new Error('called')))).toEqual(new Map());
});
