import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { ArtifactPage, ENDED_PHASES, Job } from '../../contracts/job.ts';
import { findVersitygw } from '../storage/s3-server.ts';
import { ComposeProcesses } from './compose-processes.ts';

// What docker-compose.yml would run in containers, run as processes: healthy by its own health checks, and nothing is lost
// while one of them is away.

/** With DOWN_SECONDS=30 each service is away for so long, during a job of its own; without, several at once for a moment. */
const DOWN_SECONDS = Number(process.env['DOWN_SECONDS'] || 2);
const AWAY = process.env['DOWN_SECONDS']
  ? [['api'], ['control'], ['cpu'], ['temporal'], ['postgres'], ['s3']]
  : [
      ['api', 'cpu', 's3'],
      ['control', 'temporal', 'postgres'],
    ];
/** Of the sample spectra: so many that no job ends before somebody is killed. */
const COPIES = 12;
const CONFIGURATION = {
  data_dir_path: '/SPECTRA',
  wave_start_point: 6519,
  wave_end_point: 6732,
  wave_point_count: 140,
  // Every run reads every file.
  reuse: 'never',
};

const versitygw = await findVersitygw();
if (versitygw === undefined)
  console.log('The services of docker-compose.yml are not tested: there is no versitygw.');

describe.skipIf(versitygw === undefined)('the services of docker-compose.yml', () => {
  let base: string;
  let compose: ComposeProcesses;
  /** Of the job that nothing disturbs. */
  let expected: string;

  /** Asks until somebody answers: a service may be away. */
  async function call<T>(schema: z.ZodType<T>, method: string, path: string, body?: unknown): Promise<T> {
    for (;;) {
      const answer = await fetch(`${compose.url}${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        signal: AbortSignal.timeout(20_000),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }).catch(() => undefined);
      if (answer?.ok) return schema.parse(await answer.json());
      if (answer && answer.status < 500)
        throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
      await delay(200);
    }
  }
  async function begin(): Promise<string> {
    const job = { type: 'DATA_PREPROCESSING', label: 'compose', config: CONFIGURATION };
    const { job_id: id } = await call(Job, 'POST', '/jobs', job);
    await call(Job, 'POST', `/jobs/${id}/process/RUN`);
    return id;
  }
  async function untilWorking(id: string): Promise<void> {
    for (;;) {
      const { phase, progress } = await call(Job, 'GET', `/jobs/${id}`);
      if (phase !== 'PENDING' && (progress?.done ?? 0) > 0) return;
      if (ENDED_PHASES.includes(phase)) throw new Error(`it ended too soon: ${phase}`);
      await delay(50);
    }
  }
  /** SHA-256 of the result. */
  async function untilDone(id: string): Promise<string | undefined> {
    for (;;) {
      const job = await call(Job, 'GET', `/jobs/${id}`);
      if (!ENDED_PHASES.includes(job.phase)) {
        await delay(200);
        continue;
      }
      expect([job.phase, job.error ?? '']).toEqual(['COMPLETED', '']);
      const { artifacts } = await call(ArtifactPage, 'GET', `/jobs/${id}/artifacts`);
      return artifacts.find(({ path }) => path === 'result.h5')?.sha256;
    }
  }

  beforeAll(async () => {
    base = mkdtempSync(join(tmpdir(), 'compose-'));
    compose = new ComposeProcesses(base, COPIES);
    await compose.up();
    expected = (await untilDone(await begin())) ?? '';
  });
  afterAll(async () => {
    await compose.down();
    rmSync(base, { recursive: true, force: true });
  });

  it('are healthy, and do a job', async () => {
    const states = await Promise.all(
      compose.lasting.map(async (name) => [name, await compose.isHealthy(name)]),
    );
    expect(states).toEqual(compose.lasting.map((name) => [name, true]));
    expect(compose.lasting.length).toBeGreaterThanOrEqual(6);
    expect(expected).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each(AWAY.map((names) => ({ names })))('$names may be away during a job', async ({ names }) => {
    const id = await begin();
    await untilWorking(id);
    await Promise.all(names.map((name) => compose.killFor(name, DOWN_SECONDS)));
    expect(await untilDone(id)).toBe(expected);
  });
});
