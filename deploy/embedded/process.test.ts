import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive, processStartTime, startProcess } from './process.ts';

let directory: string;
let logFile: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'processes of a test '));
  logFile = join(directory, 'logs', 'child.log');
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

const start = (script: string) =>
  startProcess({
    name: 'child',
    command: process.execPath,
    args: ['-e', script],
    env: { PATH: process.env['PATH'] },
    logFile,
  });
const IDLE = 'setInterval(() => {}, 1000);';

async function untilLogged(text: string): Promise<void> {
  while (!readFileSync(logFile, 'utf8').includes(text))
    await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('a managed process', () => {
  it('tells how it ended, and logs what it said', async () => {
    const child = await start("console.log('out'); console.error('err'); process.exit(3)");
    expect(await child.exited).toEqual({ code: 3, signal: null });
    expect(child.hasExited()).toBe(true);
    expect(readFileSync(logFile, 'utf8')).toBe('out\nerr\n');
    expect(await child.stop([['SIGTERM', 1]])).toEqual({ code: 3, signal: null });
  });

  it('is asked first, and killed when it does not listen', async () => {
    const deaf = await start(`process.on('SIGTERM', () => console.log('asked')); console.log('up'); ${IDLE}`);
    await untilLogged('up');
    expect(await deaf.stop([['SIGTERM', 0.2]])).toEqual({ code: null, signal: 'SIGKILL' });
    expect(readFileSync(logFile, 'utf8')).toContain('asked');
    expect(await isAlive(deaf.identity)).toBe(false);
  });

  it('takes along what it started itself', async () => {
    const parent = await start(
      `console.log(require('node:child_process').spawn(process.execPath, ['-e', '${IDLE}']).pid); ${IDLE}`,
    );
    await untilLogged('\n');
    const grandchild = Number(readFileSync(logFile, 'utf8'));
    expect(await processStartTime(grandchild)).toBeDefined();
    await parent.stop([['SIGTERM', 5]]);
    await expect.poll(() => processStartTime(grandchild)).toBeUndefined();
  });

  it('says which program could not be started, and why', async () => {
    const absent = startProcess({ name: 'Temporal', command: '/no/such', args: [], env: {}, logFile });
    await expect(absent).rejects.toThrow(/Temporal could not be started: \/no\/such: .*ENOENT/);
  });

  it('keeps one older log file once the log has grown large', async () => {
    await (
      await start("console.log('first')")
    ).exited;
    truncateSync(logFile, 17 * 1024 * 1024);
    await (
      await start("console.log('second')")
    ).exited;
    expect(readFileSync(logFile, 'utf8')).toBe('second\n');
    expect(readFileSync(`${logFile}.1`).subarray(0, 5).toString()).toBe('first');
  });
});

describe('an identity', () => {
  it('is not alive under another start time', async () => {
    const startedAt = await processStartTime(process.pid);
    expect(await isAlive({ pid: process.pid, startedAt: startedAt ?? '' })).toBe(true);
    expect(await isAlive({ pid: process.pid, startedAt: `${startedAt}0` })).toBe(false);
  });

  it('is not alive where there is no such process', async () => {
    expect(await processStartTime(2 ** 22 + 1)).toBeUndefined();
  });
});
