import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import Table from 'cli-table3';
import { Command } from 'commander';
import { z } from 'zod';
import { call } from '../cli/api-client.ts';
import { SystemInfo } from '../contracts/system.ts';
import { VERSION } from '../contracts/version.ts';
import { cacheDirectory } from '../deploy/embedded/cache.ts';
import { packageRoot } from '../storage/package-root.ts';
import { startStack } from './embedded-stack.ts';
import { GRIDS } from './grids.ts';
import { measureGrid } from './measure.ts';
import { plotReport } from './plot.ts';
import { referenceVersions } from './reference-program.ts';
import { Report } from './report.ts';
import { scanEnded } from './run-job.ts';
import { makeSurvey } from './survey.ts';
import { commit, writeWhole } from './written.ts';

// npm run bench:preprocess: whole preprocessing jobs beside a script that does the same work. See README.md.
const RESULTS = join(packageRoot(), 'bench', 'results');
const PLOT = join(packageRoot(), 'docs', 'pictures', 'bench-preprocess.svg');
/** Above this load the machine is not ours alone. */
const QUIET_LOAD = 0.5;
const SAMPLES = join(packageRoot(), 'samples', 'spectra');

const program: Command = new Command('npm run bench:preprocess --')
  .description(
    'Measures whole preprocessing jobs, from submission through the API to COMPLETED, on spectra made of the samples,\n' +
      'by turns with a Python script (PYTHON, else python3; needs astropy, numpy and h5py) on the same files.',
  )
  .option('--counts <list>', 'numbers of spectra', '1000,10000,50000')
  .option('--points <list>', 'grids: 140 (6519–6732 Å), 3700 (4000–8900 Å)', '140,3700')
  .option('--repeat <n>', 'timed runs of each; the medians are told', '3')
  .option('--seed <n>', 'of the noise in the spectra', '0')
  .option(
    '--cache <dir>',
    'keeps the spectra (92 KB each); runs write here, too',
    join(cacheDirectory(), 'bench'),
  )
  .option('--no-plot', 'leave docs/pictures/bench-preprocess.svg as it is')
  .option('--json', 'the last line is the result as JSON; all else goes to standard error')
  .addHelpText(
    'after',
    '\nWrites bench/results/preprocess-DATE-NCPU.json. Ends with 1 where a run or a check fails: a job that is not\n' +
      'COMPLETED, rows and rejects that are not all files, rows that differ from the reference’s by more than 1e-5;\n' +
      'nothing is written then.',
  )
  .parse();

const wholeNumbers = (option: string) =>
  z
    .string()
    .transform((text) => text.split(',').map(Number))
    .pipe(z.array(z.int({ error: `${option} takes whole numbers with commas between` }).min(1)));
const Options = z.object({
  counts: wholeNumbers('--counts'),
  points: wholeNumbers('--points').refine((all) => all.every((one) => GRIDS.some((g) => g.points === one)), {
    error: `--points takes ${GRIDS.map(({ points }) => points).join(' and ')}`,
  }),
  repeat: z.coerce.number().pipe(z.int({ error: '--repeat takes a whole number' }).min(1)),
  seed: z.coerce.number().pipe(z.int({ error: '--seed takes a whole number' })),
  cache: z.string().min(1),
  plot: z.boolean(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof Options>;

const parsed = Options.safeParse(program.opts());
if (!parsed.success) program.error(parsed.error.issues.map(({ message }) => message).join('\n'));
else {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (!interrupt.signal.aborted) say('Stopping …');
      interrupt.abort(new Error(`ended by ${signal}`));
    });
  try {
    const report = await run(parsed.data, interrupt.signal);
    await write(report, parsed.data);
    if (report.problems.length > 0) process.exitCode = 1;
  } catch (error) {
    say(messageOf(interrupt.signal.aborted ? interrupt.signal.reason : error));
    process.exitCode = 1;
  }
}

/** Measures all counts on all grids. A grid that fails is a problem of the report; the others are measured. */
async function run(options: Options, signal: AbortSignal): Promise<Report> {
  const python = await referenceVersions();
  if (python === undefined) say('No reference: set PYTHON to a python with astropy, numpy and h5py.');
  const report: Report = {
    benchmark: 'preprocess',
    at: new Date().toISOString(),
    commit: commit(),
    machine: {
      cpus: availableParallelism(),
      model: cpus()[0]?.model ?? 'unknown',
      memoryBytes: totalmem(),
      platform: `${platform()} ${release()}`,
      loadAverage: loadavg()[0] ?? 0,
    },
    versions: { spectrolabe: VERSION, node: process.versions.node, ...python },
    repeat: options.repeat,
    seed: options.seed,
    scans: [],
    measurements: [],
    problems: [],
  };
  if (report.machine.loadAverage > QUIET_LOAD)
    say(
      `Others use this machine (load ${report.machine.loadAverage.toFixed(1)}): the numbers will be too low.`,
    );
  for (const count of options.counts) {
    const survey = join(options.cache, `survey-${count}-seed-${options.seed}`);
    const { reused } = await makeSurvey({
      source: SAMPLES,
      directory: survey,
      count,
      seed: options.seed,
      onProgress: (written) => {
        if (written % 8192 === 0) say(`${written} of ${count} spectra made`);
      },
      signal,
    });
    say(`${count} spectra ${reused ? 'are there' : 'made'}: ${survey}`);
    const work = await mkdtemp(join(options.cache, 'run-'));
    try {
      await measureSurvey({
        survey,
        count,
        work,
        withReference: python !== undefined,
        options,
        report,
        signal,
      });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return report;
}

/** One stack on a new data directory; its numbers go to the report. */
async function measureSurvey(parts: {
  survey: string;
  count: number;
  work: string;
  withReference: boolean;
  options: Options;
  report: Report;
  signal: AbortSignal;
}): Promise<void> {
  const { survey, count, work, withReference, options, report, signal } = parts;
  const stack = await startStack({ data: join(work, 'data'), spectra: survey, signal });
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({ address: stack.temporalAddress });
    const { namespace } = await call(stack.apiUrl, SystemInfo, 'GET', '/system');
    const temporal = new Client({ connection, namespace });
    const scanSeconds = await scanEnded(temporal, signal);
    report.scans.push({ count, spectraPerSecond: count / scanSeconds });
    for (const grid of GRIDS.filter(({ points }) => options.points.includes(points))) {
      say(`${count} spectra, ${grid.points} points …`);
      const setting = { survey, count, work, stack, temporal, withReference, repeat: options.repeat, signal };
      try {
        const { measurement, problems } = await Promise.race([measureGrid(setting, grid), stack.failed]);
        report.measurements.push(measurement);
        report.problems.push(...problems);
        const { ours, again, reference } = measurement;
        say(
          `  ours ${ours.spectraPerSecond.toFixed(0)}/s, reference ${reference?.spectraPerSecond.toFixed(0) ?? '–'}/s, ` +
            `again ${again.spectraPerSecond.toFixed(0)}/s (${again.statusDetail})`,
        );
      } catch (error) {
        signal.throwIfAborted();
        report.problems.push(`${count} spectra, ${grid.points} points: ${messageOf(error)}`);
        say(`  failed: ${messageOf(error)}`);
      }
    }
  } finally {
    await connection?.close();
    await stack.stop();
  }
}

async function write(report: Report, options: Options): Promise<void> {
  // What failed a check must not take the place of an earlier result.
  if (report.problems.length === 0) {
    const name = `preprocess-${report.at.slice(0, 10)}-${report.machine.cpus}cpu.json`;
    await writeWhole(join(RESULTS, name), `${JSON.stringify(Report.parse(report), null, 2)}\n`);
    if (options.plot) await writeWhole(PLOT, plotReport(report));
  }
  const text = tableOf(report);
  if (options.json) say(text);
  else console.log(text);
  for (const problem of report.problems) say(`FAILED: ${problem}`);
  if (!options.json) return;
  const { benchmark, at, machine, problems } = report;
  const results = report.measurements.map(({ count, points, ours, again, reference, ratio }) => ({
    count,
    points,
    oursPerSecond: ours.spectraPerSecond,
    referencePerSecond: reference?.spectraPerSecond,
    ratio,
    againPerSecond: again.spectraPerSecond,
    oursPeakBytes: ours.peakBytes,
    referencePeakBytes: reference?.peakBytes,
    orchestrationShare: ours.orchestrationShare,
    longestRunEvents: ours.workflow.longestRunEvents,
    payloadBytes: ours.workflow.payloadBytes,
  }));
  console.log(
    JSON.stringify({ benchmark, at, cpus: machine.cpus, passed: problems.length === 0, problems, results }),
  );
}

function tableOf({ measurements, repeat }: Report): string {
  const table = new Table({
    head: [
      ...['spectra', 'points', 'ours/s', 'ref./s', 'ratio', 'again/s'],
      ...['ours MB', 'ref. MB', 'orchestration', 'events', 'payloads kB', 'CPU s'],
    ],
    style: { head: [], border: [] },
    colAligns: Array.from({ length: 12 }, () => 'right'),
  });
  const whole = (value: number | undefined): string => value?.toFixed(0) ?? '–';
  const mega = (bytes: number | undefined): string => whole(bytes === undefined ? undefined : bytes / 1e6);
  for (const { count, points, ours, again, reference, ratio } of measurements)
    table.push([
      ...[count, points, whole(ours.spectraPerSecond), whole(reference?.spectraPerSecond)],
      ...[
        ratio?.toFixed(1) ?? '–',
        whole(again.spectraPerSecond),
        mega(ours.peakBytes),
        mega(reference?.peakBytes),
      ],
      `${(100 * ours.orchestrationShare).toFixed(1)} %`,
      ...[ours.workflow.longestRunEvents, (ours.workflow.payloadBytes / 1000).toFixed(1)],
      Object.entries(ours.cpuSeconds)
        .map(([part, seconds]) => `${part} ${seconds.toFixed(1)}`)
        .join('\n'),
    ]);
  return [
    table.toString(),
    `Medians of ${repeat}, warm page cache. Memory: peak of the cpu worker's processes, and of the script.`,
    'Orchestration: share of the time from submission to COMPLETED in which no activity ran. Events: of the longest run.',
    'Again: the same job once more, taking over the parts of the one before.',
  ].join('\n');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
