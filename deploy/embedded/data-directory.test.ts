import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DataDirectoryInUse, takeDataDirectory } from './data-directory.ts';
import { isAlive, ownIdentity, processStartTime, type Ladder, type ProcessIdentity } from './process.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'data directory of a test '));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const GENTLE: Ladder = [['SIGTERM', 5]];
const LADDERS = {
  API: GENTLE,
  'control worker': GENTLE,
  'cpu worker': GENTLE,
  Temporal: GENTLE,
  PostgreSQL: GENTLE,
};

async function idleProcess(): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  return { pid, startedAt: (await processStartTime(pid)) ?? '' };
}

async function deadProcess(): Promise<ProcessIdentity> {
  const identity = await idleProcess();
  process.kill(identity.pid, 'SIGKILL');
  while (await isAlive(identity)) await new Promise((resolve) => setTimeout(resolve, 5));
  return identity;
}

describe('the lock of a data directory', () => {
  it('refuses a second start and names the first and its address', async () => {
    const first = await takeDataDirectory(root);
    first.announce('http://127.0.0.1:1234');
    const second = takeDataDirectory(root);
    await expect(second).rejects.toThrow(DataDirectoryInUse);
    await expect(second).rejects.toThrow(`process ${process.pid}, serving http://127.0.0.1:1234`);
  });

  it('is free again once released', async () => {
    (await takeDataDirectory(root)).release();
    const again = await takeDataDirectory(root);
    expect(existsSync(join(root, 'lock'))).toBe(true);
    again.release();
    expect(existsSync(join(root, 'lock'))).toBe(false);
  });

  it.each([
    ['of a dead process', async () => JSON.stringify(await deadProcess())],
    [
      'whose pid another process has now',
      async () => JSON.stringify({ ...(await ownIdentity()), startedAt: 'long ago' }),
    ],
    ['that is empty', async () => ''],
    ['that is not JSON', async () => '{"pid": 12'],
  ])('is taken over: one %s', async (_, content) => {
    writeFileSync(join(root, 'lock'), await content());
    await takeDataDirectory(root);
    expect(JSON.parse(readFileSync(join(root, 'lock'), 'utf8'))).toMatchObject(await ownIdentity());
    expect(readdirSync(root).filter((name) => name.startsWith('lock'))).toEqual(['lock']);
  });

  it('goes to one of many starts that meet a stale lock at once', async () => {
    writeFileSync(join(root, 'lock'), JSON.stringify(await deadProcess()));
    const starts = await Promise.allSettled(Array.from({ length: 8 }, () => takeDataDirectory(root)));
    expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});

describe('what a killed start left running', () => {
  it('is ended, and a stranger with a recorded pid is not', async () => {
    const orphan = await idleProcess();
    const stranger = await idleProcess();
    const killed = await takeDataDirectory(root);
    killed.record('Temporal', orphan);
    killed.record('API', { ...stranger, startedAt: 'long ago' });
    rmSync(join(root, 'lock'));

    const next = await takeDataDirectory(root);
    expect(await next.endOrphans(LADDERS)).toEqual(['Temporal']);
    expect(await isAlive(orphan)).toBe(false);
    expect(await isAlive(stranger)).toBe(true);
    process.kill(stranger.pid, 'SIGKILL');
  });

  it('is ended by force where it does not listen', async () => {
    const child = spawn(
      process.execPath,
      ['-e', "process.on('SIGTERM', () => {}); console.log('deaf'); setInterval(() => {}, 1000)"],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    );
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    const deaf = { pid, startedAt: (await processStartTime(pid)) ?? '' };
    const killed = await takeDataDirectory(root);
    killed.record('API', deaf);
    expect(await killed.endOrphans({ ...LADDERS, API: [['SIGTERM', 0.1]] })).toEqual(['API']);
    expect(await isAlive(deaf)).toBe(false);
  });
});
