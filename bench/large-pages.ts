import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { call } from '../cli/api-client.ts';
import { Job, JobPage } from '../contracts/job.ts';
import { BatchPage, Labelling, LabellingPage } from '../contracts/labelling.ts';
import { packageRoot } from '../storage/package-root.ts';
import {
  byHand,
  conditionsOf,
  framesWhile,
  launchChromium,
  median,
  ms,
  newPage,
  rounded,
} from './browser.ts';
import { startStack } from './embedded-stack.ts';
import { runJob } from './run-job.ts';

// npm run bench:large-pages: a map of 10,000 points, and a list of thousands of jobs. See README.md.

const program: Command = new Command('npm run bench:large-pages --')
  .description(
    'Opens the page of a campaign with a map of many points, and the list of thousands of jobs, in headless Chromium ' +
      'that draws by software, and measures until they are there, frames a second, and the lasso.',
  )
  .option('--points <n>', 'of the map', '10000')
  .option('--jobs <n>', 'in the list', '5000')
  .option('--seconds <n>', 'of moving, of zooming, of pointing', '4')
  .option('--json', 'the last line is the result as JSON; all else goes to standard error')
  .parse();
const whole = z.coerce.number().pipe(z.int().min(1));
const options = z
  .object({
    points: whole,
    jobs: whole.pipe(z.int().min(100)),
    seconds: whole,
    json: z.boolean().default(false),
  })
  .parse(program.opts());
const say = (line: string): void => (options.json ? console.error(line) : console.log(line));
const CLASSES = ['a', 'b', 'c'];
const AT_ONCE = 8;
const TIMES = 5;
const CANVAS = '[data-testid="scatter"]';

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => interrupt.abort(new Error(`ended by ${signal}`)));
const { signal } = interrupt;
const scratch = await mkdtemp(join(tmpdir(), 'bench-large-pages-'));
try {
  const stack = await startStack({
    data: join(scratch, 'data'),
    spectra: join(packageRoot(), 'samples', 'spectra'),
    signal,
  });
  try {
    await measure(stack.apiUrl);
  } finally {
    await stack.stop();
  }
} finally {
  await rm(scratch, { recursive: true, force: true });
}

async function measure(url: string): Promise<void> {
  const campaign = await startCampaign(url);
  say(`Making ${options.jobs} jobs …`);
  await makeJobs(url);
  const browser = await launchChromium();
  try {
    const map = await measureMap(await newPage(browser), `${url}/jobs/${campaign}`);
    const list = await measureList(await newPage(browser), url);
    if (options.json)
      console.log(
        JSON.stringify({
          benchmark: 'large-pages',
          points: options.points,
          jobs: options.jobs,
          map,
          list,
          ...conditionsOf(browser),
        }),
      );
  } finally {
    await browser.close();
  }
}

/** A campaign that has learnt from its first batch: from then on its page has a map. @returns its id */
async function startCampaign(url: string): Promise<string> {
  const grid = { wave_start_point: 6519, wave_end_point: 6732, wave_point_count: 140 };
  const { directory } = await runJob(url, { data_dir_path: '/', ...grid }, signal);
  const { job_id: id } = await call(url, Job, 'POST', '/jobs', {
    type: 'ACTIVE_ML',
    label: 'A large map',
    config: {
      classes: CLASSES,
      candidate_classes: CLASSES.slice(0, 1),
      pool_data_path: `${directory}/result.h5`,
      oracle_batch_size: 12,
      epochs_train: 5,
      network: { layers: [{ kind: 'max_pooling1d', pool_size: 10 }, { kind: 'flatten' }] },
    },
  });
  await call(url, Job, 'POST', `/jobs/${id}/process/RUN`);
  await untilBatch(url, id, 0);
  const { labellings } = await call(url, LabellingPage, 'GET', `/labellings?job_id=${id}&iteration=0`);
  for (const [index, { labelling_id }] of labellings.entries())
    await call(url, Labelling, 'PATCH', `/labellings/${labelling_id}`, {
      user_label: CLASSES[index % CLASSES.length],
      labelled_by: 'benchmark',
    });
  await untilBatch(url, id, 1);
  return id;
}

async function untilBatch(url: string, id: string, iteration: number): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const { batches } = await call(url, BatchPage, 'GET', `/jobs/${id}/batches`);
    if (batches.some((batch) => batch.iteration === iteration)) return;
    const { phase } = await call(url, Job, 'GET', `/jobs/${id}`);
    if (phase === 'ERROR') throw new Error('the campaign ended ERROR');
    await sleep(250);
  }
}

async function makeJobs(url: string): Promise<void> {
  const config = { training_data_path: '/x.h5', classes: ['a', 'b'] };
  let made = 0;
  const make = async () => {
    for (let number = ++made; number <= options.jobs; number = ++made) {
      signal.throwIfAborted();
      await call(url, Job, 'POST', '/jobs', { type: 'TRAINING', label: `Training ${number}`, config });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, make));
  const { total } = await call(url, JobPage, 'GET', '/jobs?limit=1');
  say(`${total} jobs are there`);
}

/** The map is made up: what is measured is its drawing, not how it came about. */
function mapOf(count: number) {
  const angle = (index: number) => index * 2.399963;
  const radius = (index: number) => Math.sqrt(index / count);
  const indexes = Array.from({ length: count }, (_, index) => index);
  return {
    x: indexes.map((index) => radius(index) * Math.cos(angle(index))),
    y: indexes.map((index) => radius(index) * Math.sin(angle(index))),
    labels: indexes.map((index) => index % 3),
    classes: CLASSES,
    filenames: indexes.map((index) => `spectrum-${index}.fits`),
  };
}

async function measureMap(page: Page, address: string) {
  await page.route('**/dim_reduc.json/**', (route) => route.fulfill({ json: mapOf(options.points) }));
  await page.goto(address);
  const canvas = page.locator(`${CANVAS}[data-points="${options.points}"]`);
  await canvas.waitFor();
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  if (!box) throw new Error('the map is not on the page');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const moving = await framesWhile(page, CANVAS, options.seconds, async (until) => {
    await page.mouse.move(x, y);
    await page.mouse.down();
    await byHand(until(), (step) =>
      page.mouse.move(x + 200 * Math.sin(step / 40), y + 60 * Math.sin(step / 25)),
    );
    await page.mouse.up();
  });
  const zooming = await framesWhile(page, CANVAS, options.seconds, async (until) => {
    await page.mouse.move(x, y);
    await byHand(until(), (step) => page.mouse.wheel(0, step % 40 < 20 ? -100 : 100));
  });
  // Everything again: nearer, points would be too rare to be pointed at.
  await page.locator(CANVAS).press('0');
  const pointing = await framesWhile(page, CANVAS, options.seconds, (until) =>
    byHand(until(), (step) => page.mouse.move(x + 150 * Math.sin(step / 40), y + 120 * Math.cos(step / 40))),
  );
  await page.getByTestId('lasso').click();
  await page.mouse.move(x + 150, y);
  await page.mouse.down();
  for (let step = 0; step <= 100; step++)
    await page.mouse.move(
      x + 150 * Math.cos((step * Math.PI) / 50),
      y + 150 * Math.sin((step * Math.PI) / 50),
    );
  const before = performance.now();
  await page.mouse.up();
  await page.getByTestId('map').locator('tbody tr').first().waitFor();
  const lassoMs = performance.now() - before;
  for (const [name, frames] of Object.entries({ moving, zooming, pointing }))
    say(`Map of ${options.points} points, ${name}: ${frames.perSecond.toFixed(1)} frames a second`);
  say(`Lasso, from the end of the line to the list of what it caught: ${ms(lassoMs)}`);
  return {
    frames_per_second: {
      moving: rounded(moving.perSecond),
      zooming: rounded(zooming.perSecond),
      pointing: rounded(pointing.perSecond),
    },
    lasso_ms: Math.round(lassoMs),
  };
}

/** Milliseconds until what was asked for is shown, in the middle of several times. */
async function measureList(page: Page, url: string) {
  const timed = async (act: () => Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await act();
    return performance.now() - began;
  };
  const row = (text: string) => page.locator('tbody tr').first().getByText(text, { exact: true });
  const open: number[] = [];
  const sort: number[] = [];
  const next: number[] = [];
  const search: number[] = [];
  for (let time = 0; time < TIMES; time++) {
    open.push(
      await timed(async () => {
        await page.goto(`${url}/jobs`);
        await page.locator('tbody tr').first().waitFor();
      }),
    );
    sort.push(
      await timed(async () => {
        await page.getByTitle('Sort by Job').click();
        await row('A large map').waitFor();
      }),
    );
    next.push(
      await timed(async () => {
        await page.getByLabel('Next page').click();
        await page.getByText(/^26–50 of/).waitFor();
      }),
    );
    search.push(
      await timed(async () => {
        await page
          .getByRole('textbox', { name: 'Label, description or id' })
          .fill(`Training ${options.jobs}`);
        await row(`Training ${options.jobs}`).waitFor();
      }),
    );
  }
  say(
    `List of ${options.jobs} jobs: opened in ${ms(median(open))}, sorted in ${ms(median(sort))}, next page in ` +
      `${ms(median(next))}, searched in ${ms(median(search))} (of that 300 ms until typing has ended)`,
  );
  return {
    open_ms: Math.round(median(open)),
    sort_ms: Math.round(median(sort)),
    next_page_ms: Math.round(median(next)),
    search_ms: Math.round(median(search)),
  };
}
