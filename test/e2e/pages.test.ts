import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { JobPage } from '../../contracts/job.ts';
import { BatchPage } from '../../contracts/labelling.ts';
import { CataloguePage } from '../../contracts/spectrum.ts';
import { accessibilityFaults, hasBrowser, it, overflow, PHONE, type Server, snap } from './browser.ts';

// Every page there is: nothing that axe finds in light and dark, no sideways scrolling on a phone, a picture for the documentation.

/** An address of each route of the dashboard, by its name, and what is there once the page is. */
async function addresses(server: Server): Promise<Map<string, { path: string; shows: string }>> {
  const prepared = async () => (await server.ask(JobPage, '/api/jobs?q=Sample&phase=COMPLETED')).jobs[0];
  await expect.poll(prepared, { timeout: 90_000 }).toBeDefined();
  const sample = await prepared();
  if (!sample) throw new Error('the sample job is gone');
  const { spectra } = await server.ask(CataloguePage, '/api/spectra?limit=1');
  const campaign = await server.runJob('ACTIVE_ML', 'Every page', {
    classes: ['hot', 'cool'],
    candidate_classes: ['hot'],
    pool_data_path: `${sample.dir_path}/result.h5`,
    oracle_batch_size: 10,
    epochs_train: 5,
    network: { layers: [{ kind: 'max_pooling1d', pool_size: 10 }, { kind: 'flatten' }] },
  });
  const batches = async () => (await server.ask(BatchPage, `/api/jobs/${campaign}/batches`)).batches.length;
  await expect.poll(batches, { timeout: 60_000 }).toBe(1);
  const plot = '[data-testid="plot"] canvas';
  const overlay = '[data-testid="overlay"] canvas[aria-busy="false"]';
  return new Map([
    ['home', { path: '/', shows: '[data-testid="done"] a' }],
    ['jobs', { path: '/jobs', shows: 'tbody tr' }],
    ['new-job', { path: '/jobs/new', shows: '[data-testid="submit"]' }],
    ['compare', { path: `/jobs/compare?ids=${sample.job_id},${campaign}`, shows: 'tbody tr' }],
    ['job', { path: `/jobs/${sample.job_id}`, shows: plot }],
    ['label', { path: `/jobs/${campaign}/label`, shows: plot }],
    ['files', { path: '/files', shows: 'tbody tr' }],
    ['spectra', { path: '/spectra', shows: 'tbody tr' }],
    ['overlay', { path: '/spectra/together?q=sp03', shows: overlay }],
    ['look', { path: '/spectra/look', shows: '[data-testid="look-input"]' }],
    ['spectrum', { path: `/spectra/view/${spectra[0]?.path ?? ''}`, shows: plot }],
    ['workers', { path: '/workers', shows: '[data-testid="worker"]' }],
    ['not-found', { path: '/nothing-here', shows: 'h1' }],
  ]);
}

describe.skipIf(!hasBrowser)('every page', () => {
  const open = async (page: Page, { path, shows }: { path: string; shows: string }) => {
    await page.goto(path);
    await page.getByRole('heading', { level: 1 }).waitFor({ state: 'attached' });
    await page.locator(shows).first().waitFor({ state: 'attached' });
  };

  it('has no accessibility faults that axe finds, in light and dark, and fits a phone', async ({
    open: visit,
    server,
  }) => {
    const all = await addresses(server);
    const page = await visit();
    const phone = await visit(PHONE);
    await page.goto('/');
    const routes = await page.evaluate<string[]>(`(() => {
      const { $router } = document.querySelector('#app').__vue_app__.config.globalProperties;
      return $router.getRoutes().map(({ name }) => name);
    })()`);
    expect([...all.keys()].sort()).toEqual(routes.sort());
    const faults: string[] = [];
    for (const [name, address] of all) {
      await open(page, address);
      faults.push(...(await accessibilityFaults(page)).map((fault) => `${name}: ${fault}`));
      // Of the others the journeys make pictures, with more on them.
      if (name === 'jobs') await snap(page, 'jobs');
      if (name === 'not-found') await snap(page, 'not-found');
      if (name === 'spectra') await snap(page, 'spectra');
      if (name === 'workers') {
        const worker = page.getByTestId('workers').locator('tbody tr').filter({ hasText: 'cpu-training' });
        await worker.getByTestId('tensorflow').waitFor();
        await page.getByTestId('service-numbers').getByRole('cell', { name: 'cpu', exact: true }).waitFor();
        await page.getByTestId('spectra-per-second').waitFor();
        await snap(page, 'workers');
      }
      await open(phone, address);
      const wider = await overflow(phone);
      if (wider > 0) faults.push(`${name}: ${wider} px wider than a phone`);
      if (['jobs', 'spectrum'].includes(name)) await snap(phone, `${name}-phone`);
    }
    expect(faults).toEqual([]);
  });
});
