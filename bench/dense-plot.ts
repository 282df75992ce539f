import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { Browser, Page } from 'playwright-core';
import { z } from 'zod';
import { packageRoot } from '../storage/package-root.ts';
import {
  byHand,
  conditionsOf,
  type Frames,
  framesWhile,
  launchChromium,
  median,
  ms,
  newPage,
  rounded,
} from './browser.ts';
import { startStack } from './embedded-stack.ts';
import { runJob } from './run-job.ts';
import { makeSurvey } from './survey.ts';

// npm run bench:dense-plot: thousands of spectra in the dashboard, in a real browser without a GPU. See README.md.

const program: Command = new Command('npm run bench:dense-plot --')
  .description(
    'Preprocesses spectra derived from the samples on a stack of its own, opens them over each other in headless Chromium ' +
      'that draws by software, and measures the first picture, the whole one, and frames a second while one moves and zooms.',
  )
  .option('--spectra <n>', 'how many', '5000')
  .option('--points <n>', 'of each', '3700')
  .option('--repeat <n>', 'times that the plot is opened', '5')
  .option('--seconds <n>', 'of moving, and of zooming', '5')
  .option('--seed <n>', 'of the noise of the spectra', '0')
  .option('--url <url>', 'a dashboard that runs already, with --file')
  .option('--file <path>', 'HDF5 of spectra in its file store, instead of preprocessing any')
  .option('--json', 'the last line is the result as JSON; all else goes to standard error')
  .parse();
const whole = (name: string, min: number) =>
  z.coerce.number().pipe(z.int({ error: `--${name} takes a whole number` }).min(min));
const Options = z
  .object({
    spectra: whole('spectra', 1),
    points: whole('points', 2),
    repeat: whole('repeat', 1),
    seconds: whole('seconds', 1),
    seed: whole('seed', 0),
    url: z.url().optional(),
    file: z.string().startsWith('/').optional(),
    json: z.boolean().default(false),
  })
  .refine(
    ({ url, file }) => (url === undefined) === (file === undefined),
    '--url and --file belong together',
  );
const parsed = Options.safeParse(program.opts());
if (!parsed.success) program.error(parsed.error.issues.map(({ message }) => message).join('\n'));
const options = parsed.data;
const say = (line: string): void => (options.json ? console.error(line) : console.log(line));

interface Target {
  url: string;
  /** In the file store. */
  file: string;
}
/** From the moment that the plot was asked for [ms]. */
interface Opening {
  first: number;
  whole: number;
}
const Marks = z.object({ first: z.number(), whole: z.number() });
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));

try {
  await (options.url !== undefined && options.file !== undefined
    ? measure({ url: options.url, file: options.file })
    : onOwnStack(measure));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

/** Makes the spectra, preprocesses them by a job, and hands over where they are; removes all of it afterwards. */
async function onOwnStack(use: (target: Target) => Promise<void>): Promise<void> {
  const { signal } = interrupt;
  const scratch = await mkdtemp(join(tmpdir(), 'bench-dense-plot-'));
  try {
    const survey = join(scratch, 'survey');
    say(`Making ${options.spectra} spectra out of the samples …`);
    await makeSurvey({
      source: join(packageRoot(), 'samples', 'spectra'),
      directory: survey,
      count: options.spectra,
      seed: options.seed,
      signal,
    });
    say('Starting a stack and preprocessing them …');
    const stack = await startStack({ data: join(scratch, 'data'), spectra: survey, signal });
    try {
      const grid = { wave_start_point: 3700, wave_end_point: 9000, wave_point_count: options.points };
      const job = await runJob(stack.apiUrl, { data_dir_path: '/', ...grid }, signal);
      await use({ url: stack.apiUrl, file: `${job.directory}/result.h5` });
    } finally {
      await stack.stop();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function measure({ url, file }: Target): Promise<void> {
  const browser = await launchChromium();
  try {
    const address = `/spectra/together?file=${encodeURIComponent(file)}`;
    const cold = await openCold(browser, `${url}${address}`);
    say(`Opened as the first page: first picture ${ms(cold.first)}, whole ${ms(cold.whole)}`);
    const page = await newPage(browser);
    await page.goto(`${url}/spectra`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    const openings: Opening[] = [];
    for (let time = 0; time < options.repeat; time++) {
      openings.push(await openWithin(page, address));
      if (time + 1 < options.repeat) {
        await page.goBack();
        await page.getByTestId('overlay').waitFor({ state: 'detached' });
      }
    }
    const first = median(openings.map((opening) => opening.first));
    const complete = median(openings.map((opening) => opening.whole));
    say(
      `Opened from another page: first picture ${ms(first)}, whole ${ms(complete)} (median of ${options.repeat})`,
    );
    const moving = await framesOf(page, move);
    const zooming = await framesOf(page, zoom);
    for (const [name, frames] of Object.entries({ moving, zooming }))
      say(
        `While ${name}: ${frames.perSecond.toFixed(1)} frames a second; from one to the next ` +
          `${ms(frames.p95)} (95 %), at most ${ms(frames.longest)}`,
      );
    const isMet = first < 1000 && moving.perSecond >= 30 && zooming.perSecond >= 30;
    say(
      isMet
        ? 'First picture under 1 s and 30 frames a second: yes'
        : 'Below first picture under 1 s and 30 frames a second',
    );
    if (options.json)
      console.log(
        JSON.stringify({
          benchmark: 'dense-plot',
          spectra: options.spectra,
          points: options.points,
          first_paint_ms: Math.round(first),
          whole_ms: Math.round(complete),
          cold_first_paint_ms: Math.round(cold.first),
          cold_whole_ms: Math.round(cold.whole),
          frames_per_second: { moving: rounded(moving.perSecond), zooming: rounded(zooming.perSecond) },
          frame_p95_ms: { moving: rounded(moving.p95), zooming: rounded(zooming.p95) },
          frame_longest_ms: { moving: rounded(moving.longest), zooming: rounded(zooming.longest) },
          is_met: isMet,
          ...conditionsOf(browser),
        }),
      );
  } finally {
    await browser.close();
  }
}

/** When the marks that the plot sets were set [ms since the page's beginning]. */
async function marksOf(page: Page): Promise<Opening> {
  await page.waitForFunction(`performance.getEntriesByName('overlay:whole-picture').length > 0`, undefined, {
    timeout: 60_000,
  });
  return Marks.parse(
    await page.evaluate(`(() => {
      const at = (name) => performance.getEntriesByName(name).at(-1).startTime;
      return { first: at('overlay:first-picture'), whole: at('overlay:whole-picture') };
    })()`),
  );
}

/** Everything from nothing: the dashboard's own scripts too. */
async function openCold(browser: Browser, address: string): Promise<Opening> {
  const page = await newPage(browser);
  await page.goto(address);
  const marks = await marksOf(page);
  await page.context().close();
  return marks;
}

/** As a link within the dashboard does it. */
async function openWithin(page: Page, address: string): Promise<Opening> {
  const began = z.number().parse(
    await page.evaluate(`(() => {
      performance.clearMarks();
      history.pushState({}, '', ${JSON.stringify(address)});
      const began = performance.now();
      dispatchEvent(new PopStateEvent('popstate', { state: {} }));
      return began;
    })()`),
  );
  const marks = await marksOf(page);
  return { first: marks.first - began, whole: marks.whole - began };
}

/** Frames while the whole plot is moved. */
async function framesOf(page: Page, act: (page: Page, until: number) => Promise<void>): Promise<Frames> {
  await page.getByTestId('overlay-reset').click({ force: true });
  await sleep(1000);
  return framesWhile(page, '[data-testid="overlay"] canvas', options.seconds, (until) => act(page, until()));
}

async function middleOf(page: Page): Promise<{ x: number; y: number }> {
  const box = await page.getByTestId('overlay').locator('canvas').boundingBox();
  if (!box) throw new Error('the plot is not on the page');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

/** Comes closer, then drags the plot to and fro. */
async function move(page: Page, until: number): Promise<void> {
  const { x, y } = await middleOf(page);
  await page.mouse.move(x, y);
  for (let turn = 0; turn < 5; turn++) await page.mouse.wheel(0, -100);
  await page.keyboard.down('Shift');
  await page.mouse.down();
  await byHand(until, (step) => page.mouse.move(x + 250 * Math.sin(step / 40), y + 40 * Math.sin(step / 25)));
  await page.mouse.up();
  await page.keyboard.up('Shift');
}

/** Turns the wheel in, and out again. */
async function zoom(page: Page, until: number): Promise<void> {
  const { x, y } = await middleOf(page);
  await page.mouse.move(x, y);
  await byHand(until, (step) => page.mouse.wheel(0, step % 40 < 20 ? -100 : 100));
}
