import { expect, it } from 'vitest';
import { filesPerShard } from './list-job-shards.ts';

it.each([
  [140, 4096],
  [3700, 4096],
  [4096, 4096],
  [10_000, 1677],
  [100_000, 167],
])('a shard of rows of %i points has %i files: never more than 64 MiB', (points, files) => {
  expect(filesPerShard(points)).toBe(files);
  expect(files * points * 4).toBeLessThanOrEqual(64 * 1024 * 1024);
});
