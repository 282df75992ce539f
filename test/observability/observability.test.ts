import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ArtifactPage, ENDED_PHASES, Job } from '../../contracts/job.ts';
import { freePort } from '../../deploy/embedded/port.ts';
import { RunningStack } from '../faults/running-stack.ts';
import { type Family, readPrometheusText } from './prometheus-text.ts';
import { startTraceCollector } from './trace-collector.ts';

// Everything runs with its numbers and its traces on: what is promised to operators, from outside.
const root = fileURLToPath(new URL('../../', import.meta.url));
const COPIES = 60;
const TRACE_ID = randomBytes(16).toString('hex');
const ROOT_SPAN_ID = randomBytes(8).toString('hex');
const PATIENCE_MS = 20_000;

let directory: string;
let stack: RunningStack;
let collector: Awaited<ReturnType<typeof startTraceCollector>>;
let jobId: string;
/** Addresses of `/metrics`. */
let scraped: Record<'api' | 'control' | 'cpu', string>;

async function submit(headers: Record<string, string> = {}): Promise<string> {
  const { job_id: id } = await stack.call(Job, 'POST', '/jobs', {
    type: 'DATA_PREPROCESSING',
    label: 'observed',
    config: {
      data_dir_path: '/survey',
      wave_start_point: 3900,
      wave_end_point: 8900,
      wave_point_count: 2000,
      reuse: 'never',
    },
  });
  const run = await fetch(`${stack.url}/api/jobs/${id}/process/RUN`, { method: 'POST', headers });
  expect(run.status).toBe(202);
  return id;
}

async function until(id: string, reached: (job: Job) => boolean): Promise<Job> {
  for (const deadline = Date.now() + 4 * PATIENCE_MS; ; await delay(20)) {
    const job = await stack.call(Job, 'GET', `/jobs/${id}`);
    if (reached(job)) return job;
    if (Date.now() > deadline) throw new Error(`the job is ${JSON.stringify(job)}`);
  }
}

/** SHA-256 of the result of a job, once it is completed. */
async function resultOf(id: string): Promise<string | undefined> {
  const job = await until(id, ({ phase }) => ENDED_PHASES.includes(phase));
  expect(job).toMatchObject({ phase: 'COMPLETED', progress: { rejected: 0 } });
  const { artifacts } = await stack.call(ArtifactPage, 'GET', `/jobs/${id}/artifacts`);
  return artifacts.find(({ path }) => path === 'result.h5')?.sha256;
}

async function scrape(part: keyof typeof scraped): Promise<string> {
  const answer = await fetch(scraped[part]);
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toContain('text/plain');
  return answer.text();
}

/** Sum of a family's samples that have these labels. */
function sum(family: Family | undefined, labels: Record<string, string>): number {
  const fitting = (family?.samples ?? []).filter((sample) =>
    Object.entries(labels).every(([name, value]) => sample.labels[name] === value),
  );
  return fitting.reduce((total, { value }) => total + value, 0);
}

/** Lines of a process's log that are JSON: all of them. */
function logOf(part: 'api' | 'control-worker' | 'cpu-worker'): Record<string, unknown>[] {
  const lines = readFileSync(join(directory, 'logs', `${part}.log`), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => z.record(z.string(), z.unknown()).parse(JSON.parse(line)));
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'spectrolabe observed '));
  for (let copy = 0; copy < COPIES; copy++) {
    const target = join(directory, 'files', 'SPECTRA', 'survey', String(copy).padStart(3, '0'));
    mkdirSync(target, { recursive: true });
    cpSync(join(root, 'samples', 'spectra'), target, { recursive: true });
  }
  collector = await startTraceCollector();
  stack = new RunningStack(directory);
  // The cpu worker takes the one above.
  const port = await freePort();
  await stack.start({
    LOG_LEVEL: 'debug',
    METRICS_ADDRESS: `127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    // Five seconds by default.
    OTEL_BSP_SCHEDULE_DELAY: '300',
  });
  scraped = {
    api: `${stack.url}/metrics`,
    control: `http://127.0.0.1:${port}/metrics`,
    cpu: `http://127.0.0.1:${port + 1}/metrics`,
  };
  jobId = await submit({ traceparent: `00-${TRACE_ID}-${ROOT_SPAN_ID}-01` });
  await resultOf(jobId);
});
afterAll(async () => {
  await stack.stop();
  collector.close();
  rmSync(directory, { recursive: true, force: true });
});

it('traces a job from the request through the workflow to its activities, in the trace of who asked', async () => {
  const expected = [
    ['spectrolabe-api', 'POST /api/jobs/{job_id}/process/{action}'],
    ['spectrolabe-api', 'StartWorkflow:preprocess'],
    ['spectrolabe-control', 'RunWorkflow:preprocess'],
    ['spectrolabe-control', 'StartActivity:preprocessShard'],
    ['spectrolabe-cpu', 'RunActivity:listJobShards'],
    ['spectrolabe-cpu', 'RunActivity:preprocessShard'],
    ['spectrolabe-cpu', 'RunActivity:writeResult'],
    ['spectrolabe-control', 'RunActivity:completeJob'],
  ];
  const spans = () => collector.spans.filter(({ traceId }) => traceId === TRACE_ID);
  const missing = () =>
    expected.filter(
      ([service, name]) => !spans().some((span) => span.service === service && span.name === name),
    );
  for (const deadline = Date.now() + PATIENCE_MS; missing().length > 0 && Date.now() < deadline;)
    await delay(100);
  expect(missing()).toEqual([]);
  expect(collector.refused).toEqual([]);
  // One tree, under the span of the request's sender.
  const known = new Set([ROOT_SPAN_ID, ...spans().map(({ spanId }) => spanId)]);
  for (const { name, parentSpanId } of spans()) expect(known, name).toContain(parentSpanId);
  expect(new Set(spans().map(({ spanId }) => spanId)).size).toBe(spans().length);
});

describe('numbers for Prometheus', () => {
  it('are valid, and say what was done', async () => {
    const [api, control, cpu] = await Promise.all(
      (['api', 'control', 'cpu'] as const).map(async (part) => readPrometheusText(await scrape(part))),
    );
    const { progress } = await stack.call(Job, 'GET', `/jobs/${jobId}`);
    expect(progress?.total).toBeGreaterThan(0);
    expect(sum(cpu?.get('spectrolabe_spectra_total'), { outcome: 'made' })).toBe(progress?.total);
    expect(sum(api?.get('spectrolabe_jobs'), { phase: 'COMPLETED' })).toBe(1);
    expect(sum(api?.get('spectrolabe_source_up'), {})).toBe(2);
    expect(sum(api?.get('spectrolabe_workers'), { queue: 'cpu' })).toBe(1);
    expect(sum(api?.get('spectrolabe_outbox_commands'), {})).toBe(0);
    expect(api?.get('spectrolabe_task_queue_backlog')?.samples).toHaveLength(6);
    expect(api?.get('spectrolabe_open_labellings')?.samples).toHaveLength(2);
    const requests = api?.get('spectrolabe_http_request_seconds')?.samples ?? [];
    const run = { method: 'POST', route: '/api/jobs/{job_id}/process/{action}', status: '202' };
    expect(requests).toContainEqual({
      name: 'spectrolabe_http_request_seconds_count',
      labels: run,
      value: 1,
    });
    const waits = cpu?.get('temporal_activity_schedule_to_start_latency_seconds');
    expect(waits?.samples.some(({ labels }) => labels['task_queue'] === 'cpu')).toBe(true);
    expect(control?.get('temporal_workflow_completed_total')?.type).toBe('counter');
    expect(sum(cpu?.get('process_resident_memory_bytes'), {})).toBeGreaterThan(1e7);
  });

  it('are read by the Python client of Prometheus, where it is', async ({ skip }) => {
    const program =
      'import sys; from prometheus_client.parser import text_string_to_metric_families as read; print(len(list(read(sys.stdin.read()))))';
    const python = process.env['PROMETHEUS_PYTHON'] ?? 'python3';
    for (const part of ['api', 'control', 'cpu'] as const) {
      const input = await scrape(part);
      const { status, stdout, stderr } = spawnSync(python, ['-c', program], { input, encoding: 'utf8' });
      if (status !== 0 && /No module named|not found/.test(stderr ?? 'not found'))
        return skip('there is no Python with prometheus_client');
      expect(stderr).toBe('');
      expect(Number(stdout)).toBe(readPrometheusText(input).size);
    }
  });

  it('are all that the dashboard and the alerts ask for', async () => {
    const texts = await Promise.all((['api', 'control', 'cpu'] as const).map(scrape));
    const known = new Set(['up']);
    for (const [name, { type }] of texts.flatMap((text) => [...readPrometheusText(text)])) {
      known.add(name);
      if (type === 'histogram') for (const suffix of ['_bucket', '_count', '_sum']) known.add(name + suffix);
    }
    // It exists from the first failure on, and none has been.
    known.add('temporal_activity_execution_failed_total');
    const files = ['dashboard.json', 'alerts.yml'].map((name) =>
      readFileSync(join(root, 'deploy', 'observability', name), 'utf8'),
    );
    const names = new Set(files.join('\n').match(/\b(spectrolabe|temporal|process|nodejs)_[a-z0-9_]+/g));
    expect(names.size).toBeGreaterThan(15);
    for (const name of names) expect(known, name).toContain(name);
  });
});

it('writes logs of JSON lines with the ids of request and trace, job, workflow and activity', () => {
  const request = logOf('api').find(({ path }) => path === `/api/jobs/${jobId}/process/RUN`);
  expect(request).toMatchObject({ msg: 'answered', level: 30, jobId, status: 202, traceId: TRACE_ID });
  expect(request?.['requestId']).toMatch(/^[0-9a-f-]{36}$/);
  for (const [part, activityType] of [
    ['cpu-worker', 'preprocessShard'],
    ['control-worker', 'completeJob'],
  ] as const) {
    const lines = logOf(part).filter((line) => line['activityType'] === activityType);
    expect(lines).not.toHaveLength(0);
    for (const line of lines) {
      expect(line).toMatchObject({ jobId, workflowId: jobId, attempt: 1 });
      expect(line['runId']).toMatch(/^[0-9a-f-]{36}$/);
      expect(line['activityId']).toMatch(/^\d+$/);
    }
  }
});

it('ends a worker within seconds of SIGTERM; what it had begun is done elsewhere, with the same result', async () => {
  const id = await submit();
  await until(id, ({ phase, progress }) => phase === 'PROCESSING' && (progress?.done ?? 0) > 0);
  expect(await stack.drain('cpu worker')).toBeLessThan(15_000);
  expect(await resultOf(id)).toBe(await resultOf(jobId));
  const ends = logOf('cpu-worker').map(({ msg }) => msg);
  expect(ends.indexOf('worker has ended')).toBeGreaterThan(ends.indexOf('SIGTERM: draining'));
  expect(ends).toContain('SIGTERM: draining');
});
