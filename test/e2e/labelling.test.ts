import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { Job, JobPage } from '../../contracts/job.ts';
import { BatchPage, type Labelling, LabellingPage } from '../../contracts/labelling.ts';
import {
  accessibilityFaults,
  type Dashboard,
  hasBrowser,
  inkOf,
  launchBrowser,
  openPage,
  overflow,
  snap,
  startDashboard,
} from './browser.ts';

// A batch of a campaign labelled in the browser, by keys alone, by two people, with the server away in between.

const CLASSES = ['hot', 'solar', 'cool'];
const BATCH = 8;

describe.skipIf(!hasBrowser)('the labelling bench', () => {
  let server: Dashboard | undefined;
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];
  const complaints: string[][] = [];
  let jobId = '';

  const ask = async <T extends z.ZodType>(
    schema: T,
    path: string,
    init?: RequestInit,
  ): Promise<z.output<T>> => {
    const answer = await fetch(new URL(path, server?.url), init);
    return schema.parse(await answer.json());
  };
  const post = <T extends z.ZodType>(schema: T, path: string, body?: unknown) =>
    ask(schema, path, {
      method: 'POST',
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
  const labellings = async (iteration: number): Promise<Labelling[]> =>
    (await ask(LabellingPage, `/api/labellings?job_id=${jobId}&iteration=${iteration}`)).labellings;
  const newestIteration = async () =>
    (await ask(BatchPage, `/api/jobs/${jobId}/batches`)).batches[0]?.iteration;

  /** The bench as one person sees it. */
  const openAs = async (
    person: string,
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<Page> => {
    if (!browser || !server) throw new Error('there is no browser or no server');
    const opened = await openPage(browser, server.url, options);
    contexts.push(opened.context);
    complaints.push(opened.complaints);
    const { page } = opened;
    await page.goto(`/jobs/${jobId}/label`);
    await page.getByTestId('person').locator('input').waitFor();
    await page.keyboard.type(person);
    await page.keyboard.press('Enter');
    await page.getByText(`Labelling as ${person}`).waitFor();
    return page;
  };
  const filename = (page: Page) => page.getByTestId('filename').textContent();
  const saved = (page: Page, said: string) =>
    page.locator('[data-testid="saving"][data-state="saved"]').getByText(said).waitFor();

  beforeAll(async () => {
    server = await startDashboard();
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    expect(complaints.splice(0).flat()).toEqual([]);
  });

  it('opens with the first batch of a campaign', async () => {
    const prepared = () => ask(JobPage, '/api/jobs?type=DATA_PREPROCESSING&phase=COMPLETED');
    await expect.poll(async () => (await prepared()).total, { timeout: 90_000 }).toBeGreaterThan(0);
    const [pool] = (await prepared()).jobs;
    const job = await post(Job, '/api/jobs', {
      type: 'ACTIVE_ML',
      label: 'Hot stars',
      config: {
        classes: CLASSES,
        candidate_classes: ['hot'],
        pool_data_path: `${pool?.dir_path}/result.h5`,
        oracle_batch_size: BATCH,
        perf_est_batch_size: 2,
        epochs_train: 5,
        patience_train: 5,
        embedding: 'none',
        network: { layers: [{ kind: 'max_pooling1d', pool_size: 10 }, { kind: 'flatten' }] },
      },
    });
    jobId = job.job_id;
    await post(Job, `/api/jobs/${jobId}/process/RUN`);
    const page = await openAs('Ada');
    await page.getByText(`0 of ${BATCH} answered`).waitFor();
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.goto(`/jobs/${jobId}`);
    await page.getByRole('link', { name: 'Label', exact: true }).click();
    await page.getByTestId('batch').waitFor();
  });

  it('labels by keys alone, saves each at once and takes one back', async () => {
    const page = await openAs('Ada');
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
    const first = await filename(page);
    await page.keyboard.press('1');
    await saved(page, `${first}, hot`);
    expect(await filename(page)).not.toBe(first);
    const second = await filename(page);
    await page.keyboard.press('u');
    await saved(page, `${second}, Unsure`);
    const third = await filename(page);
    await page.keyboard.press('s');
    await saved(page, `${third}, Skip`);
    await page.getByText(`3 of ${BATCH} answered`).waitFor();
    await page.keyboard.press('z');
    await saved(page, `${third}, no answer yet`);
    expect(await filename(page)).toBe(third);
    await page.keyboard.press('ArrowLeft');
    expect(await filename(page)).toBe(second);
    await page.getByLabel('Show the prediction').click();
    // The box has the focus now; keys still are for the spectrum.
    await page.keyboard.press('r');
    await page.getByText('Raw: the pixels within the grid’s range').waitFor();
    await snap(page, 'labelling');

    const said = new Map((await labellings(0)).map((one) => [one.spectrum_filename, one]));
    expect(said.get(first ?? '')).toMatchObject({ user_label: 'hot', labelled_by: 'Ada' });
    expect(said.get(second ?? '')).toMatchObject({ decision: 'unsure', labelled_by: 'Ada' });
    expect(said.get(third ?? '')).not.toHaveProperty('decision');
    expect(said.get(third ?? '')).not.toHaveProperty('labelled_by');
  });

  it('shows one person what the other has answered, and keeps what the server could not take', async () => {
    const ada = await openAs('Ada');
    const eva = await openAs('Eva', { colorScheme: 'dark' });
    await eva.getByText(`2 of ${BATCH} answered`).waitFor();
    const name = await filename(ada);
    await ada.route('**/api/labellings/**', (route) => route.abort());
    await ada.keyboard.press('2');
    await ada.locator('[data-testid="saving"][data-state="retrying"]').waitFor();
    expect((await labellings(0)).filter(({ user_label }) => user_label === 'solar')).toEqual([]);
    await ada.unroute('**/api/labellings/**');
    await saved(ada, `${name}, solar`);
    await eva.getByTestId('batch').getByText('solar · Ada').waitFor({ timeout: 15_000 });
    await eva.getByText(`3 of ${BATCH} answered`).waitFor();
    expect(await accessibilityFaults(eva)).toEqual([]);
  });

  it('fits a phone, where the last answers are tapped; then the next batch comes up by itself', async () => {
    const page = await openAs('Eva', {
      viewport: { width: 360, height: 740 },
      isMobile: true,
      hasTouch: true,
    });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    for (let answered = 3; answered < BATCH; answered += 1) {
      await page.getByText(`${answered} of ${BATCH} answered`).waitFor();
      await page.locator(`[data-class="${CLASSES[answered % CLASSES.length]}"]`).tap();
    }
    await page.getByTestId('state').waitFor();
    await expect.poll(newestIteration, { timeout: 90_000 }).toBe(1);
    await page.getByText(`0 of ${(await labellings(1)).length} answered`).waitFor({ timeout: 15_000 });
    const answers = page.getByTestId('answers');
    await answers.getByText('predicted').waitFor();
    expect((await answers.innerText()).match(/\d %/g)).toHaveLength(CLASSES.length);
    const closed = await labellings(0);
    expect(
      closed.every(({ user_label, decision }) => user_label !== undefined || decision !== undefined),
    ).toBe(true);
  });

  it('closes a batch early', async () => {
    const page = await openAs('Ada');
    await page.getByTestId('close-batch').click();
    await page.getByTestId('confirm').click();
    await expect
      .poll(async () => (await ask(BatchPage, `/api/jobs/${jobId}/batches`)).batches.at(-2)?.closed_how)
      .toBe('early');
  });
});
