import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { downloadWheel, findCompiler, refuseOther } from './wheel.ts';

/** Of the five bytes `wheel`. */
const SHA256 = 'ba59926159d2aa256eb8739b8da7e2b574b960e1202c6d624cbe981cef996c91';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'wheels of a test '));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(directory, { recursive: true, force: true });
});

/** A python3 whose pip puts the same five bytes into every directory it is told. */
async function stubPython(): Promise<void> {
  const program = join(directory, 'python3');
  await writeFile(
    program,
    '#!/bin/sh\nwhile [ $# -gt 1 ]; do [ "$1" = --dest ] && printf wheel > "$2/a.whl"; shift; done\n',
  );
  await chmod(program, 0o755);
  vi.stubEnv('PATH', directory);
}
const pinned = (sha256: string) => ({ requirement: 'a==1', platform: 'manylinux1_x86_64', sha256 });

describe('a wheel', () => {
  it('is taken at the hash that is pinned', async () => {
    await stubPython();
    const path = await downloadWheel(pinned(SHA256), join(directory, 'in'));
    expect(path).toBe(join(directory, 'in', 'a.whl'));
  });

  it('is refused at any other', async () => {
    await stubPython();
    const other = SHA256.replace(/^./, '0');
    await expect(downloadWheel(pinned(other), join(directory, 'in'))).rejects.toThrow(
      `is not the file that was expected: sha256 ${SHA256}, not ${other}`,
    );
    await expect(refuseOther(join(directory, 'in', 'a.whl'), other)).rejects.toThrow(other);
  });
});

it('says that there is no compiler', async () => {
  vi.stubEnv('PATH', directory);
  vi.stubEnv('CXX', '');
  await expect(findCompiler()).rejects.toThrow('there is no C++ compiler');
});
