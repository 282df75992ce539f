import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findInstallation, install, isIntact, type Made } from './installation.ts';

let cache: string;
let directory: string;
let made: number;
beforeEach(async () => {
  cache = join(await mkdtemp(join(tmpdir(), 'cache of a test ')), 'not there yet');
  directory = join(cache, 'tfjs-node-1');
  made = 0;
});
afterEach(async () => {
  await rm(join(cache, '..'), { recursive: true, force: true });
});

async function make(scratch: string): Promise<Made> {
  made += 1;
  await writeFile(join(scratch, 'library.so'), 'machine code');
  await sleep(20);
  return { source: 'wheel', tensorflow: '2.15.1', files: ['library.so'] };
}
const said: string[] = [];
const begin = (fill = make) => install({ directory, say: (message) => said.push(message), make: fill });

describe('an installation', () => {
  it('is made once and found afterwards', async () => {
    expect(await findInstallation(directory)).toBeUndefined();
    const first = await begin();
    expect(first).toMatchObject({ directory, source: 'wheel', tensorflow: '2.15.1' });
    expect(await begin()).toEqual(first);
    expect(await findInstallation(directory)).toEqual(first);
    expect(made).toBe(1);
    expect(await readdir(cache)).toEqual(['tfjs-node-1']);
  });

  it('is made by one of several that come at once', async () => {
    const all = await Promise.all([begin(), begin(), begin()]);
    expect(new Set(all.map((each) => each.directory))).toEqual(new Set([directory]));
    expect(made).toBe(1);
    expect(said.join()).toContain(`Process ${process.pid} is setting it up already`);
    expect(await readdir(cache)).toEqual(['tfjs-node-1']);
  });

  it('is not taken half made', async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'library.so'), 'machine code');
    expect(await findInstallation(directory)).toBeUndefined();
    await writeFile(join(directory, 'installation.json'), '{"source": "whe');
    expect(await findInstallation(directory)).toBeUndefined();
    await begin();
    expect(made).toBe(1);
    await writeFile(join(directory, 'library.so'), 'machine');
    expect(await findInstallation(directory)).toBeUndefined();
    await rm(join(directory, 'library.so'));
    expect(await findInstallation(directory)).toBeUndefined();
  });

  it('tells by its hashes that a file was changed', async () => {
    const installation = await begin();
    expect(await isIntact(installation)).toBe(true);
    await writeFile(join(directory, 'library.so'), 'machine CODE');
    expect(await isIntact(installation)).toBe(false);
  });

  it('leaves nothing behind when it fails, and can be tried again', async () => {
    const failing = async (scratch: string): Promise<Made> => {
      await writeFile(join(scratch, 'library.so'), 'half');
      throw new Error('no compiler');
    };
    await expect(begin(failing)).rejects.toThrow('no compiler');
    expect(await readdir(cache)).toEqual([]);
    expect((await begin()).tensorflow).toBe('2.15.1');
  });

  it('takes over the lock and the leavings of a process that was killed', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await mkdir(join(directory, '..', 'tfjs-node-1.making-a1b2c3'), { recursive: true });
    await writeFile(`${directory}.lock`, JSON.stringify({ pid: dead, startedAt: 'boot:1' }));
    await Promise.all([begin(), begin()]);
    expect(made).toBe(1);
    expect(await readdir(cache)).toEqual(['tfjs-node-1']);
    expect(await readFile(join(directory, 'library.so'), 'utf8')).toBe('machine code');
  });
});
