import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import Table from 'cli-table3';
import { ArtifactPage, ENDED_PHASES, type Job, JobPage } from '../contracts/job.ts';
import { type Stack, startStack } from '../deploy/embedded/stack.ts';
import { call, request } from './api-client.ts';
import { type LearningCurve, runDemoCampaign } from './demo-campaign.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

const TIMEOUT_MS = 300_000;

/**
 * Starts everything in a temporary directory, waits for the sample job, keeps its result, runs a campaign on it with a
 * simulated oracle, and cleans up.
 */
export async function demo(options: { json?: boolean; out?: string }): Promise<ExitCode> {
  const say = (message: string) => process.stderr.write(`${message}\n`);
  const directory = await mkdtemp(join(tmpdir(), 'spectrolabe-demo-'));
  const result = options.out ? resolve(options.out) : `${directory}.h5`;
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      interrupt.abort(new Error(`ended by ${signal}`));
    });
  let stack: Stack | undefined;
  try {
    say('Starting …');
    stack = await startStack({ data: directory, port: 0, headless: true, say, signal: interrupt.signal });
    const job = await Promise.race([sampleJob(stack.url, interrupt.signal), stack.failed]);
    if (job.phase !== 'COMPLETED')
      throw new Error(`the job ended ${job.phase}: ${job.error?.message ?? job.status_detail ?? ''}`);
    const { artifacts } = await call(stack.url, ArtifactPage, 'GET', `/jobs/${job.job_id}/artifacts`);
    const made = artifacts.find(({ path }) => path === 'result.h5');
    if (!made) throw new Error('the job is COMPLETED but has no result.h5');
    await download(
      `${stack.url}/api/files/result.h5/download?parent_dir_path=${encodeURIComponent(job.dir_path)}`,
      result,
    );
    say(
      'Three iterations of active learning. The oracle is simulated: nobody looks at the spectra, the classes in their headers answer.',
    );
    const curve = await Promise.race([
      runDemoCampaign(stack.url, {
        poolPath: `${job.dir_path}/result.h5`,
        filesDirectory: join(stack.dataDirectory, 'files'),
        say,
        signal: interrupt.signal,
      }),
      stack.failed,
    ]);
    const rejected = job.progress?.rejected ?? 0;
    const summary = {
      spectra: (job.progress?.done ?? 0) - rejected,
      rejected,
      seconds: job.execution_duration ?? 0,
      result: { path: result, sha256: made.sha256 },
      campaign: { oracle: 'simulated', ...curve },
    };
    if (options.json) console.log(JSON.stringify(summary));
    else {
      const table = new Table({ style: { head: [], border: [] } });
      table.push(
        { spectra: summary.spectra },
        { rejected: summary.rejected },
        { seconds: summary.seconds.toFixed(2) },
        { result: summary.result.path },
        { sha256: summary.result.sha256 },
      );
      console.log(table.toString());
      console.log(tableOf(curve));
    }
    return EXIT.ok;
  } catch (error) {
    const why: unknown = interrupt.signal.aborted ? interrupt.signal.reason : error;
    say(`The demo failed: ${why instanceof Error ? why.message : String(why)}`);
    return EXIT.failed;
  } finally {
    interrupt.abort();
    await stack?.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The sample job, once it has ended. */
async function sampleJob(url: string, signal: AbortSignal): Promise<Job> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    const [job] = (await call(url, JobPage, 'GET', '/jobs?limit=1')).jobs;
    if (job && ENDED_PHASES.includes(job.phase)) return job;
    if (Date.now() > deadline) throw new Error(`the job did not end within ${TIMEOUT_MS / 1000} s`);
    await delay(200);
  }
}

function tableOf({ spectra, points }: LearningCurve): string {
  const table = new Table({
    head: ['labels', `right, of the ${spectra} spectra never labelled`],
    style: { head: [], border: [] },
  });
  for (const { labels, right } of points)
    table.push([labels, `${right} (${Math.round((100 * right) / spectra)} %)`]);
  return table.toString();
}

async function download(url: string, target: string): Promise<void> {
  const answer = await request(url, {});
  if (!answer.body) throw new Error(`${url} answered without a body`);
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(target));
}
