import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, platform, release, tmpdir, totalmem } from 'node:os';
import { join, relative } from 'node:path';
import { performance } from 'node:perf_hooks';
import Table from 'cli-table3';
import { Command } from 'commander';
import { z } from 'zod';
import { ACQUISITION_STRATEGIES, AcquisitionStrategy } from '../contracts/active-learning.ts';
import { VERSION } from '../contracts/version.ts';
import { cacheDirectory } from '../deploy/embedded/cache.ts';
import { loadTensorflow } from '../deploy/tensorflow/load-tensorflow.ts';
import { setUpTensorflow } from '../deploy/tensorflow/set-up-tensorflow.ts';
import { packageRoot } from '../storage/package-root.ts';
import {
  makeSets,
  runCampaign,
  SETTINGS,
  type CampaignKey,
  type CampaignSets,
} from './active-learning-campaign.ts';
import { labelEfficiencies, type Efficiency, type Estimate } from './active-learning-efficiency.ts';
import { plotEfficiencies } from './active-learning-plot.ts';
import { ResultsFile } from './active-learning-results.ts';
import { readHosts } from './injected-lines.ts';

// npm run bench:active-learning: what each acquisition function saves in labels. See README.md.
/** The strategies that get `--seeds`; the others get `--other-seeds`. */
const MAIN_STRATEGIES: readonly string[] = ['random', 'entropy', 'margin'];

/** What all strategies get at least. */
const LABELS = SETTINGS.labels[SETTINGS.labels.length - 1];

const program: Command = new Command('npm run bench:active-learning --')
  .description(
    'Simulated campaigns on sample spectra with injected Hα lines: F1 of the rare classes against labels spent, for each\n' +
      'acquisition function, and how many labels it needs for what random ones reach.',
  )
  .option('--seeds <n>', 'campaigns of random, entropy and margin, for each share of rare spectra', '20')
  .option('--other-seeds <n>', 'campaigns of the other strategies', '5')
  .option('--strategies <list>', 'random is what the others are compared with', ACQUISITION_STRATEGIES.join())
  .option('--rare <list>', 'shares of rare spectra in pool and test set', '0.03,0.1')
  .option('--minutes <n>', 'no campaign is begun that would probably end later', '45')
  .option(
    '--results <file>',
    'campaigns that have ended, a line of JSON each: they are not run again (default: in the cache)',
  )
  .option('--plot <file>', 'writes the curves as SVG')
  .option('--json', 'the last line is the result as JSON; all else goes to standard error')
  .addHelpText(
    'after',
    '\nA run that was ended goes on where it was. Labels are those injected: nobody is asked. Native TensorFlow is set up\n' +
      'first where it is not. Ends with 1 where a campaign fails.',
  )
  .parse();

const split = (text: string): string[] => text.split(',');
const Options = z.object({
  seeds: z.coerce.number().pipe(z.int({ error: '--seeds takes a whole number' }).min(0)),
  otherSeeds: z.coerce.number().pipe(z.int({ error: '--other-seeds takes a whole number' }).min(0)),
  strategies: z.string().transform(split).pipe(z.array(AcquisitionStrategy)),
  rare: z
    .string()
    .transform((text) => split(text).map(Number))
    .pipe(z.array(z.number({ error: '--rare takes numbers with commas between' }).gt(0).lt(1))),
  minutes: z.coerce.number({ error: '--minutes takes a number' }).positive(),
  results: z
    .string()
    .min(1)
    .default(join(cacheDirectory(), 'bench', 'active-learning.jsonl')),
  plot: z.string().min(1).optional(),
  json: z.boolean().default(false),
});
type Options = z.infer<typeof Options>;

const parsed = Options.safeParse(program.opts());
if (!parsed.success) program.error(parsed.error.issues.map(({ message }) => message).join('\n'));
else {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}; run it again to go on`)));
  try {
    await run(parsed.data, interrupt.signal);
  } catch (error) {
    const reason: unknown = interrupt.signal.aborted ? interrupt.signal.reason : error;
    say(reason instanceof Error ? reason.message : String(reason));
    process.exitCode = 1;
  }
}

async function run(options: Options, signal: AbortSignal): Promise<void> {
  const samples = join(packageRoot(), 'samples', 'spectra');
  const hosts = readHosts(samples);
  const results = await ResultsFile.open(
    options.results,
    hosts.map(({ file }) => relative(samples, file)),
  );
  const wanted = wantedCampaigns(options);
  const isThere = (key: CampaignKey): boolean => results.campaigns.some((one) => nameOf(one) === nameOf(key));
  const toRun = wanted.filter((key) => !isThere(key));
  say(`${wanted.length} campaigns, ${wanted.length - toRun.length} of them in ${options.results} already.`);
  const left = toRun.length === 0 ? 0 : await runAll(toRun, { hosts, results, options, signal });
  if (left > 0) say(`${left} campaigns are left out for want of time: run it again to go on.`);

  const names = new Set(wanted.map(nameOf));
  const efficiencies = labelEfficiencies(results.campaigns.filter((one) => names.has(nameOf(one))));
  const tables = tablesOf(efficiencies);
  if (options.json) say(tables);
  else console.log(tables);
  if (options.plot !== undefined && efficiencies.length > 0)
    await writeFile(options.plot, plotEfficiencies(efficiencies, noteOf(efficiencies)));
  if (options.json) console.log(JSON.stringify(reportOf(efficiencies, hosts.length, left)));
}

/** Seed by seed, so that a run that is short of time has something of everything. */
function wantedCampaigns({ seeds, otherSeeds, strategies, rare }: Options): CampaignKey[] {
  const seedsOf = (strategy: string): number => (MAIN_STRATEGIES.includes(strategy) ? seeds : otherSeeds);
  return Array.from({ length: Math.max(seeds, otherSeeds) }, (_, seed) => seed).flatMap((seed) =>
    rare.flatMap((rareFraction) =>
      strategies
        .filter((strategy) => seed < seedsOf(strategy))
        .map((strategy) => ({ strategy, rareFraction, seed })),
    ),
  );
}

/** @returns how many were not begun for want of time */
async function runAll(
  keys: readonly CampaignKey[],
  setting: {
    hosts: ReturnType<typeof readHosts>;
    results: ResultsFile;
    options: Options;
    signal: AbortSignal;
  },
): Promise<number> {
  const { hosts, results, options, signal } = setting;
  await setUpTensorflow({ say, signal });
  const { tf, backend, note } = await loadTensorflow();
  if (backend === 'javascript') throw new Error(note);
  const scratch = await mkdtemp(join(tmpdir(), 'bench-active-learning-'));
  const began = performance.now();
  const end = began + 60_000 * options.minutes;
  const slowest = new Map<string, number>();
  /** One campaign after another has the same. */
  let made: { seed: number; rareFraction: number; sets: CampaignSets } | undefined;
  try {
    for (const [at, key] of keys.entries()) {
      const expectedSeconds = slowest.get(key.strategy) ?? Math.max(0, ...slowest.values());
      if (performance.now() + 1000 * expectedSeconds > end) return keys.length - at;
      if (made?.seed !== key.seed || made.rareFraction !== key.rareFraction)
        made = { ...key, sets: makeSets(hosts, key) };
      const campaign = await runCampaign(tf, made.sets, key, scratch, signal);
      await results.append(campaign);
      slowest.set(key.strategy, Math.max(slowest.get(key.strategy) ?? 0, campaign.seconds));
      const last = campaign.curve.at(-1);
      say(
        `${at + 1}/${keys.length} ${nameOf(key)}: ${campaign.seconds.toFixed(1)} s, ` +
          `F1 ${last?.f1.toFixed(3)} after ${last?.labels} labels`,
      );
    }
    return 0;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function nameOf({ strategy, rareFraction, seed }: CampaignKey): string {
  return `${strategy}, ${100 * rareFraction} % rare, seed ${seed}`;
}

function tablesOf(efficiencies: readonly Efficiency[]): string {
  const table = new Table({
    head: [
      'rare',
      'strategy',
      'seeds',
      `F1 after ${LABELS}`,
      'labels for random’s F1',
      '% of random’s',
      'fits again',
      'collapsed',
      's',
    ],
    style: { head: [], border: [] },
  });
  for (const one of efficiencies) {
    const { againstRandom } = one;
    table.push([
      ...[
        `${100 * one.rareFraction} %`,
        one.strategy,
        one.seeds,
        shown(f1AfterLabels(one), (f1) => f1.toFixed(3)),
      ],
      againstRandom ? shown(againstRandom.labels, (labels) => labels.toFixed(0)) : '–',
      againstRandom ? shown(againstRandom.ratio, (ratio) => (100 * ratio).toFixed(0)) : '–',
      ...[`${one.failedFits} of ${one.fits}`, one.collapsedFits, one.seconds.toFixed(1)],
    ]);
  }
  return [
    table.toString(),
    'Injected lines. Medians over seeds with 95 % intervals (bootstrap over seeds); curves are running medians. Random’s F1: what',
    `it has after ${SETTINGS.labelsOfRandom.at(-1)} labels, which it gets; the others get ${LABELS}. ∞: never within these.`,
  ].join('\n');
}

function shown({ median, low, high }: Estimate, format: (value: number) => string): string {
  const finite = (value: number): string => (Number.isFinite(value) ? format(value) : '∞');
  return `${finite(median)} [${finite(low)}, ${finite(high)}]`;
}

/** After as many labels as all strategies have had. */
function f1AfterLabels({ strategy, rareFraction, curve }: Efficiency): Estimate {
  const point = curve.find(({ labels }) => labels === LABELS);
  if (point === undefined) throw new Error(`${strategy}, ${rareFraction}: no point at ${LABELS} labels`);
  return point;
}

function noteOf(efficiencies: readonly Efficiency[]): string {
  const seeds = [...new Set(efficiencies.map((one) => one.seeds))].sort((a, b) => b - a);
  return (
    `Injected lines; running medians over ${seeds.join(' or ')} seeds, bands: 95 % of bootstraps. ` +
    `Test stars are none of the pool’s. ${new Date().toISOString().slice(0, 10)}`
  );
}

/** JSON has no Infinity: null says that the labels did not suffice. */
function reportOf(efficiencies: readonly Efficiency[], hosts: number, left: number): unknown {
  return {
    benchmark: 'active-learning',
    at: new Date().toISOString(),
    version: VERSION,
    machine: {
      cpus: availableParallelism(),
      model: cpus()[0]?.model ?? 'unknown',
      memory_bytes: totalmem(),
      platform: `${platform()} ${release()}`,
      load_average: loadavg()[0] ?? 0,
    },
    data: 'injected lines',
    hosts,
    settings: SETTINGS,
    campaigns_left: left,
    results: efficiencies.map((one) => ({
      strategy: one.strategy,
      rare_fraction: one.rareFraction,
      seeds: one.seeds,
      ...(one.againstRandom && {
        target_f1: one.againstRandom.targetF1,
        labels_needed: one.againstRandom.labels,
        labels_needed_by_random: one.againstRandom.labelsOfRandom,
        label_ratio: one.againstRandom.ratio,
      }),
      curve: one.curve,
      fits: one.fits,
      failed_fits: one.failedFits,
      collapsed_fits: one.collapsedFits,
      seconds_per_campaign: one.seconds,
    })),
  };
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
