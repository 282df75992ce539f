import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { Random } from '../science/cnn/random.ts';
import { injectLines, readHosts } from './injected-lines.ts';

const hosts = readHosts(fileURLToPath(new URL('../samples/spectra', import.meta.url)));
const inject = (rareFraction: number, seed = 1) =>
  injectLines(hosts, { count: 150, rareFraction, random: new Random(seed) });
const PEAK = Math.round((139 * (6564.614 - 6519)) / (6732 - 6519));

it('takes slow stars with a good Hα window for hosts, in the order of their names', () => {
  expect(hosts.length).toBeGreaterThan(30);
  expect(hosts.every(({ redshift }) => Math.abs(redshift) < 0.002)).toBe(true);
  expect(hosts.map(({ file }) => file)).toEqual(hosts.map(({ file }) => file).sort());
  expect(hosts.some(({ file }) => file.includes('sp06-117'))).toBe(false);
});

it('injects as many lines as it is told, where Hα is', () => {
  const { labels, spectra, points } = inject(0.5);
  const share = (label: number) => labels.filter((one) => one === label).length / labels.length;
  expect(share(0)).toBeCloseTo(0.5, 0);
  expect(share(1)).toBeGreaterThan(share(2));
  expect(share(2)).toBeGreaterThan(0.05);
  expect(inject(0).labels.every((label) => label === 0)).toBe(true);
  // Scaled to [-1, 1], a line is the highest within some 300 km/s of Hα; without one Hα is mostly absorption.
  const highestNearLine = (row: number) =>
    Math.max(...spectra.subarray(row * points + PEAK - 6, row * points + PEAK + 7));
  const mean = (wanted: boolean) => {
    const values = [...labels].flatMap((label, row) => (label > 0 === wanted ? [highestNearLine(row)] : []));
    return values.reduce((sum, value) => sum + value / values.length, 0);
  };
  expect(mean(true)).toBeGreaterThan(0.9);
  expect(mean(false)).toBeLessThan(0.7);
});

it('makes the same from the same seed, something else from another', () => {
  expect(inject(0.1)).toEqual(inject(0.1));
  expect(inject(0.1).spectra).not.toEqual(inject(0.1, 2).spectra);
});
