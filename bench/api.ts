import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import { z } from 'zod';
import { Job } from '../contracts/job.ts';
import { packageRoot } from '../storage/package-root.ts';
import { ApiUnderLoad, fill, openStreams, readSteadily, type Subjects } from './api-load.ts';
import { startStack } from './embedded-stack.ts';
import { type Latencies, latenciesOf } from './latencies.ts';
import { cpuSeconds } from './process-usage.ts';

// npm run bench:api: reads and event streams against the whole stack. See README.md.
const MAX_P99_MILLISECONDS = 150;
const MAX_PAGE_MILLISECONDS = 50;
const MAX_SPECTRUM_MILLISECONDS = 20;
/** What the promise of 150 ms is about. */
const PROMISED = ['GET /jobs', 'GET /jobs/{id}', 'GET /labellings', 'GET /labellings/{id}'];
const PAGE = 100;

const program: Command = new Command('npm run bench:api --')
  .description('Starts the whole stack, fills it with jobs and labellings, and reads from it under load.')
  .option('--jobs <n>', 'jobs', '5000')
  .option('--labelled-jobs <n>', 'jobs that have labellings', '20')
  .option('--labellings <n>', 'labellings of each of them', '5000')
  .option('--streams <n>', 'event streams that are open meanwhile', '200')
  .option('--rate <n>', 'reads a second', '300')
  .option('--seconds <n>', 'for so long', '60')
  .option('--json', 'the last line is the result as JSON; all else goes to standard error')
  .parse();
const wholeNumber = (name: string, min = 1) =>
  z.coerce.number().pipe(z.int({ error: `--${name} takes a whole number` }).min(min));
const Options = z.object({
  jobs: wholeNumber('jobs'),
  labelledJobs: wholeNumber('labelled-jobs'),
  labellings: wholeNumber('labellings'),
  streams: wholeNumber('streams', 0),
  rate: wholeNumber('rate'),
  seconds: wholeNumber('seconds'),
  json: z.boolean().default(false),
});
const parsed = Options.safeParse(program.opts());
if (!parsed.success) program.error(parsed.error.issues.map(({ message }) => message).join('\n'));
const options = parsed.data;
const say = (line: string): void => (options.json ? console.error(line) : console.log(line));

/** Times of calls one after the other, on an API that has nothing else to do. */
async function timed(api: ApiUnderLoad, paths: readonly string[]): Promise<Latencies> {
  const milliseconds: number[] = [];
  for (const path of paths) {
    const begun = performance.now();
    await api.call('GET', path);
    milliseconds.push(performance.now() - begun);
  }
  return latenciesOf(milliseconds, 0);
}

/** So that events go through the streams: jobs that are made and aborted, five a second. */
async function makeEvents(api: ApiUnderLoad, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    const made = await api.call('POST', '/api/jobs', { type: 'ACTIVE_ML', label: 'Made under load' });
    const job = Job.parse(JSON.parse(made));
    await api.call('POST', `/api/jobs/${job.job_id}/process/ABORT`);
    await sleep(200);
  }
}

function show(name: string, { requests, errors, p50, p99, max }: Latencies): void {
  const cells = [String(requests), String(errors), p50.toFixed(1), p99.toFixed(1), max.toFixed(1)];
  say(`${name.padEnd(28)}${cells.map((cell) => cell.padStart(9)).join('')}`);
}

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));
const work = await mkdtemp(join(tmpdir(), 'spectrolabe bench api '));
const stack = await startStack({
  data: join(work, 'data'),
  spectra: join(packageRoot(), 'samples', 'spectra'),
  signal: interrupted.signal,
});
const api = new ApiUnderLoad(stack.apiUrl);
try {
  say(`Filling: ${options.jobs} jobs, ${options.labelledJobs} × ${options.labellings} labellings …`);
  const subjects: Subjects = await fill(api, options);

  say(
    `${''.padEnd(28)}${['requests', 'errors', 'p50 ms', 'p99 ms', 'max ms'].map((name) => name.padStart(9)).join('')}`,
  );
  const spectrumPaths = subjects.spectra.map((name) => `/api/spectra/${encodeURIComponent(name)}`);
  const pagePaths = Array.from({ length: Math.ceil(options.jobs / PAGE) }, (_, page) => page * PAGE).map(
    (offset) => `/api/jobs?limit=${PAGE}&offset=${offset}`,
  );
  // The code is compiled, and the files are in memory, before anything counts.
  await timed(api, [...pagePaths.slice(0, 20), ...spectrumPaths]);
  const pages = await timed(api, pagePaths);
  show(`alone: a page of ${PAGE} jobs`, pages);
  const spectra = await timed(api, spectrumPaths);
  show('alone: a spectrum’s JSON', spectra);

  const streams = await openStreams(api, subjects.jobs, options.streams);
  const { API: apiPid } = await stack.pids();
  const cpuBefore = (await cpuSeconds(apiPid)) ?? NaN;
  const writing = new AbortController();
  const written = makeEvents(api, writing.signal);
  const begun = performance.now();
  const { byRead, errors } = await Promise.race([
    readSteadily(api, subjects, { ...options, signal: interrupted.signal }),
    stack.failed,
  ]);
  const seconds = (performance.now() - begun) / 1000;
  writing.abort();
  await written;
  const cpu = ((await cpuSeconds(apiPid)) ?? NaN) - cpuBefore;
  const { events, broken } = streams;
  await streams.close();
  for (const [name, latencies] of Object.entries(byRead)) show(name, latencies);
  say(
    `${options.streams} event streams: ${events} events, ${broken} broken; the API took ${(cpu / seconds).toFixed(2)} cores`,
  );

  const problems = [
    ...errors,
    ...(broken > 0 ? [`${broken} event streams broke`] : []),
    ...PROMISED.filter((name) => !((byRead[name]?.p99 ?? NaN) < MAX_P99_MILLISECONDS)).map(
      (name) => `${name}: p99 is ${byRead[name]?.p99} ms, not below ${MAX_P99_MILLISECONDS}`,
    ),
    ...(pages.p99 < MAX_PAGE_MILLISECONDS ? [] : [`a page of jobs took ${pages.p99} ms (p99)`]),
    ...(spectra.p50 < MAX_SPECTRUM_MILLISECONDS ? [] : [`a spectrum took ${spectra.p50} ms (median)`]),
  ];
  for (const problem of problems) say(`✗ ${problem}`);
  if (problems.length === 0) say('✓ all within what is promised');
  else process.exitCode = 1;
  if (options.json)
    console.log(
      JSON.stringify({
        ...options,
        pages,
        spectra,
        reads: byRead,
        events,
        broken,
        apiCores: cpu / seconds,
        problems,
      }),
    );
} finally {
  await api.close();
  await stack.stop();
  await rm(work, { recursive: true, force: true });
}
