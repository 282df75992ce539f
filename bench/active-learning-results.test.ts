import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Campaign } from './active-learning-campaign.ts';
import { labelEfficiencies } from './active-learning-efficiency.ts';
import { plotEfficiencies } from './active-learning-plot.ts';
import { ResultsFile } from './active-learning-results.ts';

const campaign = (strategy: Campaign['strategy'], seed: number, rareFraction = 0.03): Campaign => ({
  ...{ strategy, seed, rareFraction, seconds: 1 },
  curve: [50, 80].map((labels) => ({
    ...{ labels, f1: labels / 100, f1PerClass: [1, 0.5, 0.6], labelledPerClass: [48, 1, 1] },
    ...{ failedFits: 0, collapsed: false },
  })),
});
let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'results-test-'));
  path = join(directory, 'below', 'results.jsonl');
});
afterEach(() => rm(directory, { recursive: true }));

it('has what was appended when it is opened again, without a line that was cut', async () => {
  const first = await ResultsFile.open(path, ['a.fits']);
  await first.append(campaign('random', 0));
  await first.append(campaign('entropy', 0));
  const whole = await readFile(path, 'utf8');
  await appendFile(path, '{"settings":"12","camp');
  const again = await ResultsFile.open(path, ['a.fits']);
  expect(again.campaigns).toEqual([campaign('random', 0), campaign('entropy', 0)]);
  expect(await readFile(path, 'utf8')).toBe(whole);
});

it('leaves results of other spectra alone, and refuses lines that are none', async () => {
  await (await ResultsFile.open(path, ['a.fits'])).append(campaign('random', 0));
  expect((await ResultsFile.open(path, ['b.fits'])).campaigns).toEqual([]);
  await writeFile(path, '{"settings":1}\n');
  await expect(ResultsFile.open(path, ['a.fits'])).rejects.toThrow();
});

it('draws a curve for each strategy and share, a band where there are several seeds, and no number that is none', () => {
  const campaigns = [0.03, 0.1].flatMap((rare) => [
    ...[0, 1].flatMap((seed) => [campaign('random', seed, rare), campaign('entropy', seed, rare)]),
    campaign('core_set', 0, rare),
  ]);
  const svg = plotEfficiencies(labelEfficiencies(campaigns), 'a note');
  expect(svg.match(/<polyline/g)).toHaveLength(6);
  expect(svg.match(/<polygon/g)).toHaveLength(4);
  expect(svg).toContain('core set');
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  const one = plotEfficiencies(labelEfficiencies([campaign('margin', 0)]), '');
  expect(one.match(/<polyline/g)).toHaveLength(1);
  expect(one).not.toMatch(/NaN|Infinity|undefined/);
});
