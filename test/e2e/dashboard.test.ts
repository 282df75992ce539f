import type { Page, Route } from 'playwright-core';
import { describe, expect } from 'vitest';
import { ArtifactPage } from '../../contracts/job.ts';
import { accessibilityFaults, hasBrowser, inkOf, it, phase, snap } from './browser.ts';

// The whole dashboard in a real browser, on a real stack: what a newcomer sees and does first.

const LINE_SPECTRUM_NAME = 'e2e-line.fits';

/** A one-dimensional FITS spectrum: linear wavelengths 6400–6800 Å, one emission line. */
function fitsSpectrum(): Buffer {
  const count = 401;
  const cards = [
    ['SIMPLE', 'T'],
    ['BITPIX', '-32'],
    ['NAXIS', '1'],
    ['NAXIS1', String(count)],
    ['CRVAL1', '6400.0'],
    ['CDELT1', '1.0'],
    ['CRPIX1', '1.0'],
    ['CTYPE1', "'LINEAR  '"],
    ['CUNIT1', "'Angstrom'"],
    ['OBJECT', "'E2E LINE'"],
  ].map(([keyword = '', value = '']) => {
    const text = value.startsWith("'") ? value.padEnd(20) : value.padStart(20);
    return `${keyword.padEnd(8)}= ${text}`.padEnd(80);
  });
  const header = `${cards.join('')}${'END'.padEnd(80)}`;
  const data = Buffer.alloc(Math.ceil((4 * count) / 2880) * 2880);
  for (let index = 0; index < count; index += 1)
    data.writeFloatBE(100 + 0.05 * index + 80 * Math.exp(-(((index - 164) / 4) ** 2)), 4 * index);
  return Buffer.concat([Buffer.from(header.padEnd(Math.ceil(header.length / 2880) * 2880), 'latin1'), data]);
}

describe.skipIf(!hasBrowser)('the dashboard', () => {
  const fillForm = async (page: Page, label: string) => {
    await page.goto('/jobs/new');
    await page.locator('[data-preset="halpha"]').click();
    await page.getByLabel('Label', { exact: true }).fill(label);
  };

  it('shows the sample job COMPLETED with its plot on the first start', async ({ page }) => {
    await page.goto('/');
    await page.getByRole('link', { name: 'Jobs', exact: true }).click();
    const row = page.getByRole('row').filter({ hasText: 'Sample spectra' });
    await row.locator('[data-phase="COMPLETED"]').waitFor({ timeout: 60_000 });
    await row.getByRole('link').first().click();
    await phase(page, 'COMPLETED').waitFor();
    await page.getByText('Preprocessed', { exact: true }).first().waitFor();
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
    await snap(page, 'job');
  });

  it('says what is wrong in the form, at the field', async ({ page }) => {
    await page.goto('/jobs/new');
    await page.getByTestId('submit').click();
    await page.locator('[data-field="wave_start_point"]').getByText('must not be empty').waitFor();
    await page.locator('[data-preset="halpha"]').click();
    await page.getByLabel('Last grid point').fill('6000');
    await page.getByText('must be above wave_start_point').waitFor();
    expect(page.url()).toMatch(/\/jobs\/new$/);
  });

  it('keeps form and config.json equal, both ways', async ({ page }) => {
    await fillForm(page, 'Both ways');
    const editor = page.getByRole('textbox', { name: 'config.json' });
    expect(JSON.parse(await editor.inputValue())).toMatchObject({
      wave_start_point: 6519,
      wave_point_count: 140,
    });
    await editor.fill(
      '{"data_dir_path": "/", "wave_start_point": 4000, "wave_end_point": 5000, "wave_point_count": 50}',
    );
    await editor.blur();
    expect(await page.getByLabel('First grid point').inputValue()).toBe('4000');
    await editor.fill('{"colour": "red"}');
    await page.getByText('Unrecognized key').waitFor();
  });

  it('submits a job by the form and sees it COMPLETED, with its plot', async ({ page }) => {
    await fillForm(page, 'Submitted by the form');
    await snap(page, 'new-job');
    await page.getByTestId('submit').click();
    await page.getByRole('heading', { name: 'Submitted by the form' }).waitFor();
    await phase(page, 'COMPLETED').waitFor({ timeout: 90_000 });
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
    await page.getByRole('tab', { name: 'Log' }).click();
    await page.getByRole('log').locator('time').first().waitFor();
    await page.getByRole('tab', { name: 'Result files' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('link', { name: 'result.h5' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('result.h5');
  });

  it('shows a result whose SHA-256 is still being computed, and then the SHA-256', async ({ page }) => {
    const withoutHashes = async (route: Route) => {
      const answer = ArtifactPage.parse(await (await route.fetch()).json());
      const artifacts = answer.artifacts.map((artifact) => ({ ...artifact, sha256: undefined }));
      await route.fulfill({ json: { ...answer, artifacts } });
    };
    await page.clock.install();
    const ofArtifacts = /\/artifacts$/;
    await page.route(ofArtifacts, withoutHashes);
    await page.goto('/jobs?q=Submitted');
    await page.getByRole('link', { name: 'Submitted by the form', exact: true }).click();
    await page.getByRole('tab', { name: 'Result files' }).click();
    const result = page.getByRole('row', { name: 'result.h5' });
    await result.getByText('Being computed').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.unroute(ofArtifacts, withoutHashes);
    await page.clock.fastForward(5000);
    await result.getByText(/^[0-9a-f]{12}…$/).waitFor();
  });

  it('uploads a FITS file and finds it among the spectra, with plot and header', async ({ page }) => {
    await page.goto('/files/SPECTRA');
    await page
      .getByTestId('file-input')
      .setInputFiles({ name: LINE_SPECTRUM_NAME, mimeType: 'application/fits', buffer: fitsSpectrum() });
    await page.getByRole('table').getByRole('link', { name: LINE_SPECTRUM_NAME, exact: true }).waitFor();
    await snap(page, 'files');

    await page.goto('/spectra');
    await page.getByLabel('File name or designation').fill('e2e-line');
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=e2e-line/);
    await page.getByRole('link', { name: LINE_SPECTRUM_NAME }).click();
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
    await page.getByTestId('header').getByText('CRVAL1').waitFor();
    await snap(page, 'spectrum');

    const plot = page.getByTestId('plot');
    await plot.focus();
    await page.keyboard.press('ArrowRight');
    await page.getByText(/^6\d{3}\.\d\d Å$/).waitFor();
    const zoomOut = page.getByRole('button', { name: 'Zoom out' });
    expect(await zoomOut.isDisabled()).toBe(true);
    await page.keyboard.press('+');
    await expect.poll(() => zoomOut.isDisabled()).toBe(false);
    await page.keyboard.press('0');
    await expect.poll(() => zoomOut.isDisabled()).toBe(true);
  });

  it('aborts a job', async ({ page }) => {
    await fillForm(page, 'To be aborted');
    await page.getByRole('button', { name: 'Create without running' }).click();
    await phase(page, 'PENDING').waitFor();
    await page.getByTestId('abort').click();
    await page.getByTestId('confirm').click();
    await phase(page, 'ABORTED').waitFor({ timeout: 5000 });
  });

  it('follows the system’s colours, and remembers the switch', async ({ open }) => {
    const page = await open({ colorScheme: 'dark' });
    const isDark = () => page.evaluate<boolean>("document.querySelector('.v-theme--dark') !== null");
    await page.goto('/spectra');
    await expect.poll(isDark).toBe(true);
    await page.getByTestId('theme-toggle').click();
    await expect.poll(isDark).toBe(false);
    await page.reload();
    await page.getByRole('heading', { name: 'Spectra' }).waitFor();
    expect(await isDark()).toBe(false);
  });

  it('says that the server is gone, and recovers by itself', async ({ page }) => {
    await page.goto('/jobs');
    await page.getByRole('row').nth(1).waitFor();
    await page.route('**/api/**', (route) => route.abort());
    await page.getByTestId('offline').waitFor({ timeout: 30_000 });
    await page.unroute('**/api/**');
    await page.getByText('The server answers again.').waitFor({ timeout: 10_000 });
    await page.getByTestId('offline').waitFor({ state: 'detached' });
  });

  it('can be used from the keyboard: skip link, then the content', async ({ page }) => {
    await page.goto('/jobs');
    await page.getByRole('heading', { name: 'Jobs' }).waitFor();
    await page.keyboard.press('Tab');
    await page.getByRole('link', { name: 'Skip to the content' }).waitFor();
    await page.keyboard.press('Enter');
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('main');
  });
});
