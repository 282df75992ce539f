import { accessSync, constants } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { z } from 'zod';

// What benchmarks of the dashboard share: a headless Chromium that draws by software, and frames counted in it.

export interface Frames {
  perSecond: number;
  /** Time from one frame to the next [ms]: 95th percentile, and the longest. */
  p95: number;
  longest: number;
}

/** @throws Error where there is no Chromium */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: findChromium(),
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
}

/** What a measurement in a browser depends on, as the benchmarks' results tell it. */
export function conditionsOf(browser: Browser) {
  return {
    rendering: 'software',
    chromium: browser.version(),
    cpus: cpus().length,
    cpu: cpus()[0]?.model,
    load_average: loadavg()[0],
  };
}

export async function newPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  return context.newPage();
}

/**
 * Frames that a plot draws while something moves it for so many seconds. A frame is a redraw of its canvas in an
 * animation frame; the browser gives none before the one before is on the screen.
 * @param act moves it until the time [ms since 1970] that it is told
 */
export async function framesWhile(
  page: Page,
  canvas: string,
  seconds: number,
  act: (until: () => number) => Promise<void>,
): Promise<Frames> {
  await page.evaluate(`(() => {
    const canvas = document.querySelector(${JSON.stringify(canvas)});
    window.frameTimes = [];
    // A redraw begins with one of these; more of them in one frame are one redraw.
    const note = () => {
      const now = document.timeline.currentTime;
      if (window.frameTimes.at(-1) !== now) window.frameTimes.push(now);
    };
    const context = canvas.getContext('2d');
    for (const name of ['clearRect', 'drawImage', 'putImageData']) {
      const drawn = CanvasRenderingContext2D.prototype[name];
      context[name] = (...area) => {
        note();
        return drawn.apply(context, area);
      };
    }
  })()`);
  const end = Date.now() + seconds * 1000;
  await act(() => end);
  const times = z.array(z.number()).parse(await page.evaluate('window.frameTimes'));
  await sleep(200);
  const steps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  const sorted = steps.toSorted((a, b) => a - b);
  const [from, to] = [times[0], times.at(-1)];
  if (from === undefined || to === undefined || steps.length < 2) throw new Error('the plot drew no frames');
  return {
    perSecond: (1000 * steps.length) / (to - from),
    p95: sorted[Math.floor(0.95 * sorted.length)] ?? NaN,
    longest: sorted.at(-1) ?? NaN,
  };
}

const EVENTS_A_SECOND = 125;
const UNDER_WAY = 4;

/**
 * What a hand does until a time [ms since 1970]: a mouse tells 125 times a second where it is, whether or not the page has drawn
 * what it told before. Each step waiting for the one before would measure the way to the browser and back.
 */
export async function byHand(until: number, act: (step: number) => Promise<void>): Promise<void> {
  const between = 1000 / EVENTS_A_SECOND;
  let step = 0;
  const inTurn = async (turn: number) => {
    await sleep(turn * between);
    while (Date.now() < until) await Promise.all([act(step++), sleep(UNDER_WAY * between)]);
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, (_, turn) => inTurn(turn)));
}

/** CHROMIUM_PATH, or the first that is on PATH. @throws Error where there is none */
function findChromium(): string {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean);
  const candidates = [
    ...(process.env['CHROMIUM_PATH'] ? [process.env['CHROMIUM_PATH']] : []),
    ...names.flatMap((name) => directories.map((directory) => join(directory, name))),
  ];
  const found = candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false; // not there
    }
  });
  if (found === undefined) throw new Error('There is no Chromium: install one, or set CHROMIUM_PATH.');
  return found;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}

export function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

export function rounded(value: number): number {
  return Math.round(10 * value) / 10;
}
