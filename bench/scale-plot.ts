import type { ScaleReport } from './scale-report.ts';

// Plain SVG, as in plot.ts: readable on light and dark pages, without scripts and fonts.
const WIDTH = 560;
const HEIGHT = 380;
const PANEL = { left: 70, top: 50, width: 440, height: 250 };
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #52514e; }
  .title { font-weight: 600; fill: #0b0b0b; }
  .grid { stroke: #e1e0d9; }
  .ideal { stroke: #c3c2b7; stroke-dasharray: 6 4; fill: none; }
  .ours { stroke: #2a78d6; fill: #2a78d6; }
  .line { fill: none; stroke-width: 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #c3c2b7; }
    .title { fill: #ffffff; }
    .grid { stroke: #383835; }
    .ours { stroke: #5598e7; fill: #5598e7; }
  }`;

/** Times the work of the first measurement over the number of workers, beside what would be ideal. */
export function plotScale({
  measurements,
  spectra,
  points,
  coresPerWorker,
  at,
  commit,
}: ScaleReport): string {
  const most = Math.max(...measurements.map(({ workers }) => workers));
  const first = measurements[0]?.workers ?? 1;
  const x = (workers: number): number => round(PANEL.left + (PANEL.width * workers) / most);
  const y = (times: number): number => round(PANEL.top + PANEL.height * (1 - (times * first) / most));
  const bottom = PANEL.top + PANEL.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Speed-up over the number of cpu workers">`,
    `<style>${STYLE}</style>`,
    `<text class="title" x="${PANEL.left}" y="24">Times the work of ${first === 1 ? 'one worker' : `${first} workers`}; dashed: ideal</text>`,
    ...measurements.flatMap(({ workers }) => [
      `<line class="grid" x1="${PANEL.left}" x2="${PANEL.left + PANEL.width}" y1="${y(workers / first)}" y2="${y(workers / first)}"/>`,
      `<text x="${PANEL.left - 8}" y="${y(workers / first) + 4}" text-anchor="end">${round(workers / first)}</text>`,
      `<text x="${x(workers)}" y="${bottom + 20}" text-anchor="middle">${workers}</text>`,
    ]),
    `<text x="${PANEL.left + PANEL.width / 2}" y="${bottom + 40}" text-anchor="middle">cpu workers, each ${coresPerWorker} of a processor</text>`,
    `<line class="ideal" x1="${x(0)}" y1="${y(0)}" x2="${x(most)}" y2="${y(most / first)}"/>`,
    `<polyline class="line ours" points="${measurements.map(({ workers, speedUp }) => `${x(workers)},${y(speedUp)}`).join(' ')}"/>`,
    ...measurements.map(
      ({ workers, speedUp }) => `<circle class="ours" cx="${x(workers)}" cy="${y(speedUp)}" r="3.5"/>`,
    ),
    `<text x="${PANEL.left}" y="${HEIGHT - 12}">${spectra.toLocaleString('en')} spectra, ${points} points. ${at.slice(0, 10)}, ${commit}</text>`,
    '</svg>',
    '',
  ].join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
