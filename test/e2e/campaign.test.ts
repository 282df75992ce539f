import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { Job, JobPage } from '../../contracts/job.ts';
import { BatchPage } from '../../contracts/labelling.ts';
import { CataloguePage } from '../../contracts/spectrum.ts';
import {
  accessibilityFaults,
  field,
  hasBrowser,
  inkOf,
  it,
  overflow,
  phase,
  PHONE,
  type Server,
  snap,
} from './browser.ts';

// A campaign of two iterations: made through the form, labelled by keys alone, watched, finished; then compared, its
// steps and files looked into. The network is so small that it takes no native TensorFlow.

const LABEL = 'Hot and cool stars';
const CLASSES = ['hot', 'solar', 'cool'];
/** By the letters that SUBCLASS begins with. */
const BEGINNINGS = [/^[AFB]/, /^G/, /^d?[KM]/];
const TINY_NETWORK = '[{"kind": "max_pooling1d", "pool_size": 10}, {"kind": "flatten"}]';

describe.skipIf(!hasBrowser)('a campaign in the dashboard', () => {
  let jobId = '';
  /** Key of the class of each star. */
  const keys = new Map<string, string>();

  const filename = async (page: Page) => (await page.getByTestId('filename').textContent()) ?? '';

  /** Answers the open batch of the bench by keys alone, each star by what its header says. */
  const labelBatch = async (page: Page, server: Server, iteration: number) => {
    const open = async () => {
      const { batches } = await server.ask(BatchPage, `/api/jobs/${jobId}/batches`);
      return batches.find((one) => one.iteration === iteration)?.open;
    };
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
    for (let left = (await open()) ?? 0; left > 0; left -= 1) {
      const name = await filename(page);
      await page.keyboard.press(keys.get(name.replace(/\.gz$/, '')) ?? 's');
      if (left > 1) await expect.poll(() => filename(page)).not.toBe(name);
    }
    await expect.poll(open).toBe(0);
  };

  it('is made through a form that says what is missing, and shows its config.json', async ({
    page,
    server,
  }) => {
    const prepared = async () => (await server.ask(JobPage, '/api/jobs?q=Sample&phase=COMPLETED')).total;
    await expect.poll(prepared, { timeout: 90_000 }).toBeGreaterThan(0);
    const { spectra } = await server.ask(CataloguePage, '/api/spectra?limit=1000');
    for (const { filename: name, subtype = '' } of spectra) {
      const index = BEGINNINGS.findIndex((pattern) => pattern.test(subtype));
      if (index >= 0) keys.set(name.replace(/\.gz$/, ''), String(index + 1));
    }

    await page.goto('/jobs?q=Sample');
    await page.getByRole('link', { name: 'Sample spectra', exact: true }).click();
    await page.getByRole('link', { name: 'Search in this' }).click();
    await expect
      .poll(() => field(page, 'pool_data_path').locator('input').inputValue())
      .toMatch(/^\/JOBS\/.*\/result\.h5$/);
    await page.getByTestId('submit').click();
    await field(page, 'classes').getByText('Classes: must not be empty').waitFor();

    await page.getByLabel('Label', { exact: true }).fill(LABEL);
    await page.getByLabel('Add a class').fill('warm, solar, cool,');
    await page.getByRole('textbox', { name: 'Rename warm' }).click();
    await page.keyboard.type('hot');
    await page.keyboard.press('Enter');
    for (const name of ['hot', 'cool'])
      await page.getByRole('button', { name: `Search for ${name}` }).press('Space');
    await page.getByLabel('Spectra to learn from').fill('12');
    await page.getByLabel('Spectra to estimate precision with').fill('4');
    await page.getByLabel('At most').fill('two');
    await page.getByText('must be a number').waitFor();
    await page.getByLabel('List candidates at the bench').check();
    await page.getByTestId('more-options').locator('summary').click();
    await page.getByLabel('Layers of the network').fill(TINY_NETWORK);
    expect(await accessibilityFaults(page)).toEqual([]);

    // The rest as text: form and config.json follow each other.
    const editor = page.getByRole('textbox', { name: 'config.json' });
    const config: unknown = JSON.parse(await editor.inputValue());
    expect(config).toMatchObject({
      classes: CLASSES,
      candidate_classes: ['hot', 'cool'],
      oracle_batch_size: 12,
      perf_est_batch_size: 4,
      max_iterations: 'two',
    });
    await editor.fill(
      JSON.stringify({ ...Object(config), max_iterations: 2, epochs_train: 10, cuts: { class: ['STAR'] } }),
    );
    await editor.blur();
    expect(await page.getByLabel('At most').inputValue()).toBe('2');
    expect(await page.getByLabel('Survey’s class').inputValue()).toBe('STAR');
    await page.getByTestId('more-options').locator('summary').click();
    await page.evaluate('scrollTo(0, 0)');
    await snap(page, 'campaign-form', { fullPage: true });
    await page.getByTestId('submit').click();

    await page.getByRole('heading', { name: LABEL, level: 1 }).waitFor();
    jobId = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    await page.getByText('12 spectra wait for a label in iteration 0').waitFor({ timeout: 60_000 });
    await page.getByText('No point of the curve yet').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('is labelled by keys alone, and what is asked next can be changed', async ({ page, server }) => {
    await page.goto(`/jobs/${jobId}`);
    await page.getByTestId('label-now').press('Enter');
    const person = page.getByTestId('person').locator('input');
    await person.fill('Ada');
    await person.press('Enter');
    await page.getByText('Labelling as Ada').waitFor();

    await page.evaluate(`fetch('/api/jobs/${jobId}/process/PAUSE', { method: 'POST' })`);
    await labelBatch(page, server, 0);
    await page.goto(`/jobs/${jobId}`);
    await page.getByRole('heading', { name: 'The campaign is paused' }).waitFor();
    await page.getByTestId('settings').click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Spectra to learn from').fill('8');
    await dialog.getByTestId('save-settings').click();
    await page.getByTestId('settings-now').getByText('Next: 8 to learn from').waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();

    await page.getByText('12 spectra wait for a label in iteration 1').waitFor({ timeout: 60_000 });
    await page.getByTestId('estimate').getByText('0 of 0 right').first().waitFor();
    await page.getByTestId('people').getByRole('cell', { name: 'Ada' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByTestId('label-now').press('Enter');
    await page.getByTestId('filename').waitFor();
    await snap(page, 'labelling', { fullPage: true, shows: page.getByTestId('map') });
    await labelBatch(page, server, 1);
  });

  it('ends with curve, map and catalogue', async ({ page }) => {
    await page.goto(`/jobs/${jobId}`);
    await phase(page, 'COMPLETED').waitFor({ timeout: 60_000 });
    await page.getByText('The campaign is finished.').waitFor();
    await expect.poll(() => inkOf(page, 'curve-plot')).toBeGreaterThan(3);
    const rows = page.getByTestId('candidates').locator('tbody tr');
    await rows.first().waitFor();
    const map = page.locator('[data-testid="scatter"]');
    await map.waitFor();
    expect(Number(await map.getAttribute('data-points'))).toBeGreaterThan(5);
    expect(await accessibilityFaults(page)).toEqual([]);
    await snap(page, 'campaign', { fullPage: true });

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByTestId('candidates').getByRole('button', { name: /^CSV/ }).click(),
    ]);
    const csv = await readFile(await download.path(), 'utf8');
    expect(csv.split('\r\n')[0]).toBe('Spectrum,Class,Probability,Label,By,Designation,RA [deg],Dec [deg]');
    expect(csv.trim().split('\r\n').length).toBeGreaterThan(1);

    await map.focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/spectra/view/**');
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
  });

  it('shows its steps, and what is in its files', async ({ page }) => {
    await page.goto(`/jobs/${jobId}`);
    await page.getByRole('tab', { name: 'Timeline' }).click();
    const steps = page.getByTestId('timeline');
    await steps.getByRole('cell', { name: 'Choose the batch' }).first().waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await snap(page, 'timeline');
    await page.getByRole('tab', { name: 'Result files' }).click();
    await page.getByRole('button', { name: 'Preview result.h5', exact: true }).click();
    const preview = page.getByTestId('preview');
    await preview.getByRole('cell', { name: '/probabilities' }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await snap(page, 'job-files');
    await page.getByRole('button', { name: 'Preview catalogue.csv', exact: true }).click();
    await preview.getByRole('columnheader', { name: 'designation' }).waitFor();
  });

  it('is compared with another, and fits a phone', async ({ page, open, server }) => {
    await server.ask(Job, `/api/jobs/${jobId}/clone`, { label: 'Another seed', config: { seed: 7 } });
    await page.goto('/jobs?type=ACTIVE_ML');
    for (const label of [LABEL, 'Another seed']) await page.getByLabel(`Compare ${label}`).check();
    await page.getByTestId('compare').click();
    const settings = page.getByTestId('settings-compared');
    await settings.getByRole('cell', { name: 'seed' }).waitFor();
    expect(await settings.locator('tbody tr').count()).toBe(1);
    expect(await accessibilityFaults(page)).toEqual([]);
    await snap(page, 'compare', { fullPage: true });
    const compared = new URL(page.url());

    const phone = await open(PHONE);
    for (const path of [
      `/jobs/${jobId}`,
      `${compared.pathname}${compared.search}`,
      '/jobs/new?type=ACTIVE_ML',
    ]) {
      await phone.goto(path);
      await phone.locator('h1:not(.visually-hidden)').waitFor();
      await phone.waitForLoadState('networkidle');
      expect(await overflow(phone), path).toBeLessThanOrEqual(0);
      expect(await accessibilityFaults(phone), path).toEqual([]);
    }
  });
});
