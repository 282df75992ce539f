import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { accessibilityFaults, hasBrowser, inkOf, it, phase, snap } from './browser.ts';

// Spectra in a real browser on a real stack: dropped, looked at, uploaded, preprocessed, looked at again; thousands of files.

const SAMPLES = 'samples/spectra/dr7';
const DROPPED = [
  'spec-55859-F5902_sp01-008.fits.gz',
  'spec-55917-GAC_107N27_B1_sp10-055.fits.gz',
  'spec-58575-HD103621N361936B01_sp03-188.fits.gz',
];

describe.skipIf(!hasBrowser)('spectra in the dashboard', () => {
  /** Drops files on the page, as a person does who drags them from their file manager. */
  async function drop(page: Page, names: readonly string[]) {
    const files = await Promise.all(
      names.map(async (name) => ({
        name,
        base64: (await readFile(`${SAMPLES}/${name}`)).toString('base64'),
      })),
    );
    await page.evaluate(
      `(() => {
        const data = new DataTransfer();
        for (const { name, base64 } of ${JSON.stringify(files)}) {
          const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
          data.items.add(new File([bytes], name));
        }
        const target = document.querySelector('main');
        for (const type of ['dragenter', 'dragover', 'drop'])
          target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
      })()`,
    );
  }
  const chooseIn = async (page: Page, testId: string, option: string | RegExp) => {
    await page.getByTestId(testId).click();
    await page.getByRole('option', { name: option }).click();
    await page.keyboard.press('Escape');
  };
  const saved = async (page: Page, format: string) => {
    await page.getByRole('button', { name: 'Save the plot or its numbers' }).click();
    const menu = page.locator('.v-overlay--active .v-list');
    const [download] = await Promise.all([page.waitForEvent('download'), menu.getByText(format).click()]);
    // While it closes it would be in the way of the next one.
    await menu.waitFor({ state: 'hidden' });
    return readFile(await download.path());
  };

  /** Pixels of the plot in the colour of its curve: none where only the axes were drawn. */
  const curvePixels = (page: Page) =>
    page.evaluate<number>(`(() => {
      const canvas = document.querySelector('[data-testid="plot"] canvas');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let count = 0;
      for (let at = 0; at < data.length; at += 4)
        if (data[at] === 0x17 && data[at + 1] === 0x56 && data[at + 2] === 0x8c) count += 1;
      return count;
    })()`);

  it('drops FITS files, looks at them before any upload, uploads, preprocesses, and looks at the result', async ({
    page,
  }) => {
    const uploads: string[] = [];
    page.on('request', (request) => {
      if (request.method() === 'POST') uploads.push(request.url());
    });
    await page.goto('/jobs');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await drop(page, DROPPED);
    await page.waitForURL('**/spectra/look');
    await expect.poll(() => inkOf(page, 'plot')).toBeGreaterThan(3);
    await page.getByTestId('header').getByText('EXTEN0').waitFor();
    await page.getByRole('button', { name: DROPPED[2] }).click();
    await page.getByRole('definition').getByText('LAMOST J103133.69+360521.5').waitFor();
    await expect.poll(() => curvePixels(page)).toBeGreaterThan(200);
    await snap(page, 'look');
    expect(uploads).toEqual([]);

    await page.getByLabel('Directory in the archive').fill('/dropped');
    await page.getByRole('button', { name: 'Upload all 3' }).click();
    await page.getByTestId('uploads').getByText('3 of 3 files').waitFor();
    expect(uploads).toHaveLength(3);

    await page.getByRole('link', { name: 'Preprocess this directory' }).click();
    await page.locator('[data-preset="halpha"]').click();
    expect(await page.getByLabel('Spectra directory').inputValue()).toBe('/dropped');
    await page.getByLabel('Label', { exact: true }).fill('Dropped spectra');
    await page.getByTestId('submit').click();
    await phase(page, 'COMPLETED').waitFor({ timeout: 60_000 });

    await page.getByTestId('together').click();
    await page.getByText('3 spectra of 140 points').waitFor();
    await expect.poll(() => inkOf(page, 'overlay')).toBeGreaterThan(3);
    await page.getByRole('textbox', { name: 'File name or designation' }).fill(DROPPED[2] ?? '');
    await page.getByTestId('chosen').click();

    await page.waitForURL('**/spectra/view/**');
    await chooseIn(page, 'preprocessed-by', 'Dropped spectra');
    await page.getByText('Raw, scaled to match').waitFor();
    await expect.poll(() => curvePixels(page)).toBeGreaterThan(200);
    await page.evaluate('scrollTo(0, 0)');
    await snap(page, 'spectrum-preprocessed');
  });

  it('shows lines that move with the redshift, smooths, and saves what it shows', async ({ page }) => {
    await page.goto(`/spectra/view/${DROPPED[2]}`);
    await chooseIn(page, 'line-groups', /^Hydrogen/);
    const shift = page.getByTestId('shift');
    await shift.getByLabel('cz [km/s]').fill('299.8');
    await page.keyboard.press('Enter');
    await expect.poll(() => shift.getByLabel('Redshift z').inputValue()).toBe('0.001000');
    await shift.getByRole('slider').press('ArrowRight');
    await expect.poll(() => shift.getByLabel('cz [km/s]').inputValue()).toMatch(/^30[01]\.\d$/);
    await shift.getByRole('button', { name: 'As in the catalogue' }).click();
    await snap(page, 'spectrum-lines');

    expect((await saved(page, 'PNG, as it is shown')).subarray(1, 4).toString()).toBe('PNG');
    expect((await saved(page, 'SVG, as it is shown')).toString()).toContain('>Hα</text>');
    const csv = (await saved(page, 'CSV of its numbers')).toString().trim().split('\r\n');
    expect(csv[0]).toBe('wavelength_angstrom,flux,flux_error,bad');
    expect(csv).toHaveLength(3910);
  });

  it('uploads a directory, pauses and goes on, and leaves out what is there when it is chosen again', async ({
    page,
    server,
  }) => {
    await page.request.delete(`${server.url}/api/files/directories/dr7?parent_dir_path=/SPECTRA`);
    await page.goto('/files/SPECTRA');
    // Slow enough to be paused.
    await page.route('**/upload?**', async (route) => {
      await new Promise((resolve) => setTimeout(resolve, 40));
      await route.continue();
    });
    await page.getByTestId('folder-input').setInputFiles(SAMPLES);
    const panel = page.getByTestId('uploads');
    await panel.getByRole('button', { name: 'Pause' }).click();
    await panel.getByText('Paused').waitFor();
    // A reload, which the browser asks about, loses the files but not that they are missing.
    page.once('dialog', (dialog) => void dialog.accept());
    await page.reload();
    await page.getByTestId('interrupted').getByText('not sent to /SPECTRA').waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.getByTestId('folder-input').setInputFiles(SAMPLES);
    await panel.getByRole('button', { name: 'Pause' }).click();
    await panel.getByText('Paused').waitFor();
    await panel.getByRole('button', { name: 'Resume' }).click();
    await panel.getByRole('button', { name: 'Clear the list' }).waitFor();
    await snap(page, 'uploads');
    const summary = (await panel.getByText(/\d+ of \d+ files/).textContent()) ?? '';
    const [, done, total] = /(\d+) of (\d+) files/.exec(summary) ?? [];
    expect(done).toBe(total);
    await panel.getByRole('button', { name: 'Clear the list' }).click();
    await page.getByTestId('folder-input').setInputFiles(SAMPLES);
    await panel.getByText(`${total ?? ''} there already`).waitFor();
  });

  it('says why a file cannot be drawn', async ({ page }) => {
    await page.goto('/spectra/look');
    await page.getByTestId('look-input').setInputFiles({
      name: 'broken.fits.gz',
      mimeType: 'application/gzip',
      buffer: Buffer.from([0x1f, 0x8b, 8, 0, 1]),
    });
    await page.getByText('the gzip data are damaged, or end too early').waitFor();
    await page
      .getByTestId('look-input')
      .setInputFiles({ name: 'a.fits', mimeType: '', buffer: Buffer.from('hello') });
    await page.getByText('not a FITS file: it begins with "hello", not with SIMPLE').waitFor();
  });

  it('draws the catalogue’s selection over each other, and tells whose line it is', async ({ page }) => {
    await page.goto('/spectra?q=sp03');
    await page.getByTestId('together').click();
    await page.getByText(/\d+ spectra of 3,700 points/).waitFor();
    const canvas = page.getByTestId('overlay').locator('canvas');
    const box = await canvas.boundingBox();
    if (!box) throw new Error('the plot is not on the page');
    // Somewhere between the top and the bottom a line passes.
    for (let y = 0.2; y < 0.9 && !(await page.getByTestId('chosen').isVisible()); y += 0.06) {
      await page.mouse.click(box.x + box.width / 2, box.y + box.height * y);
      await page.waitForTimeout(60);
    }
    await page.getByTestId('chosen').waitFor();
    expect(page.url()).toMatch(/row=\d+/);
    await snap(page, 'together-catalogue');
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.wheel(0, -300);
    await expect.poll(() => page.getByTestId('overlay-reset').isDisabled()).toBe(false);
    // The picture that was moved is followed by one of just what is shown.
    await expect.poll(() => canvas.getAttribute('aria-busy')).toBe('false');
    await page.keyboard.press('Escape');
  });
});
