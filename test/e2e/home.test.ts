import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { z } from 'zod';
import { JobPage } from '../../contracts/job.ts';
import { accessibilityFaults, hasBrowser, it, overflow, PHONE, snap } from './browser.ts';

// The first page and the shell around all of them: what is found at a glance, by search and by keys, and how soon.

describe.skipIf(!hasBrowser)('the first page and the shell', () => {
  /** The lists of jobs are there. */
  const done = (page: Page) => page.getByTestId('done').getByRole('link').first();

  it('shows what waits, runs and failed, who works and what room there is, as it happens', async ({
    page,
    server,
  }) => {
    await page.goto('/');
    await page.getByRole('heading', { name: 'Waits for you' }).waitFor();
    await done(page).waitFor({ timeout: 60_000 });
    await page.locator('[data-queue="cpu"]').getByText('1 worker').waitFor({ timeout: 30_000 });
    await page.locator('[data-queue="gpu"]').waitFor();
    await page
      .getByTestId('storage')
      .getByText(/\d [kMGT]?B free of/)
      .waitFor();
    await page
      .getByTestId('storage')
      .getByText(/^\d\d+ files$/)
      .first()
      .waitFor();

    await server.runJob('TRAINING', 'Without data', {
      training_data_path: '/absent.h5',
      classes: ['a', 'b'],
    });
    const { jobs } = await server.ask(JobPage, '/api/jobs?q=Sample&phase=COMPLETED');
    const campaign = await server.runJob('ACTIVE_ML', 'Hot stars', {
      classes: ['hot', 'cool'],
      candidate_classes: ['hot'],
      pool_data_path: `${jobs[0]?.dir_path ?? ''}/result.h5`,
      oracle_batch_size: 12,
    });
    // Nobody reloads the page.
    const failed = page.getByTestId('failed');
    await failed.getByText('Without data').waitFor({ timeout: 30_000 });
    await failed.getByText('absent.h5').waitFor();
    const line = page.getByTestId('waits').getByRole('listitem').filter({ hasText: 'Hot stars' });
    await line.getByText('12 spectra to label').waitFor({ timeout: 60_000 });
    await snap(page, 'home');
    await line.getByRole('link', { name: 'Label' }).click();
    await page.waitForURL(`**/jobs/${campaign}/label`);
  });

  it('has no accessibility faults that axe finds, in its dialogs neither', async ({ page }) => {
    await page.goto('/');
    await done(page).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('/');
    await page.locator('[role="combobox"]:focus').waitFor();
    await page.keyboard.type('spec');
    await page.getByRole('option', { name: /^All/ }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByTestId('search').waitFor({ state: 'hidden' });
    await page.keyboard.press('?');
    await page.getByTestId('keyboard-help').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await snap(page, 'keys');
  });

  it('finds jobs, spectra and pages by the keyboard', async ({ page }) => {
    await page.goto('/files');
    await page.keyboard.press('Control+k');
    await page.locator('[role="combobox"]:focus').waitFor();
    await page.keyboard.type('sample sp');
    await page.getByRole('option', { name: /^Sample spectra/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/jobs/*');
    await page.getByTestId('search').waitFor({ state: 'hidden' });
    await page.keyboard.press('/');
    await page.locator('[role="combobox"]:focus').waitFor();
    await page.keyboard.type('spec');
    await page
      .getByRole('option', { name: /\.fits/ })
      .first()
      .waitFor();
    await snap(page, 'search');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page
      .getByRole('option', { name: /\.fits/ })
      .first()
      .click();
    await page.waitForURL('**/spectra/view/**');
    await page.keyboard.press('g');
    await page.keyboard.press('w');
    await page.waitForURL('**/workers');
    await page.keyboard.press('g');
    await page.keyboard.press('h');
    await page.getByRole('heading', { name: 'Waits for you' }).waitFor();
  });

  it('leaves keys alone for whom they hinder', async ({ page }) => {
    await page.goto('/');
    await page.getByTestId('open-help').click();
    await page.getByLabel('Single keys do something').click();
    await page.keyboard.press('Escape');
    await page.getByTestId('keyboard-help').waitFor({ state: 'hidden' });
    await page.keyboard.press('g');
    await page.keyboard.press('j');
    await page.keyboard.press('Control+k');
    await page.getByTestId('search').waitFor();
    expect(new URL(page.url()).pathname).toBe('/');
  });

  it('fits a phone', async ({ open }) => {
    const page = await open(PHONE);
    await page.goto('/');
    await done(page).waitFor();
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(await accessibilityFaults(page)).toEqual([]);
    await snap(page, 'home-phone', { fullPage: true });
    await page.getByTestId('open-search').tap();
    await page.getByTestId('search').waitFor();
    expect(await overflow(page)).toBeLessThanOrEqual(0);
  });

  it('is there soon: little to load, nothing that jumps', async ({ open }) => {
    // How long it takes is printed, not asserted: it tells of the machine, too.
    const loads: { interactiveMs: number; scriptBytes: number; shift: number }[] = [];
    for (let time = 0; time < 3; time += 1) {
      const page = await open();
      await page.addInitScript(`
        window.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
        }).observe({ type: 'layout-shift', buffered: true });`);
      await page.goto('/');
      await done(page).waitFor();
      const load = await page.evaluate<unknown>(`(() => {
        const scripts = performance.getEntriesByType('resource').filter(({ name }) => name.endsWith('.js'));
        return {
          interactiveMs: performance.now(),
          scriptBytes: scripts.reduce((sum, { transferSize }) => sum + transferSize, 0),
        };
      })()`);
      // It answers now: that is what interactive means.
      await page.keyboard.press('?');
      await page.getByTestId('keyboard-help').waitFor();
      const shift = await page.evaluate<number>('window.shift');
      loads.push({
        shift,
        ...z.object({ interactiveMs: z.number(), scriptBytes: z.number() }).parse(load),
      });
    }
    const least = (key: keyof (typeof loads)[number]) => Math.min(...loads.map((load) => load[key]));
    console.log(
      `the first page: interactive after ${least('interactiveMs').toFixed(0)} ms with what it shows, ` +
        `${(least('scriptBytes') / 1000).toFixed(0)} kB of scripts, layout shift ${least('shift').toFixed(3)}`,
    );
    expect(least('scriptBytes')).toBeGreaterThan(50_000);
    expect(least('scriptBytes')).toBeLessThan(400_000);
    expect(least('shift')).toBeLessThan(0.1);
  });
});
