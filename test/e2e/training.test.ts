import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { JobPage } from '../../contracts/job.ts';
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
  snap,
} from './browser.ts';

// A network trained from the dashboard alone: labels uploaded, the form filled in, the curves watched, a worker killed.
// The network is so small that it takes no native TensorFlow.

const LABEL = 'Hot or cool';
const LABELS_NAME = 'e2e-labels.csv';
const EPOCHS = 60;
const TINY_NETWORK = '[{"kind": "max_pooling1d", "pool_size": 10}, {"kind": "flatten"}]';

describe.skipIf(!hasBrowser)('a TRAINING job in the dashboard', () => {
  const lastEpoch = async (page: Page) => Number((await page.getByTestId('last-epoch').textContent()) ?? NaN);
  const openJob = async (page: Page, label: string) => {
    await page.goto(`/jobs?q=${encodeURIComponent(label)}`);
    await page.getByRole('link', { name: label, exact: true }).click();
    await page.getByRole('heading', { name: label, level: 1 }).waitFor();
  };

  it('takes labels through Files', async ({ page, server }) => {
    const prepared = async () => (await server.ask(JobPage, '/api/jobs?q=Sample&phase=COMPLETED')).total;
    await expect.poll(prepared, { timeout: 90_000 }).toBeGreaterThan(0);
    const { spectra } = await server.ask(CataloguePage, '/api/spectra?type=STAR&limit=100');
    const lines = spectra.flatMap(({ filename, subtype = '' }) => {
      const isHot = /^[AF]/.test(subtype);
      return isHot || /^d?[KM]/.test(subtype) ? [`${filename},${isHot ? 'hot' : 'cool'}`] : [];
    });
    expect(lines.length).toBeGreaterThan(40);
    const buffer = Buffer.from(['filename,label', ...lines, ''].join('\n'));
    await page.goto('/files');
    await page.getByTestId('file-input').setInputFiles({ name: LABELS_NAME, mimeType: 'text/csv', buffer });
    await page.getByRole('table').getByRole('link', { name: LABELS_NAME, exact: true }).waitFor();
  });

  it('says what is wrong: in the form at the field, of files on the page of the job', async ({ page }) => {
    await page.goto('/jobs/new');
    await page.getByRole('link', { name: 'Training', exact: true }).click();
    await page.getByTestId('submit').click();
    await field(page, 'training_data_path').getByText('must not be empty').waitFor();
    await page.getByTestId('more-options').locator('summary').click();
    await page.getByLabel('Layers of the network').fill('[{"kind": "dense", "units": 0}]');
    await field(page, 'network').getByText('[0].units').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);

    await page.getByLabel('Layers of the network').fill('[{"kind": "flatten"}]');
    await page.getByLabel('Label', { exact: true }).fill('Not to be');
    await page.getByLabel('Spectra to train on').fill('/nowhere.h5');
    await page.getByTestId('submit').click();
    await phase(page, 'ERROR').waitFor({ timeout: 30_000 });
    await page.getByText('training_data_path: /nowhere.h5 does not exist').first().waitFor();
    await page.getByText('The job ended before its first epoch did.').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('trains: curves while it runs, then the confusion matrix, and both after a reload', async ({ page }) => {
    await openJob(page, 'Sample spectra');
    await page.getByRole('link', { name: 'Train on this' }).click();
    await expect
      .poll(() => field(page, 'training_data_path').locator('input').inputValue())
      .toMatch(/\/JOBS\/.*\/result\.h5$/);
    await page.getByLabel('Label', { exact: true }).fill(LABEL);
    await field(page, 'labels_path').getByRole('button', { name: 'Browse' }).click();
    await page.getByRole('button', { name: LABELS_NAME }).click();
    expect(await field(page, 'labels_path').locator('input').inputValue()).toBe(`/${LABELS_NAME}`);
    await page.getByLabel('Epochs', { exact: true }).fill(String(EPOCHS));
    await page.getByLabel('Patience').fill(String(EPOCHS));
    await page.getByLabel('Learning rate', { exact: true }).fill('0.01');
    await page.getByTestId('more-options').locator('summary').click();
    await page.getByLabel('Layers of the network').fill(TINY_NETWORK);
    await page.getByTestId('submit').click();

    await page.getByRole('heading', { name: LABEL, level: 1 }).waitFor();
    await phase(page, 'COMPLETED').waitFor({ timeout: 60_000 });
    await expect.poll(() => lastEpoch(page)).toBe(EPOCHS);
    await page.getByText(`${EPOCHS} / ${EPOCHS} epochs`).waitFor();
    await expect.poll(() => inkOf(page, 'epoch-plot')).toBeGreaterThan(3);

    await page.reload();
    await expect.poll(() => lastEpoch(page)).toBe(EPOCHS);
    const matrix = page.getByTestId('confusion');
    // It comes by a request of its own, and allTextContents does not wait.
    await matrix.waitFor();
    const counts = await matrix.locator('tbody td:last-child').allTextContents();
    expect(counts).toHaveLength(2);
    const heldOut = counts.reduce((sum, count) => sum + Number(count), 0);
    await page.getByText(`${heldOut} spectra held out`).first().waitFor();
    await page.getByTestId('classes').getByRole('rowheader', { name: 'hot' }).waitFor();
    await page.getByText(/^[0-9a-f]{64}$/).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await snap(page, 'training', { fullPage: true });

    const plot = page.getByTestId('epoch-plot').first();
    await plot.focus();
    await page.keyboard.press('Home');
    await page.getByText('Epoch 1', { exact: true }).first().waitFor();
    await page.keyboard.press('ArrowRight');
    await page.getByText('Epoch 2', { exact: true }).first().waitFor();

    await page.getByRole('tab', { name: 'Result files' }).click();
    await page.getByRole('link', { name: 'training.json' }).waitFor();
  });

  it('is as good on a phone', async ({ open }) => {
    const page = await open(PHONE);
    await page.goto('/jobs/new?type=TRAINING');
    await page.getByTestId('more-options').locator('summary').click();
    await page.getByLabel('Layers of the network').waitFor();
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    await openJob(page, LABEL);
    await page.getByTestId('confusion').waitFor();
    await expect.poll(() => inkOf(page, 'epoch-plot')).toBeGreaterThan(3);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await accessibilityFaults(page)).toEqual([]);
  });

  it('clones with a small change, goes on after a kill -9 of its worker, and is aborted', async ({
    page,
    server,
  }) => {
    await openJob(page, LABEL);
    await page.getByRole('link', { name: 'Clone' }).click();
    await page.getByText(`From the job “${LABEL}”.`).waitFor();
    expect(await page.getByLabel('Learning rate', { exact: true }).inputValue()).toBe('0.01');
    await page.getByLabel('Learning rate', { exact: true }).fill('0.001');
    await page.getByLabel('Epochs', { exact: true }).fill('100000');
    await page.getByLabel('Patience').fill('100000');
    await page.getByTestId('submit').click();
    await page.getByRole('heading', { name: `${LABEL} (copy)`, level: 1 }).waitFor();
    await expect.poll(() => lastEpoch(page), { timeout: 60_000 }).toBeGreaterThan(2);
    await page.getByTestId('until-stop').waitFor();

    if (server.kill) {
      server.kill('cpu worker');
      const warnings = page.getByTestId('warnings');
      await warnings.getByText(/taken up again/).waitFor({ timeout: 60_000 });
      const before = await lastEpoch(page);
      await expect.poll(() => lastEpoch(page), { timeout: 60_000 }).toBeGreaterThan(before);
    }
    await page.getByTestId('abort').click();
    await page.getByTestId('confirm').click();
    await phase(page, 'ABORTED').waitFor();
    const seen = await lastEpoch(page);
    await page.reload();
    await expect.poll(() => lastEpoch(page)).toBeGreaterThanOrEqual(seen);
    expect(await accessibilityFaults(page)).toEqual([]);
  });
});
