import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readEach } from './file-reader.ts';

const FILES = 100;
let root: string;
let paths: (string | undefined)[];
let contents: (string | undefined)[];

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'file reader '));
  paths = [];
  contents = [];
  for (let index = 0; index < FILES; index++) {
    paths.push(`spec-${index}.fits`);
    // Empty, as most are, larger than what is kept, larger than what is read in one go.
    const bytes = Buffer.alloc([0, 92_160, 30_000, 300_000, 1_500_000][index % 5] ?? 0, `file ${index} `);
    contents.push(digest(bytes));
    await writeFile(join(root, `spec-${index}.fits`), bytes);
  }
  paths[7] = undefined;
  contents[7] = undefined;
  await rm(join(root, 'spec-50.fits'));
  await rm(join(root, 'spec-60.fits'));
  await mkdir(join(root, 'spec-60.fits'));
  contents[50] = 'ENOENT';
  contents[60] = 'EISDIR';
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true });
});

async function readAll(): Promise<(string | undefined)[]> {
  const read = new Array<string | undefined>(FILES).fill(undefined);
  const order: number[] = [];
  await readEach({ directory: root }, paths, (index, file) => {
    order.push(index);
    if ('bytes' in file) read[index] = digest(file.bytes);
    else
      read[index] = file.error instanceof Error && 'code' in file.error ? String(file.error.code) : 'no code';
  });
  expect(order).toEqual(order.toSorted((a, b) => a - b));
  return read;
}

describe('reading files one after another', () => {
  it('gives each as it is, and of what cannot be read the reason', async () => {
    expect(await readAll()).toEqual(contents);
  });

  it('does so where the disk is slow, with the next ones read ahead, for several at the same time', async () => {
    let milliseconds = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => milliseconds++);
    for (let round = 0; round < 3; round++)
      expect(await Promise.all([readAll(), readAll()])).toEqual([contents, contents]);
  });
});
