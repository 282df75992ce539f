import type { Measurement, Report } from './report.ts';

// Plain SVG: it must be readable on GitHub's light and dark pages, where neither scripts nor fonts are loaded.
const WIDTH = 880;
const HEIGHT = 416;
const PANEL = { width: 340, height: 250, top: 84 };
const PANEL_LEFTS = [70, 500] as const;
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #52514e; }
  .title { font-weight: 600; fill: #0b0b0b; }
  .axis { stroke: #c3c2b7; }
  .grid { stroke: #e1e0d9; }
  .ours { stroke: #2a78d6; fill: #2a78d6; }
  .reference { stroke: #d95926; fill: #d95926; }
  .line { fill: none; stroke-width: 2; }
  .wide { stroke-dasharray: 6 4; }
  @media (prefers-color-scheme: dark) {
    text { fill: #c3c2b7; }
    .title { fill: #ffffff; }
    .axis { stroke: #52514e; }
    .grid { stroke: #383835; }
    .ours { stroke: #5598e7; fill: #5598e7; }
    .reference { stroke: #eb6834; fill: #eb6834; }
  }`;

interface Series {
  who: 'ours' | 'reference';
  points: number;
  /** Of one measurement; undefined where there was no such run. */
  values: readonly (readonly [count: number, value: number])[];
}

/** Spectra a second and peak memory over the number of spectra, ours and the reference's, both axes logarithmic. */
export function plotReport(report: Report): string {
  const { measurements, machine, at, commit } = report;
  const perSecond = seriesOf(measurements, ({ spectraPerSecond }) => spectraPerSecond);
  const memory = seriesOf(measurements, ({ peakBytes }) => peakBytes / 1e6);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Spectra a second and peak memory over the number of spectra">`,
    `<style>${STYLE}</style>`,
    ...legend(perSecond),
    ...panel(PANEL_LEFTS[0], 'Spectra a second, whole job', perSecond),
    ...panel(PANEL_LEFTS[1], 'Peak memory [MB]', memory),
    text(
      PANEL_LEFTS[0],
      HEIGHT - 12,
      `${machine.cpus} CPUs, warm page cache, files of 92 KB; reference: astropy and numpy, one process. ${at.slice(0, 10)}, ${commit}`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

function seriesOf(
  measurements: Measurement[],
  value: (side: { spectraPerSecond: number; peakBytes: number }) => number,
): Series[] {
  const grids = [...new Set(measurements.map(({ points }) => points))].sort((a, b) => a - b);
  return grids.flatMap((points) =>
    (['ours', 'reference'] as const).flatMap((who) => {
      const values = measurements
        .filter((measurement) => measurement.points === points)
        .flatMap((measurement) => {
          const side = measurement[who];
          return side === undefined ? [] : [[measurement.count, value(side)] as const];
        })
        .sort(([a], [b]) => a - b);
      return values.length === 0 ? [] : [{ who, points, values }];
    }),
  );
}

function panel(left: number, title: string, series: Series[]): string[] {
  const counts = [...new Set(series.flatMap(({ values }) => values.map(([count]) => count)))];
  const heights = series.flatMap(({ values }) => values.map(([, value]) => value));
  const xDomain = [Math.min(...counts) / 1.3, Math.max(...counts) * 1.3] as const;
  const ticks = ticksAround(Math.min(...heights), Math.max(...heights));
  const yDomain = [ticks[0] ?? 1, ticks.at(-1) ?? 10] as const;
  const x = (count: number): number => left + PANEL.width * fraction(count, xDomain);
  const y = (value: number): number => PANEL.top + PANEL.height * (1 - fraction(value, yDomain));
  const bottom = PANEL.top + PANEL.height;
  return [
    text(left, PANEL.top - 16, title, 'title'),
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${left}" x2="${left + PANEL.width}" y1="${round(y(tick))}" y2="${round(y(tick))}"/>`,
      text(left - 8, y(tick) + 4, tick.toLocaleString('en'), undefined, 'end'),
    ]),
    `<line class="axis" x1="${left}" x2="${left + PANEL.width}" y1="${bottom}" y2="${bottom}"/>`,
    ...counts.map((count) => text(x(count), bottom + 20, count.toLocaleString('en'), undefined, 'middle')),
    text(left + PANEL.width / 2, bottom + 40, 'spectra', undefined, 'middle'),
    ...series.flatMap((one) => [
      `<polyline class="${classesOf(one)}" points="${one.values.map(([count, value]) => `${round(x(count))},${round(y(value))}`).join(' ')}"/>`,
      ...one.values.map(
        ([count, value]) =>
          `<circle class="${one.who}" cx="${round(x(count))}" cy="${round(y(value))}" r="3.5"/>`,
      ),
    ]),
  ];
}

function legend(series: Series[]): string[] {
  return series.flatMap((one, i) => {
    const left = PANEL_LEFTS[0] + i * 200;
    return [
      `<line class="${classesOf(one)}" x1="${left}" x2="${left + 32}" y1="24" y2="24"/>`,
      text(left + 40, 28, `${one.who}, ${one.points.toLocaleString('en')} points`),
    ];
  });
}

function classesOf({ who, points }: Series): string {
  return `line ${who}${points > 1000 ? ' wide' : ''}`;
}

/** 1, 2, 5, 10, 20 … from the last below the lowest value to the first above the highest. */
function ticksAround(lowest: number, highest: number): number[] {
  const steps = Array.from({ length: 40 }, (_, i) => ([1, 2, 5][i % 3] ?? 1) * 10 ** (Math.floor(i / 3) - 1));
  const from = steps.findLastIndex((step) => step < lowest);
  const to = steps.findIndex((step) => step > highest);
  return steps.slice(Math.max(0, from), to === -1 ? undefined : to + 1);
}

function fraction(value: number, [low, high]: readonly [number, number]): number {
  return Math.log(value / low) / Math.log(high / low);
}

function text(x: number, y: number, content: string, cssClass?: string, anchor = 'start'): string {
  const classes = cssClass === undefined ? '' : ` class="${cssClass}"`;
  return `<text${classes} x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${content}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
