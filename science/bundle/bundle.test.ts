import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LabellingValue } from '../../contracts/labelling.ts';
import { type BundleSource, writeBundle } from './bundle.ts';
import { labelHistoryCsv } from './label-history.ts';
import { tarHeader } from './tar.ts';

let directory: string;
let sources: BundleSource[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bundle '));
  await mkdir(join(directory, 'model', 'inner'), { recursive: true });
  await writeFile(join(directory, 'config.json'), '{"seed":1}');
  await writeFile(join(directory, 'model', 'weights.bin'), Buffer.alloc(3 << 20, 7));
  await writeFile(join(directory, 'model', 'inner', 'č.txt'), '');
  await writeFile(join(directory, 'model', 'Architecture.json'), 'x'.repeat(512));
  sources = [
    { name: 'config.json', path: join(directory, 'config.json'), description: 'as it was submitted' },
    { name: `${'long/'.repeat(20)}model`, path: join(directory, 'model') },
  ];
});
afterEach(() => rm(directory, { recursive: true }));

/** Linux: another text at every reading. */
const EVER_CHANGING = '/proc/sys/kernel/random/uuid';
const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
const about = {
  job_id: '6a1b',
  software: 'Spectrolabe',
  platform: 'linux x64',
  inputs: [{ role: 'pool', path: '/JOBS/x/result.h5', bytes: 12, sha256: 'ab' }],
};
const write = (name: string, of = sources) =>
  writeBundle(join(directory, name), { ...about, name: 'campaign', sources: of });

it('unpacks with tar, and sha256sum finds it whole', async () => {
  const manifest = await write('bundle.tar.gz');
  execFileSync('tar', ['-xzf', 'bundle.tar.gz'], { cwd: directory });
  const unpacked = join(directory, 'campaign');
  expect(execFileSync('sha256sum', ['-c', 'SHA256SUMS'], { cwd: unpacked, encoding: 'utf8' })).toBe(
    ['manifest.json', ...manifest.files.map(({ path }) => path)].map((path) => `${path}: OK\n`).join(''),
  );
  expect(JSON.parse(await readFile(join(unpacked, 'manifest.json'), 'utf8'))).toEqual(manifest);
  expect(manifest).toEqual({
    ...about,
    files: [
      { path: 'config.json', bytes: 10, sha256: sha256('{"seed":1}'), description: 'as it was submitted' },
      { path: `${'long/'.repeat(20)}model/Architecture.json`, bytes: 512, sha256: sha256('x'.repeat(512)) },
      { path: `${'long/'.repeat(20)}model/inner/č.txt`, bytes: 0, sha256: sha256('') },
      {
        path: `${'long/'.repeat(20)}model/weights.bin`,
        bytes: 3 << 20,
        sha256: sha256(Buffer.alloc(3 << 20, 7)),
      },
    ],
  });
  const weights = await readFile(join(unpacked, 'long/'.repeat(20), 'model', 'weights.bin'));
  expect(weights.equals(Buffer.alloc(3 << 20, 7))).toBe(true);
});

it('is the same for the same files, whenever these were written', async () => {
  await write('a.tar.gz');
  await utimes(join(directory, 'config.json'), 1e9, 1e9);
  await write('b.tar.gz');
  const [first, second] = [
    await readFile(join(directory, 'a.tar.gz')),
    await readFile(join(directory, 'b.tar.gz')),
  ];
  expect(second.equals(first)).toBe(true);
  expect(gunzipSync(first).length % 512).toBe(0);
});

it('refuses names that occur twice or are too long, and what is not there', async () => {
  const config = sources[0];
  if (!config) throw new Error('no source');
  await expect(write('a.tar.gz', [config, config])).rejects.toThrow('config.json is in the bundle twice');
  await expect(write('a.tar.gz', [{ ...config, name: 'manifest.json' }])).rejects.toThrow('twice');
  await expect(write('a.tar.gz', [{ ...config, path: '/nowhere' }])).rejects.toThrow('ENOENT');
  await expect(write('a.tar.gz', [{ name: 'null', path: '/dev/null' }])).rejects.toThrow('neither');
  const long = { ...config, name: 'x'.repeat(101) };
  await expect(write('a.tar.gz', [long])).rejects.toThrow('too long for tar');
  expect(() => tarHeader('x', 8 ** 11)).toThrow('too many for tar');
});

it.skipIf(!existsSync(EVER_CHANGING))('refuses a file that changes while it is packed', async () => {
  await expect(write('a.tar.gz', [{ name: 'uuid', path: EVER_CHANGING }])).rejects.toThrow(
    'uuid changed while it was packed',
  );
});

it('keeps every value that was given, in a table of labels', async () => {
  const value: LabellingValue = {
    labelling_id: 'id',
    spectrum_filename: 'a.fits',
    spectrum_set: 'ORACLE',
    sequence_iteration: 2,
    user_label: 'x, y',
    labelled_by: 'P',
    given_at: '2026-01-01T00:00:00Z',
    class_list_version: 1,
    settles: true,
  };
  const lines: string[] = [];
  for await (const line of labelHistoryCsv([value, { ...value, user_label: undefined, decision: 'skip' }]))
    lines.push(line);
  expect(lines).toEqual([
    'filename,label,decision,comment,labelled_by,given_at,set,iteration,class_list_version,settles,source,labelling_id\r\n',
    'a.fits,"x, y",,,P,2026-01-01T00:00:00Z,ORACLE,2,1,true,,id\r\n',
    'a.fits,,skip,,P,2026-01-01T00:00:00Z,ORACLE,2,1,true,,id\r\n',
  ]);
});
