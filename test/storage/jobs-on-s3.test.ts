import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ArtifactPage, ENDED_PHASES, Job } from '../../contracts/job.ts';
import { createS3Store } from '../../storage/s3.ts';
import { RunningStack } from '../faults/running-stack.ts';
import { findS3Server, type TestBucket } from './s3-server.ts';

// Jobs whose parts, plans and checkpoints lie on S3, and the same on a disk.

const samples = fileURLToPath(new URL('../../samples/spectra', import.meta.url));
const PREFIX = 'of/jobs';
const PREPROCESSING = {
  data_dir_path: '/samples',
  wave_start_point: 6519,
  wave_end_point: 6732,
  wave_point_count: 32,
};
const startS3 = await findS3Server();

describe.skipIf(!startS3)('jobs on S3', () => {
  let bucket: TestBucket;
  let directory: string;
  let stack: RunningStack;

  async function run(type: string, config: object): Promise<Job> {
    const { job_id: id } = await stack.call(Job, 'POST', '/jobs', { type, label: 'S3', config });
    await stack.call(Job, 'POST', `/jobs/${id}/process/RUN`);
    for (;;) {
      const job = await stack.call(Job, 'GET', `/jobs/${id}`);
      if (ENDED_PHASES.includes(job.phase)) return job;
      await delay(100);
    }
  }
  async function resultOf({ job_id: id }: Job): Promise<string | undefined> {
    const { artifacts } = await stack.call(ArtifactPage, 'GET', `/jobs/${id}/artifacts`);
    return artifacts.find(({ path }) => path === 'result.h5')?.sha256;
  }
  async function keysBelow(key: string): Promise<string[]> {
    const keys = [];
    for await (const object of createS3Store({ ...bucket.location, prefix: PREFIX }).list(key))
      keys.push(object.key);
    return keys;
  }

  beforeAll(async () => {
    if (!startS3) throw new Error('skipped without a server');
    bucket = await startS3();
    const { location, credentials } = bucket;
    const environment = {
      ...credentials,
      OBJECTS_URL: `s3://${location.bucket}/${PREFIX}`,
      S3_ENDPOINT: location.endpoint,
    };
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    directory = mkdtempSync(join(tmpdir(), 'jobs on S3 '));
    const archive = join(directory, 'files', 'SPECTRA', 'samples');
    mkdirSync(archive, { recursive: true });
    cpSync(samples, archive, { recursive: true });
    const names = readdirSync(archive, { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.includes('.fits'),
    );
    const rows = names.map((name, i) => `${basename(name)},${i % 2 === 0 ? 'even' : 'odd'}`);
    writeFileSync(join(directory, 'files', 'labels.csv'), ['filename,label', ...rows, ''].join('\n'));
    stack = new RunningStack(directory);
    await stack.start();
  });
  afterAll(async () => {
    await stack.stop();
    vi.unstubAllEnvs();
    await bucket.close();
    rmSync(directory, { recursive: true, force: true });
  });

  it('gives the same bytes as on a disk, and keeps nothing there; a training keeps its checkpoints on S3', async () => {
    const onS3 = await run('DATA_PREPROCESSING', PREPROCESSING);
    expect(onS3.phase).toBe('COMPLETED');
    expect((await keysBelow('parts')).length).toBeGreaterThan(0);
    const training = await run('TRAINING', {
      training_data_path: `${onS3.dir_path}/result.h5`,
      labels_path: '/labels.csv',
      network: { layers: [{ kind: 'flatten' }, { kind: 'dense', units: 4 }] },
      fitting: { epochs: 3, batch_size: 16 },
    });
    expect(training.phase).toBe('COMPLETED');
    // Plans and checkpoints go with their job.
    await vi.waitFor(async () => expect(await keysBelow('work')).toEqual([]), 10_000);
    expect(readdirSync(join(directory, 'objects'))).toEqual([]);

    await stack.stop();
    vi.stubEnv('OBJECTS_URL', '');
    await stack.start();
    const onDisk = await run('DATA_PREPROCESSING', PREPROCESSING);
    expect(readdirSync(join(directory, 'objects'))).toContain('parts');
    expect(await resultOf(onDisk)).toBe(await resultOf(onS3));
    expect(await resultOf(onDisk)).toMatch(/^[0-9a-f]{64}$/);
  });
});
