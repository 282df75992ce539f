import { expect, it } from 'vitest';
import { plotReport } from './plot.ts';
import type { Measurement, Report } from './report.ts';

const side = (spectraPerSecond: number) => ({ spectraPerSecond, seconds: [1], peakBytes: 4e8, rejected: 0 });
const measurement = (count: number, points: number, withReference: boolean): Measurement => ({
  count,
  points,
  fromAngstrom: 4000,
  toAngstrom: 8900,
  ours: {
    ...side(9000),
    orchestrationShare: 0.1,
    cpuSeconds: {},
    workflow: { runs: 1, events: 35, longestRunEvents: 35, payloadBytes: 3000 },
  },
  again: { spectraPerSecond: 20_000, seconds: 1, statusDetail: '' },
  ...(withReference ? { reference: side(1000) } : {}),
});
const report = (measurements: Measurement[]): Report => ({
  benchmark: 'preprocess',
  at: '2026-01-02T03:04:05Z',
  commit: 'abc1234',
  machine: { cpus: 2, model: '', memoryBytes: 1, platform: '', loadAverage: 0 },
  versions: {},
  repeat: 3,
  seed: 0,
  scans: [],
  measurements,
  problems: [],
});

it('draws a line for each grid of each side, in both panels, and no number that is none', () => {
  const svg = plotReport(
    report(
      [1000, 10_000].flatMap((count) => [measurement(count, 140, true), measurement(count, 3700, true)]),
    ),
  );
  expect(svg.match(/<polyline/g)).toHaveLength(8);
  expect(svg.match(/<circle/g)).toHaveLength(16);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});

it('draws one count without a reference', () => {
  const svg = plotReport(report([measurement(1000, 140, false)]));
  expect(svg.match(/<circle/g)).toHaveLength(2);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
});
