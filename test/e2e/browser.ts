import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { startStack } from '../../deploy/embedded/stack.ts';

// What every test of the dashboard needs: a real stack, a real browser, and what must be true of every page.

const CHROMIUM = process.env['CHROMIUM_PATH'];
const SCREENSHOTS = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const updatesScreenshots = Boolean(process.env['UPDATE_SCREENSHOTS']);

/** Whether there is a browser to test with. */
export const hasBrowser = CHROMIUM !== undefined && existsSync(CHROMIUM);
if (!hasBrowser) console.warn('test/e2e: skipped, CHROMIUM_PATH names no browser');

export interface Dashboard {
  url: string;
  /** `kill -9` of the worker that computes; only where the stack is our own. */
  killWorker?: () => void;
  /** The same of the API, which is started again by itself. */
  killApi?: () => void;
  stop: () => Promise<void>;
}

/** A stack of its own with the sample spectra, or the one that SPECTROLABE_URL names, to be left running. */
export async function startDashboard(): Promise<Dashboard> {
  const running = process.env['SPECTROLABE_URL'];
  if (running) return { url: running, stop: () => Promise.resolve() };
  const data = await mkdtemp(join(tmpdir(), 'spectrolabe-e2e-'));
  const stack = await startStack({ data, port: 0, say: (message) => console.log(message) });
  const kill = (part: 'cpu worker' | 'API') => {
    const pid = stack.pids()[part];
    if (pid === undefined) throw new Error(`no ${part} is running`);
    process.kill(pid, 'SIGKILL');
  };
  return {
    url: stack.url,
    killWorker: () => kill('cpu worker'),
    killApi: () => kill('API'),
    stop: async () => {
      await stack.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** A page of its own; `complaints` collects errors of its scripts, and requests that leave the server. */
export async function openPage(
  browser: Browser,
  baseURL: string,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<{ context: BrowserContext; page: Page; complaints: string[] }> {
  const context = await browser.newContext({
    baseURL,
    colorScheme: 'light',
    viewport: { width: 1280, height: 860 },
    ...options,
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  // Everything comes from this server: no font, no script, no icon from elsewhere.
  page.on('request', (request) => {
    const url = request.url();
    if (/^https?:/.test(url) && !url.startsWith(baseURL)) complaints.push(`asked for ${url}`);
  });
  return { context, page, complaints };
}

/** A picture for the documentation, where UPDATE_SCREENSHOTS asks for new ones. */
export async function snap(page: Page, name: string, { fullPage = false } = {}): Promise<void> {
  if (!updatesScreenshots) return;
  await mkdir(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png`, fullPage });
}

/** Pixels by which the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** Distinct colours on the first canvas of a plot: 1 where nothing was drawn. */
export async function inkOf(page: Page, testId: string): Promise<number> {
  await page.locator(`[data-testid="${testId}"] canvas`).first().waitFor();
  return page.evaluate<number>(`(() => {
    const canvas = document.querySelector('[data-testid="${testId}"] canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  })()`);
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe finds wrong on the page as it is now: rule and element. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: AXE });
  // Colours half-way through a transition are nobody's choice.
  await page.waitForFunction(`document.getAnimations().every(({ playState, effect }) =>
    playState !== 'running' || effect.getComputedTiming().endTime === Infinity)`);
  return page.evaluate<string[]>(
    `axe.run(document).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target.join(' '))))`,
  );
}
