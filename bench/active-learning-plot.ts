import type { Efficiency } from './active-learning-efficiency.ts';

// Plain SVG, as plot.ts: readable on GitHub's light and dark pages.
const WIDTH = 880;
const PANEL = { width: 350, height: 270, top: 96 };
const PANEL_LEFTS = [64, 490] as const;
const HEIGHT = 452;
/** Hues that differ in lightness too; random is grey. */
const HUES: Readonly<Record<string, readonly [light: string, dark: string]>> = {
  entropy: ['#2a78d6', '#5598e7'],
  margin: ['#d95926', '#eb6834'],
  least_confidence: ['#7a4fc0', '#a98be0'],
  bald: ['#15803d', '#4ade80'],
  density_weighted: ['#b45309', '#fbbf24'],
  core_set: ['#be185d', '#f472b6'],
  badge: ['#0e7490', '#22d3ee'],
  random: ['#777670', '#a5a49c'],
};
const TICKS = [100, 200, 350, 600];
const OTHER = ['#0b0b0b', '#ffffff'] as const;

/** Median F1 of the rare classes over labels spent (logarithmic), with its interval for the strategies of the most seeds; a panel a share. */
export function plotEfficiencies(efficiencies: readonly Efficiency[], note: string): string {
  const fractions = [...new Set(efficiencies.map(({ rareFraction }) => rareFraction))].slice(0, 2);
  const strategies = [...new Set(efficiencies.map(({ strategy }) => strategy))];
  const shown = efficiencies.filter(({ rareFraction }) => fractions.includes(rareFraction));
  const values = shown.flatMap(({ curve }) => curve.map((point) => point.median));
  const low = Math.max(0, Math.floor(10 * Math.min(...values) - 0.5) / 10);
  const high = Math.min(1, Math.ceil(10 * Math.max(...values)) / 10);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="F1 of the rare classes over labels spent">`,
    `<style>${style(strategies)}</style>`,
    ...strategies.flatMap(legendEntry),
    ...fractions.flatMap((fraction, i) =>
      panel(
        PANEL_LEFTS[i] ?? 0,
        shown.filter(({ rareFraction }) => rareFraction === fraction),
        [low, high > low ? high : low + 0.1],
      ),
    ),
    text(PANEL_LEFTS[0], HEIGHT - 12, note),
    '</svg>',
    '',
  ].join('\n');
}

function style(strategies: readonly string[]): string {
  const rules = (which: 0 | 1): string =>
    strategies
      .map((name) => `.${name} { stroke: ${hueOf(name)[which]}; fill: ${hueOf(name)[which]}; }`)
      .join('\n  ');
  return `
  text { font: 13px system-ui, sans-serif; fill: #52514e; }
  .title { font-weight: 600; fill: #0b0b0b; }
  .axis { stroke: #c3c2b7; }
  .grid { stroke: #e1e0d9; }
  ${rules(0)}
  polyline { stroke-width: 2; }
  polyline.line { fill: none; }
  .band { fill-opacity: 0.15; stroke: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #c3c2b7; }
    .title { fill: #ffffff; }
    .axis { stroke: #52514e; }
    .grid { stroke: #383835; }
    ${rules(1)}
    polyline.line { fill: none; }
    .band { stroke: none; }
  }`;
}

function hueOf(strategy: string): readonly [string, string] {
  return HUES[strategy] ?? OTHER;
}

function legendEntry(strategy: string, i: number): string[] {
  const [left, top] = [PANEL_LEFTS[0] + (i % 4) * 205, 24 + 22 * Math.floor(i / 4)];
  return [
    `<line class="${strategy}" stroke-width="2" x1="${left}" x2="${left + 28}" y1="${top}" y2="${top}"/>`,
    text(left + 36, top + 4, strategy.replaceAll('_', ' ')),
  ];
}

function panel(
  left: number,
  efficiencies: readonly Efficiency[],
  [low, high]: readonly [number, number],
): string[] {
  const labels = efficiencies.flatMap(({ curve }) => curve.map((point) => point.labels));
  const [first, last] = [Math.min(...labels), Math.max(...labels)];
  const x = (count: number): number =>
    round(left + PANEL.width * (last > first ? Math.log(count / first) / Math.log(last / first) : 0));
  const y = (value: number): number =>
    round(PANEL.top + PANEL.height * (1 - (Math.max(low, Math.min(high, value)) - low) / (high - low)));
  const bottom = PANEL.top + PANEL.height;
  const ticks = Array.from({ length: Math.round((high - low) * 10) + 1 }, (_, i) => low + i / 10);
  const mostSeeds = Math.max(...efficiencies.map(({ seeds }) => seeds));
  const rare = efficiencies[0]?.rareFraction ?? NaN;
  return [
    text(left, PANEL.top - 14, `F1 of the rare classes, ${round(100 * rare)} % of the pool`, 'title'),
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${left}" x2="${left + PANEL.width}" y1="${y(tick)}" y2="${y(tick)}"/>`,
      text(left - 8, y(tick) + 4, tick.toFixed(1), undefined, 'end'),
    ]),
    `<line class="axis" x1="${left}" x2="${left + PANEL.width}" y1="${bottom}" y2="${bottom}"/>`,
    ...[...new Set([first, ...TICKS.filter((count) => count > first && count < last), last])].map((count) =>
      text(x(count), bottom + 20, String(count), undefined, 'middle'),
    ),
    text(left + PANEL.width / 2, bottom + 40, 'labels', undefined, 'middle'),
    ...efficiencies
      .filter(({ seeds }) => seeds === mostSeeds && seeds > 1)
      .map(({ strategy, curve }) => {
        const there = curve.map((point) => `${x(point.labels)},${y(point.high)}`);
        const back = curve.toReversed().map((point) => `${x(point.labels)},${y(point.low)}`);
        return `<polygon class="${strategy} band" points="${[...there, ...back].join(' ')}"/>`;
      }),
    ...efficiencies.map(
      ({ strategy, curve }) =>
        `<polyline class="${strategy} line" points="${curve.map((point) => `${x(point.labels)},${y(point.median)}`).join(' ')}"/>`,
    ),
  ];
}

function text(x: number, y: number, content: string, cssClass?: string, anchor = 'start'): string {
  const classes = cssClass === undefined ? '' : ` class="${cssClass}"`;
  return `<text${classes} x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${content}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
