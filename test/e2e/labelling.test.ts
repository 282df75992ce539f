import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import h5wasm from 'h5wasm/node';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { z } from 'zod';
import { BatchPage, DisagreementPage, type Labelling, LabellingPage } from '../../contracts/labelling.ts';
import { CataloguePage } from '../../contracts/spectrum.ts';
import {
  accessibilityFaults,
  hasBrowser,
  inkOf,
  it,
  type Open,
  overflow,
  PHONE,
  type Server,
  snap,
} from './browser.ts';

// A batch of a campaign labelled in the browser, by keys alone, by two people, with the server away in between.

const CLASSES = ['no line', 'single peak', 'double peak'];
const SPECTRA = 150;
const POINTS = 140;
const BATCH = 116;
/** As many are labelled in a row against the clock. */
const IN_A_ROW = 100;

/** Spectra around Hα, a third of them without a line, with one peak, with two; under the names given, then under their own. */
async function makePool(names: readonly string[]): Promise<Buffer> {
  await h5wasm.ready;
  const directory = await mkdtemp(join(tmpdir(), 'pool of a test '));
  const path = join(directory, 'pool.h5');
  const wave = Float64Array.from({ length: POINTS }, (_, i) => 6519 + (213 * i) / (POINTS - 1));
  let state = 1;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const fluxes = Float32Array.from({ length: SPECTRA * POINTS }, (_, at) => {
    const peaks = [[], [6564.6], [6560.5, 6568.7]][Math.floor(at / POINTS) % 3] ?? [];
    const here = wave[at % POINTS] ?? 0;
    return peaks.reduce((sum, centre) => sum + Math.exp(-((here - centre) ** 2) / 12), 0.2 * noise());
  });
  const file = new h5wasm.File(path, 'w');
  file.create_dataset({ name: 'fluxes', data: fluxes, shape: [SPECTRA, POINTS], dtype: '<f' });
  file.create_dataset({ name: 'wave', data: wave });
  file.create_dataset({
    name: 'filenames',
    data: Array.from({ length: SPECTRA }, (_, row) => names[row] ?? `pool-${row}.fits`),
  });
  file.close();
  const bytes = await readFile(path);
  await rm(directory, { recursive: true });
  return bytes;
}

describe.skipIf(!hasBrowser)('the labelling bench', () => {
  let jobId = '';

  const labellings = async (server: Server, iteration: number): Promise<Labelling[]> =>
    (await server.ask(LabellingPage, `/api/labellings?job_id=${jobId}&iteration=${iteration}`)).labellings;
  const isOpen = ({ user_label, decision }: Labelling) => user_label === undefined && decision === undefined;
  const openSpectra = async (server: Server) => (await labellings(server, 0)).filter(isOpen);
  const answered = async (server: Server) =>
    (await labellings(server, 0)).filter((one) => !isOpen(one)).length;
  const newestIteration = async (server: Server) =>
    (await server.ask(BatchPage, `/api/jobs/${jobId}/batches`)).batches[0]?.iteration;

  /** The bench as one person sees it; `spectrum` is a labelling's id. */
  const openAs = async (
    open: Open,
    person: string,
    { spectrum, ...options }: BrowserContextOptions & { spectrum?: string } = {},
  ): Promise<Page> => {
    const page = await open(options);
    await page.goto(`/jobs/${jobId}/label`);
    await page.getByTestId('person').locator('input:focus').waitFor();
    await page.keyboard.type(person);
    await page.keyboard.press('Enter');
    await page.getByText(`Labelling as ${person}`).waitFor();
    if (spectrum !== undefined) await page.goto(`/jobs/${jobId}/label?spectrum=${spectrum}`);
    await page.getByTestId('filename').waitFor();
    return page;
  };
  const filename = (page: Page) => page.getByTestId('filename').textContent();
  const saved = (page: Page, said: string) =>
    page.locator('[data-testid="saving"][data-state="saved"]').getByText(said).waitFor();
  const savingIs = (page: Page, state: string) =>
    page.locator(`[data-testid="saving"][data-state="${state}"]`).waitFor();

  it('has the first batch of a campaign', async ({ server }) => {
    const archive = () => server.ask(CataloguePage, '/api/spectra?limit=60');
    await expect.poll(async () => (await archive()).total, { timeout: 60_000 }).toBeGreaterThanOrEqual(60);
    const form = new FormData();
    const pool = await makePool((await archive()).spectra.map((one) => one.filename));
    form.append('file', new Blob([new Uint8Array(pool)]), 'pool.h5');
    const uploaded = await fetch(new URL('/api/files/pool.h5/upload?parent_dir_path=/', server.url), {
      method: 'POST',
      body: form,
    });
    expect(uploaded.status).toBe(201);
    jobId = await server.runJob('ACTIVE_ML', 'Hα profiles', {
      classes: CLASSES,
      candidate_classes: ['double peak'],
      pool_data_path: '/pool.h5',
      oracle_batch_size: BATCH,
      perf_est_batch_size: 6,
      epochs_train: 25,
      patience_train: 25,
      network: { layers: [{ kind: 'max_pooling1d', pool_size: 5 }, { kind: 'flatten' }] },
    });
    await expect.poll(() => newestIteration(server), { timeout: 60_000 }).toBe(0);
  });

  it('labels by keys alone, saves each answer at once and takes one back', async ({ open, server }) => {
    const page = await openAs(open, 'Ada');
    await page.getByText(`0 of ${BATCH} answered`).waitFor();
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
    const [inset] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('close-up').getByRole('button', { name: /^PNG/ }).click(),
    ]);
    expect(inset.suggestedFilename()).toMatch(/-Hα\.png$/);
    expect((await readFile(await inset.path())).subarray(1, 4).toString()).toBe('PNG');
    expect(await accessibilityFaults(page)).toEqual([]);
    const first = await filename(page);
    await page.keyboard.press('1');
    await saved(page, `${first}, no line`);
    const second = await filename(page);
    expect(second).not.toBe(first);
    await page.keyboard.press('?');
    await saved(page, `${second}, Unsure`);
    const third = await filename(page);
    await page.keyboard.press('s');
    await saved(page, `${third}, Skip`);
    await page.getByText(`3 of ${BATCH} answered`).waitFor();
    await page.keyboard.press('u');
    await saved(page, `${third}, no answer yet`);
    expect(await filename(page)).toBe(third);
    await page.keyboard.press('ArrowLeft');
    expect(await filename(page)).toBe(second);
    await page.getByTestId('given').getByText('Unsure · Ada').waitFor();

    // Keys are letters in a field.
    await page.keyboard.press('c');
    await page.keyboard.type('1 noisy spectrum');
    await page.keyboard.press('Enter');
    await expect
      .poll(async () => (await labellings(server, 0)).filter((one) => one.user_comment).length)
      .toBe(1);
    await page.keyboard.press('z');
    await page.getByText('Zoomed to Hα').waitFor();
    await page.keyboard.press('0');
    await page.getByText('Zoom to line').waitFor();
    // What was zoomed with the pointer stays for the next spectrum, and keys stay keys after a click into the plot.
    const plot = page.getByTestId('plot').first();
    await plot.locator('.u-over').hover();
    await page.mouse.wheel(0, -300);
    await plot.locator('.u-over').click();
    const zoomOut = page.getByRole('button', { name: 'Zoom out' }).first();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => filename(page)).toBe(third);
    expect(await zoomOut.isDisabled()).toBe(false);
    await page.keyboard.press('0');
    await expect.poll(() => zoomOut.isDisabled()).toBe(true);
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('y');
    expect(await page.getByLabel('Cut outliers off').isChecked()).toBe(true);
    await page.keyboard.press('y');
    await page.keyboard.press('.');
    await page.getByTestId('smoothing').getByText('σ 1 px').waitFor();
    await page.keyboard.press(',');
    await page.keyboard.press('h');
    await page.getByTestId('keyboard-help').getByText('Unsure').waitFor();
    await page.keyboard.press('Escape');
    await page.getByTestId('keyboard-help').waitFor({ state: 'hidden' });

    const said = new Map((await labellings(server, 0)).map((one) => [one.spectrum_filename, one]));
    expect(said.get(first ?? '')).toMatchObject({ user_label: 'no line', labelled_by: 'Ada' });
    expect(said.get(second ?? '')).toMatchObject({
      decision: 'unsure',
      labelled_by: 'Ada',
      user_comment: '1 noisy spectrum',
    });
    expect(said.get(third ?? '')).not.toHaveProperty('decision');
    expect(said.get(third ?? '')).not.toHaveProperty('labelled_by');
    // What the catalogue knows stands above the spectrum; not what the survey takes it for, where that is not to be told.
    const known = (await labellings(server, 0)).find((one) => !one.spectrum_filename.startsWith('pool-'));
    await page.goto(`/jobs/${jobId}/label?spectrum=${known?.labelling_id ?? ''}`);
    await page.getByTestId('facts').getByText('S/N').waitFor();
    await page
      .getByTestId('facts')
      .getByText(/^Survey: /)
      .waitFor();
    await page.keyboard.press('b');
    await page
      .getByTestId('facts')
      .getByText(/^Survey: /)
      .waitFor({ state: 'detached' });
    await page.keyboard.press('b');
    await page.goto(`/jobs/${jobId}`);
    await page
      .getByRole('link', { name: /^Label/ })
      .first()
      .click();
    await page.getByTestId('batch').waitFor();
  });

  it('lets two people see each other’s answers, and never overwrite one unseen', async ({ open, server }) => {
    const [shared] = await openSpectra(server);
    if (!shared) throw new Error('nothing is left to label');
    const { labelling_id: spectrum, spectrum_filename: name } = shared;
    const ada = await openAs(open, 'Ada', { spectrum });
    const eva = await openAs(open, 'Eva', { spectrum, colorScheme: 'dark' });
    await eva.getByTestId('shares').getByText('2 by Ada').waitFor();
    expect(await filename(eva)).toBe(name);
    expect(await accessibilityFaults(eva)).toEqual([]);

    // Ada answers, but it does not get through; Eva, who cannot know, answers too.
    await ada.route('**/api/labellings/**', (route) => route.abort());
    // Once in a while, on a busy machine, the first request still got through.
    const request = `fetch('/api/labellings/${spectrum}').then(() => 'got through', () => 'cut off')`;
    await expect.poll(() => ada.evaluate(request)).toBe('cut off');
    await ada.keyboard.press('2');
    await savingIs(ada, 'retrying');
    await eva.keyboard.press('3');
    await saved(eva, `${name}, double peak`);
    await ada.unroute('**/api/labellings/**');
    const conflict = ada.getByTestId('conflict');
    await conflict.getByText(`${name}: Eva says double peak, you say single peak.`).waitFor();
    expect(await accessibilityFaults(ada)).toEqual([]);
    const holds = async () =>
      (await labellings(server, 0)).find(({ labelling_id }) => labelling_id === spectrum)?.user_label;
    expect(await holds()).toBe('double peak');
    await conflict.getByRole('button', { name: 'Answer single peak' }).click();
    await expect.poll(holds).toBe('single peak');

    // Now they disagree in the open, and Eva, who hears of it by herself, settles it.
    await eva.locator('[data-view="disagreements"]').getByText('(1)').waitFor();
    await eva.locator('[data-view="disagreements"]').click();
    await eva.getByTestId('disagreement').getByText('Ada: single peak').waitFor();
    expect(await accessibilityFaults(eva)).toEqual([]);
    await snap(eva, 'labelling-disagreements');
    await eva.getByRole('button', { name: 'double peak' }).click();
    await eva.getByText('Nobody disagrees').waitFor();
    const { total } = await server.ask(DisagreementPage, `/api/jobs/${jobId}/labellings/disagreements`);
    expect([total, await holds()]).toEqual([0, 'double peak']);
    await ada.getByTestId('shares').getByText('1 by Eva').waitFor();
  });

  it('takes the first key that is pressed when a spectrum is seen, even where the classes come late', async ({
    open,
    server,
  }) => {
    const before = await answered(server);
    const page = await open();
    await page.addInitScript("localStorage.setItem('spectrolabe.labelled-by', 'Ada')");
    await page.route('**/api/jobs/*/classes*', async (route) => {
      await setTimeout(1500);
      await route.continue();
    });
    await page.goto(`/jobs/${jobId}/label`);
    const first = await filename(page);
    await page.keyboard.press('1');
    await saved(page, `${first}, no line`);
    await page.keyboard.press('u');
    await expect.poll(() => answered(server)).toBe(before);
  });

  it('loses nothing when the server goes and comes back, nor when the page is closed meanwhile', async ({
    open,
    server,
  }) => {
    const before = await answered(server);
    const page = await openAs(open, 'Ada');
    await page.route('**/api/**', (route) => route.abort());
    for (const key of ['1', '2', '3']) await page.keyboard.press(key);
    await savingIs(page, 'retrying');
    await page.getByText('3 answers are kept in this browser').waitFor();
    expect(await answered(server)).toBe(before);
    // Another page, while the server is still away; the answers wait in the browser.
    await page.goto('/spectra');
    await page.getByTestId('offline').waitFor();
    await page.unroute('**/api/**');
    await expect.poll(() => answered(server)).toBe(before + 3);
    // For whom it is saved can be seen there, too.
    const mine = (await labellings(server, 0)).filter(({ labelled_by }) => labelled_by === 'Ada');
    expect(mine.length).toBeGreaterThanOrEqual(5);

    if (!server.kill) return;
    await page.goto(`/jobs/${jobId}/label`);
    await page.getByTestId('filename').waitFor();
    server.kill('API');
    await page.keyboard.press('1');
    await page.keyboard.press('1');
    await savingIs(page, 'saved');
    await expect.poll(() => answered(server)).toBe(before + 5);
  });

  it(`labels ${IN_A_ROW} spectra in a row by the keyboard, without a wait between them`, async ({
    open,
    server,
  }) => {
    const page = await openAs(open, 'Ada');
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
    // From the key to the frame that shows the next spectrum, plot included; and how long anything was seen to be loading.
    await page.evaluate(`(() => {
      const shown = () => document.querySelector('[data-drawn]')?.dataset.drawn;
      window.latencies = [];
      window.spinnerMs = 0;
      let last = performance.now();
      const watch = (now) => {
        if (document.querySelector('.bench .v-progress-linear--indeterminate')) window.spinnerMs += now - last;
        last = now;
        requestAnimationFrame(watch);
      };
      requestAnimationFrame(watch);
      window.addEventListener('keydown', () => {
        const pressedAt = performance.now();
        const before = shown();
        const look = () => {
          if (shown() === before) return requestAnimationFrame(look);
          const channel = new MessageChannel();
          // A task after this frame's callbacks: the frame has been painted.
          channel.port1.onmessage = () => window.latencies.push(performance.now() - pressedAt);
          channel.port2.postMessage(0);
        };
        requestAnimationFrame(look);
      }, { capture: true });
    })()`);
    const before = await answered(server);
    const began = performance.now();
    for (let count = 1; count <= IN_A_ROW; count += 1) {
      await page.keyboard.press(String(1 + (count % CLASSES.length)));
      await page.waitForFunction(`window.latencies.length >= ${count}`, undefined, { polling: 5 });
    }
    const seconds = (performance.now() - began) / 1000;
    await expect.poll(() => answered(server)).toBe(before + IN_A_ROW);
    const latencies = z
      .array(z.number())
      .parse(await page.evaluate('window.latencies'))
      .sort((a, b) => a - b);
    const spinnerMs = z.number().parse(await page.evaluate('window.spinnerMs'));
    const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))] ?? Infinity;
    console.log(
      `${IN_A_ROW} spectra in ${seconds.toFixed(1)} s; next one shown after ${at(0.5).toFixed(0)} ms (median), ` +
        `${at(0.95).toFixed(0)} ms (95 %), ${at(1).toFixed(0)} ms (slowest); ${spinnerMs.toFixed(0)} ms of loading seen`,
    );
    expect(seconds).toBeLessThan(60);
    expect(spinnerMs).toBeLessThan(100);
  });

  it('fits a phone, where the last answers are tapped; then the next batch comes up by itself', async ({
    open,
    server,
  }) => {
    // One whose picture is of the pool alone.
    const shown = (await openSpectra(server)).find((one) => one.spectrum_filename.startsWith('pool-'));
    const page = await openAs(open, 'Eva', { ...PHONE, ...(shown && { spectrum: shown.labelling_id }) });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    await snap(page, 'labelling-phone');
    const left = (await openSpectra(server)).length;
    expect(left).toBeGreaterThan(0);
    for (let count = 1; count <= left; count += 1) {
      await page.locator(`[data-class="${CLASSES[count % CLASSES.length]}"]`).tap();
      await page.getByText(`${BATCH - left + count} of ${BATCH} answered`).waitFor();
    }
    await expect.poll(() => newestIteration(server), { timeout: 90_000 }).toBe(1);
    await page
      .getByText(`0 of ${(await labellings(server, 1)).length} answered`)
      .waitFor({ timeout: 15_000 });
    expect(await answered(server)).toBe(BATCH);
  });

  it('shows what the network says, unless it is to be blind, and accepts it by one key', async ({
    open,
    server,
  }) => {
    const page = await openAs(open, 'Ada');
    const answers = page.getByTestId('answers');
    await answers.getByText('predicted').waitFor();
    expect((await answers.innerText()).match(/\d %/g)).toHaveLength(CLASSES.length);
    await page.getByTestId('similar').getByText('×').first().waitFor();
    const name = await filename(page);
    const suggested = (await labellings(server, 1)).find(
      (one) => one.spectrum_filename === name,
    )?.model_prediction;
    await page.keyboard.press('Enter');
    await saved(page, `${name}, ${suggested}`);
    await page.getByTestId('map').waitFor({ timeout: 40_000 });
    await page.keyboard.press('b');
    await answers.getByText('predicted').waitFor({ state: 'detached' });
    expect(await answers.innerText()).not.toMatch(/\d %/);
    const unheard = await filename(page);
    await page.keyboard.press('Enter');
    expect(await filename(page)).toBe(unheard);
    await page.keyboard.press('b');
    // A similar spectrum beside it.
    await page.getByTestId('similar').locator('button').first().click();
    await page.getByTestId('compared').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('has the batch as a table to revise, which an address leads to', async ({ open }) => {
    const page = await openAs(open, 'Eva');
    await page.goto(`/jobs/${jobId}/label?view=table&iteration=0`);
    const table = page.getByTestId('table');
    await table.getByText(`1–100 of ${BATCH}`).waitFor();
    await page.getByRole('textbox', { name: 'File name or comment' }).fill('1 noisy');
    const row = table.locator('tbody tr');
    await expect.poll(() => row.count()).toBe(1);
    await row.locator('select').selectOption('decision:skip');
    await row.getByRole('cell', { name: 'Eva' }).waitFor();
    await page.getByRole('textbox', { name: 'File name or comment' }).fill('');
    await table.getByRole('button', { name: 'Answer', exact: true }).click();
    expect(await accessibilityFaults(page)).toEqual([]);
    await snap(page, 'labelling-table');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as CSV' }).click(),
    ]);
    const csv = await readFile(await download.path(), 'utf8');
    expect(csv.split('\r\n')).toHaveLength(BATCH + 2);
    expect(csv).toMatch(/,skip,1 noisy spectrum,Eva,/);
  });

  it('closes a batch early', async ({ open, server }) => {
    const page = await openAs(open, 'Ada');
    await page.getByTestId('close-batch').click();
    await page.getByTestId('confirm').click();
    await expect
      .poll(
        async () => (await server.ask(BatchPage, `/api/jobs/${jobId}/batches`)).batches.at(-2)?.closed_how,
      )
      .toBe('early');
  });
});
