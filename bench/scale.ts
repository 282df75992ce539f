import { link, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import Table from 'cli-table3';
import { Command } from 'commander';
import { z } from 'zod';
import { call } from '../cli/api-client.ts';
import { SystemInfo, WorkerPage } from '../contracts/system.ts';
import { TASK_QUEUES } from '../contracts/task-queues.ts';
import { cacheDirectory } from '../deploy/embedded/cache.ts';
import { packageRoot } from '../storage/package-root.ts';
import { bindToProcessors } from './bind-processors.ts';
import { type RunningStack, startStack } from './embedded-stack.ts';
import { GRIDS } from './grids.ts';
import { Workers } from './limited-workers.ts';
import { fetchHistories, recordOf } from './orchestration.ts';
import { cpuSeconds } from './process-usage.ts';
import { deleteJob, runJob, scanEnded } from './run-job.ts';
import { plotScale } from './scale-plot.ts';
import { ScaleReport } from './scale-report.ts';
import { makeSurvey } from './survey.ts';
import { commit, writeWhole } from './written.ts';

// npm run bench:scale: one preprocessing job on 1, 2, 4, 8 cpu workers, each with a fraction of a processor. See README.md.
const RESULTS = join(packageRoot(), 'bench', 'results');
const PLOT = join(packageRoot(), 'docs', 'pictures', 'bench-scale.svg');
const SAMPLES = join(packageRoot(), 'samples', 'spectra');
/** So many spectra are made; more are further names of them. */
const MADE = 10_000;
const WORKERS_MS = 60_000;
/** Untimed jobs where workers are new. */
const WARM_UPS = 6;
/** So many workers do at least so many times the work of 1: each with a part of a processor, or with one and more. */
const LEAST = {
  part: { workers: 4, speedUp: 3 },
  whole: { workers: 2, speedUp: 1 / 0.6 },
} as const;

const program: Command = new Command('npm run bench:scale --')
  .description(
    'Measures one preprocessing job on several cpu workers of one thread, each with the same fraction of a processor (a\n' +
      'control group of Linux, which takes root), while API, Temporal and PostgreSQL have what is left.',
  )
  .option(
    '--workers <list>',
    'numbers of cpu workers; the fewest are what the others are compared with',
    '1,2,4,8',
  )
  .option(
    '--cores <x>',
    'processors of each worker; "all": nothing limits it but its one thread; "installation": all processes together,\n' +
      'services included, have as many as there are workers',
    '0.2',
  )
  .option('--spectra <n>', 'of the job, in tens of thousands', '400000')
  .option('--points <n>', '140 or 3700', '140')
  .option(
    '--repeat <n>',
    'rounds, in each of which each number of workers does one timed job; the medians are told',
    '1',
  )
  .option('--no-plot', 'leave docs/pictures/bench-scale.svg as it is')
  .option('--json', 'the last line is the result as JSON; all else goes to standard error')
  .addHelpText(
    'after',
    '\nWrites bench/results/scale-DATE-NCPU.json (scale-threads-… with --cores 1 and more, or all;\n' +
      'scale-installation-…). Ends with 1 where 4 workers do less than 3 times the work of 1, or where with --cores 1 and\n' +
      'more, all or installation 2 take more than 0.6 of the time of 1.',
  )
  .parse();

const Options = z.object({
  workers: z
    .string()
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.int().min(1).max(64)).min(1))
    .transform((counts) => counts.toSorted((a, b) => a - b)),
  cores: z.literal(['all', 'installation']).or(z.coerce.number().min(0.02).max(64)),
  spectra: z.coerce.number().pipe(z.int().multipleOf(MADE).min(MADE)),
  points: z.coerce.number().refine((points) => GRIDS.some((grid) => grid.points === points)),
  repeat: z.coerce.number().pipe(z.int().min(1)),
  plot: z.boolean(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof Options>;

const parsed = Options.safeParse(program.opts());
if (!parsed.success) program.error(z.prettifyError(parsed.error));
else {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));
  try {
    const report = await run(parsed.data, interrupt.signal);
    await tell(report, parsed.data);
  } catch (error) {
    const reason: unknown = interrupt.signal.aborted ? interrupt.signal.reason : error;
    say(
      reason instanceof Error
        ? `${reason.message}${reason.cause instanceof Error ? `: ${reason.cause.message}` : ''}`
        : String(reason),
    );
    process.exitCode = 1;
  }
}

async function run(options: Options, signal: AbortSignal): Promise<ScaleReport> {
  const cache = join(cacheDirectory(), 'bench');
  const survey = join(cache, `survey-${MADE}-seed-0`);
  await makeSurvey({
    source: SAMPLES,
    directory: survey,
    count: MADE,
    seed: 0,
    onProgress: () => undefined,
    signal,
  });
  const work = await mkdtemp(join(cache, 'run-'));
  // The embedded stack's own worker is the first one: it reads one spectrum at a time, as those beside it do.
  process.env['CPU_THREADS'] = '1';
  const workers = new Workers(join(work, 'data'), coresPerWorker(options));
  let stack: RunningStack | undefined;
  try {
    const archive = join(work, 'archive');
    await linkTimes(survey, archive, options.spectra / MADE);
    say(`${options.spectra} spectra; starting, and scanning the archive …`);
    stack = await startStack({ data: join(work, 'data'), spectra: archive, signal });
    return await Promise.race([measure(stack, workers, options, signal), stack.failed]);
  } finally {
    await workers.stop();
    await stack?.stop();
    await workers.removeLimits();
    await rm(work, { recursive: true, force: true });
  }
}

function coresPerWorker({ cores }: Options): number | undefined {
  return typeof cores === 'number' ? cores : undefined;
}

async function measure(
  stack: RunningStack,
  workers: Workers,
  options: Options,
  signal: AbortSignal,
): Promise<ScaleReport> {
  const grid = GRIDS.find(({ points }) => points === options.points);
  if (!grid) throw new Error('there is no such grid');
  const config = {
    data_dir_path: '/',
    wave_start_point: grid.fromAngstrom,
    wave_end_point: grid.toAngstrom,
    wave_point_count: grid.points,
  };
  const connection = await Connection.connect({ address: stack.temporalAddress });
  try {
    const { namespace } = await call(stack.apiUrl, SystemInfo, 'GET', '/system');
    const temporal = new Client({ connection, namespace });
    await scanEnded(temporal, signal);
    const loadAverage = loadavg()[0] ?? 0;
    // Warms the page cache, and leaves parts to be weighed.
    const first = await runJob(stack.apiUrl, config, signal);
    const parts = await weigh(join(stack.filesDirectory, '..', 'objects', 'parts'));
    const result = await stat(join(stack.filesDirectory, first.directory, 'result.h5'));
    await deleteJob(stack.apiUrl, temporal, first);
    await workers.limitFirst((await stack.pids())['cpu worker']);

    const measured = options.workers.map((count) => ({
      count,
      seconds: [] as number[],
      workerCpuSeconds: [] as number[],
    }));
    let cpuMilliseconds: Record<string, number> | undefined;
    let record = { events: 0, payloadBytes: 0 };
    // The stack's own worker is new, too.
    let isFirst = true;
    for (let round = 0; round < options.repeat; round++)
      for (const { count, seconds, workerCpuSeconds } of measured) {
        const areNew = (await workers.have(count)) || isFirst;
        isFirst = false;
        await untilThereAre(count, stack.apiUrl, signal);
        if (options.cores === 'installation')
          await bindToProcessors([...Object.values(await stack.pids()), ...workers.pids], count);
        // A new worker compiles what it runs, which at a fifth of a processor takes seconds: no part of its speed. A tenth of
        // the archive is not enough, where that is shared out; nor is one job, where another worker listed and merged.
        for (let warmUp = 0; areNew && warmUp < WARM_UPS; warmUp++)
          await deleteJob(
            stack.apiUrl,
            temporal,
            await runJob(stack.apiUrl, { ...config, reuse: 'never' }, signal),
          );
        const usedBefore = await workers.usedSeconds();
        const before = await usage(stack);
        const job = await runJob(stack.apiUrl, { ...config, reuse: 'never' }, signal);
        workerCpuSeconds.push((await workers.usedSeconds()) - usedBefore);
        const after = await usage(stack);
        seconds.push(job.seconds);
        if (!cpuMilliseconds) {
          cpuMilliseconds = Object.fromEntries(
            Object.entries(after).map(([part, now]) => [
              part,
              (1000 * (now - (before[part] ?? 0))) / options.spectra,
            ]),
          );
          record = recordOf(await fetchHistories(temporal, job.id));
        }
        await deleteJob(stack.apiUrl, temporal, job);
        say(
          `  ${count} workers: ${job.seconds.toFixed(2)} s, ${(workerCpuSeconds.at(-1) ?? 0).toFixed(1)} s of processor`,
        );
      }
    const firstSeconds = median(measured[0]?.seconds ?? []);
    const measurements = measured.map(({ count, seconds, workerCpuSeconds }) => ({
      workers: count,
      seconds,
      spectraPerSecond: options.spectra / median(seconds),
      speedUp: firstSeconds / median(seconds),
      workerCpuSeconds: median(workerCpuSeconds),
    }));
    const { events, payloadBytes } = record;
    return {
      benchmark: 'scale',
      at: new Date().toISOString(),
      commit: commit(),
      machine: { cpus: availableParallelism(), model: cpus()[0]?.model ?? 'unknown', loadAverage },
      spectra: options.spectra,
      points: options.points,
      ...(typeof options.cores === 'number' ? { coresPerWorker: options.cores } : {}),
      ...(options.cores === 'installation' ? { installationBound: true } : {}),
      measurements,
      costsPerSpectrum: {
        cpuMilliseconds: cpuMilliseconds ?? {},
        resultBytes: result.size / options.spectra,
        partBytes: parts.bytes / options.spectra,
        parts: parts.count / options.spectra,
        events: events / options.spectra,
        payloadBytes: payloadBytes / options.spectra,
      },
    };
  } finally {
    await connection.close();
  }
}

async function untilThereAre(count: number, apiUrl: string, signal: AbortSignal): Promise<void> {
  for (const deadline = Date.now() + WORKERS_MS; ; await sleep(250, undefined, { signal })) {
    const { workers } = await call(apiUrl, WorkerPage, 'GET', '/workers');
    if (workers.filter(({ task_queue: queue }) => queue === TASK_QUEUES.cpu).length === count) return;
    if (Date.now() > deadline) throw new Error(`there are not ${count} workers`);
  }
}

/** CPU seconds by part of the stack, until now. */
async function usage(stack: RunningStack): Promise<Record<string, number>> {
  const used: Record<string, number> = {};
  for (const [part, pid] of Object.entries(await stack.pids())) used[part] = (await cpuSeconds(pid)) ?? 0;
  return used;
}

/** Every file of a directory under `copies` names: the bytes are there once. */
async function linkTimes(from: string, to: string, copies: number): Promise<void> {
  const names = await readdir(from);
  for (let copy = 0; copy < copies; copy++) {
    const directory = join(to, String(copy));
    await mkdir(directory, { recursive: true });
    for (const name of names) await link(join(from, name), join(directory, `${copy}-${name}`));
  }
}

async function weigh(directory: string): Promise<{ bytes: number; count: number }> {
  let bytes = 0;
  let count = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    bytes += (await stat(join(entry.parentPath, entry.name))).size;
    count++;
  }
  return { bytes, count };
}

async function tell(report: ScaleReport, options: Options): Promise<void> {
  const hasPart = report.coresPerWorker !== undefined && report.coresPerWorker < 1;
  const kind = hasPart ? '' : report.installationBound ? 'installation-' : 'threads-';
  const name = `scale-${kind}${report.at.slice(0, 10)}-${report.machine.cpus}cpu.json`;
  await writeWhole(join(RESULTS, name), `${JSON.stringify(ScaleReport.parse(report), null, 2)}\n`);
  if (options.plot && hasPart) await writeWhole(PLOT, plotScale(report));
  const table = new Table({
    head: ['workers', 'spectra/s', 'times the first', 'CPU s of the workers'],
    style: { head: [], border: [] },
    colAligns: ['right', 'right', 'right', 'right'],
  });
  for (const { workers, spectraPerSecond, speedUp, workerCpuSeconds } of report.measurements)
    table.push([workers, spectraPerSecond.toFixed(0), speedUp.toFixed(2), workerCpuSeconds.toFixed(1)]);
  const text = `${table.toString()}\n${report.spectra} spectra, ${report.points} points; ${limitOf(report)}.`;
  if (options.json) {
    say(text);
    console.log(JSON.stringify(report));
  } else console.log(text);
  const { workers: several, speedUp: least } = hasPart ? LEAST.part : LEAST.whole;
  const [one, more] = [1, several].map((count) =>
    report.measurements.find(({ workers }) => workers === count),
  );
  if (!one || !more || more.spectraPerSecond >= least * one.spectraPerSecond) return;
  say(
    `FAILED: ${several} workers do ${(more.spectraPerSecond / one.spectraPerSecond).toFixed(2)} times the work of 1, not ${least.toFixed(2)}`,
  );
  process.exitCode = 1;
}

function limitOf({ coresPerWorker: cores, installationBound }: ScaleReport): string {
  if (cores !== undefined) return `each worker ${cores} of a processor`;
  return `each worker one thread${installationBound ? ', all processes together as many processors as there are workers' : ''}`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]];
  return (low + high) / 2;
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
