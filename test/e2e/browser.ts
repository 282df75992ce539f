import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContextOptions, chromium, type Locator, type Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { z } from 'zod';
import { Job } from '../../contracts/job.ts';
import { startStack } from '../../deploy/embedded/stack.ts';

// What every test of the dashboard needs: a real stack and a real browser, which all files share, pages of its own, and
// what must be true of every page. SPECTROLABE_URL names a server that runs already, with its sample job, to be used instead.

const CHROMIUM = process.env['CHROMIUM_PATH'];
const SCREENSHOTS = fileURLToPath(new URL('../../docs/screenshots/', import.meta.url));
const updatesScreenshots = Boolean(process.env['UPDATE_SCREENSHOTS']);

/** Whether there is a browser to test with. */
export const hasBrowser = CHROMIUM !== undefined && existsSync(CHROMIUM);
if (!hasBrowser) console.warn('test/e2e: skipped, CHROMIUM_PATH names no browser');

const LAPTOP = { viewport: { width: 1280, height: 860 } } satisfies BrowserContextOptions;
export const PHONE = {
  viewport: { width: 360, height: 740 },
  isMobile: true,
  hasTouch: true,
} satisfies BrowserContextOptions;

export class Server {
  readonly url: string;
  /** `kill -9` of a part, which is started again by itself; only where the stack is our own. */
  readonly kill: ((part: 'cpu worker' | 'API') => void) | undefined;

  constructor(url: string, kill?: Server['kill']) {
    this.url = url;
    this.kill = kill;
  }

  /** Asks the API; with a body it is a POST of JSON. */
  async ask<T extends z.ZodType>(schema: T, path: string, body?: unknown): Promise<z.output<T>> {
    const answer = await fetch(new URL(path, this.url), {
      ...(body !== undefined && {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
    return schema.parse(JSON.parse(text));
  }

  /** Makes a job and runs it. @returns its id */
  async runJob(type: Job['type'], label: string, config: object): Promise<string> {
    const { job_id: id } = await this.ask(Job, '/api/jobs', { type, label, config });
    await this.ask(Job, `/api/jobs/${id}/process/RUN`, {});
    return id;
  }
}

async function startServer(onStop: (stop: () => Promise<void>) => void): Promise<Server> {
  const data = await mkdtemp(join(tmpdir(), 'spectrolabe-e2e-'));
  const stack = await startStack({ data, port: 0, say: (message) => console.log(message) });
  onStop(async () => {
    await stack.stop();
    await rm(data, { recursive: true, force: true });
  });
  return new Server(stack.url, (part) => {
    const pid = stack.pids()[part];
    if (pid === undefined) throw new Error(`no ${part} is running`);
    process.kill(pid, 'SIGKILL');
  });
}

/** Opens pages of their own, each as for a visitor who was never here. */
export type Open = (options?: BrowserContextOptions) => Promise<Page>;

/**
 * Tests with what they need of these: `server` and `browser`, one for all files; `open`, for any number of visitors;
 * `page`, of a visitor with a laptop and a light theme. A page whose scripts throw, or that asks anything of another
 * server than ours, fails the test: no font, script or icon comes from elsewhere.
 */
export const it = test
  .extend('running', { scope: 'worker' }, () => process.env['SPECTROLABE_URL'] ?? '')
  .extend('chromiumPath', { scope: 'worker' }, () => CHROMIUM ?? '')
  .extend('server', { scope: 'worker' }, ({ running }, { onCleanup }) =>
    running === '' ? startServer(onCleanup) : Promise.resolve(new Server(running)),
  )
  .extend('browser', { scope: 'worker' }, async ({ chromiumPath }, { onCleanup }): Promise<Browser> => {
    const browser = await chromium.launch({
      executablePath: chromiumPath,
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
    onCleanup(() => browser.close());
    return browser;
  })
  .extend('open', ({ server, browser }, { onCleanup }): Open => {
    const complaints: string[] = [];
    const closes: (() => Promise<void>)[] = [];
    onCleanup(async () => {
      for (const close of closes) await close();
      expect(complaints).toEqual([]);
    });
    return async (options = {}) => {
      const context = await browser.newContext({
        baseURL: server.url,
        colorScheme: 'light',
        ...LAPTOP,
        ...options,
      });
      closes.push(() => context.close());
      context.setDefaultTimeout(20_000);
      const page = await context.newPage();
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('request', (request) => {
        const url = request.url();
        if (/^https?:/.test(url) && !url.startsWith(server.url)) complaints.push(`asked for ${url}`);
      });
      return page;
    };
  })
  .extend('page', async ({ open }) => open());

/** The chip that says how far a job is. */
export const phase = (page: Page, name: Job['phase']): Locator =>
  page.locator(`[data-testid="phase"][data-phase="${name}"]`);

/** An option of a form, with what is said of it. */
export const field = (page: Page, name: string): Locator => page.locator(`[data-field="${name}"]`);

type Theme = 'light' | 'dark';

/** Does something in the theme that the page is in, then in the other; it ends as it began. */
async function inBothThemes(page: Page, act: (theme: Theme, isFirst: boolean) => Promise<void>) {
  const began: Theme = (await page.locator('.v-theme--dark').count()) > 0 ? 'dark' : 'light';
  const other: Theme = began === 'dark' ? 'light' : 'dark';
  await act(began, true);
  for (const theme of [other, began]) {
    await page.emulateMedia({ colorScheme: theme });
    await page.locator(`.v-theme--${theme}`).first().waitFor({ state: 'attached' });
    if (theme === other) await act(theme, false);
  }
}

/**
 * Pictures for the documentation, in light and dark, where UPDATE_SCREENSHOTS asks for new ones.
 * @param shows what is to be on it; waited for
 */
export async function snap(
  page: Page,
  name: string,
  { fullPage = false, shows }: { fullPage?: boolean; shows?: Locator } = {},
): Promise<void> {
  if (!updatesScreenshots) return;
  await shows?.waitFor();
  await mkdir(SCREENSHOTS, { recursive: true });
  await inBothThemes(page, async (theme) => {
    await settled(page);
    const path = `${SCREENSHOTS}${name}${theme === 'dark' ? '-dark' : ''}.png`;
    await page.screenshot({ path, fullPage });
  });
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

/** Nothing moves any more: colours half-way through a transition are nobody's choice. */
async function settled(page: Page): Promise<void> {
  await page.waitForFunction(`document.getAnimations().every(({ playState, effect }) =>
    playState !== 'running' || effect.getComputedTiming().endTime === Infinity)`);
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
}

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** What axe finds wrong on the page as it is now, rule and element, in light and dark: only colours differ between them. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.addScriptTag({ path: AXE });
  const faults: string[] = [];
  await inBothThemes(page, async (theme, isFirst) => {
    await settled(page);
    const rules = isFirst ? '{}' : "{ runOnly: ['color-contrast'] }";
    const found = await page.evaluate<string[]>(
      `axe.run(document, ${rules}).then(({ violations }) =>
        violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target.join(' '))))`,
    );
    faults.push(...found.map((fault) => `${theme}: ${fault}`));
  });
  return faults;
}
