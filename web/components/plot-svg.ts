import type { Band, Curve, Mark, Range, Shade } from './curve.ts';
import { ticksOf } from './ticks.ts';

/** A plot as it is shown, for a paper: lines stay lines. */
export interface SvgPlot {
  title: string;
  x: Range;
  y: Range;
  xLabel: string;
  yLabel: string;
  /** Named in the corner where there are several. */
  curves: readonly { label: string; curve: Curve; colour: string; width: number; dash?: readonly number[] }[];
  /** Intervals of single values. */
  bars?: readonly { band: Band; colour: string }[];
  bands: readonly { band: Band; colour: string }[];
  shades: readonly { shade: Shade; colour: string }[];
  marks: readonly (Mark & { colour: string })[];
  colours: { text: string; grid: string; ground: string };
}

const WIDTH = 960;
const HEIGHT = 480;
const MARGIN = { left: 76, right: 16, top: 16, bottom: 52 };

const escapeXml = (text: string) => text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
const isNumber = (value: unknown) => typeof value === 'number';
const dashed = (dash: readonly number[]) => (dash.length > 0 ? ` stroke-dasharray="${dash.join(' ')}"` : '');
const shown = (value: number) => String(Math.round(value * 100) / 100);

/** The plot as an SVG document, 960 × 480. */
export function plotSvg(plot: SvgPlot): string {
  const width = WIDTH - MARGIN.left - MARGIN.right;
  const height = HEIGHT - MARGIN.top - MARGIN.bottom;
  const xOf = (x: number) => MARGIN.left + ((x - plot.x.min) / (plot.x.max - plot.x.min)) * width;
  const yOf = (y: number) => MARGIN.top + ((plot.y.max - y) / (plot.y.max - plot.y.min)) * height;
  const place = (x: number, y: number) => `${shown(xOf(x))},${shown(yOf(y))}`;
  const text = (x: number, y: number, content: string, rest: string) =>
    `<text x="${shown(x)}" y="${shown(y)}" fill="${plot.colours.text}" ${rest}>${escapeXml(content)}</text>`;

  const parts: string[] = [];
  for (const { shade, colour } of plot.shades) {
    const [from, to] = [Math.max(shade.from, plot.x.min), Math.min(shade.to, plot.x.max)];
    if (from >= to) continue;
    parts.push(
      `<rect x="${shown(xOf(from))}" y="${MARGIN.top}" width="${shown(Math.max(0.5, xOf(to) - xOf(from)))}" height="${height}" fill="${colour}" fill-opacity="0.18"/>`,
    );
  }
  for (const { band, colour } of plot.bands)
    for (const run of runsOf(
      band.x,
      plot.x,
      (index) => isNumber(band.low[index]) && isNumber(band.high[index]),
    )) {
      const low = run.map((index) => place(band.x[index] ?? 0, band.low[index] ?? 0));
      const high = run.map((index) => place(band.x[index] ?? 0, band.high[index] ?? 0));
      parts.push(
        `<path d="M${[...low, ...high.reverse()].join('L')}Z" fill="${colour}" fill-opacity="0.25"/>`,
      );
    }
  for (const { band, colour } of plot.bars ?? [])
    band.x.forEach((at, index) => {
      const [low, high] = [band.low[index], band.high[index]];
      if (isNumber(low) && isNumber(high))
        parts.push(`<path d="M${place(at, low)}L${place(at, high)}" stroke="${colour}" stroke-width="1.4"/>`);
    });
  for (const { curve, colour, width: thickness, dash = [] } of plot.curves)
    for (const run of runsOf(curve.x, plot.x, (index) => isNumber(curve.y[index])))
      parts.push(
        `<path d="M${run.map((index) => place(curve.x[index] ?? 0, curve.y[index] ?? 0)).join('L')}" fill="none" stroke="${colour}" stroke-width="${thickness}" stroke-linejoin="round"${dashed(dash)}/>`,
      );
  const axes: string[] = [];
  for (const mark of plot.marks) {
    if (mark.at <= plot.x.min || mark.at >= plot.x.max) continue;
    const x = xOf(mark.at);
    parts.push(
      `<line x1="${shown(x)}" x2="${shown(x)}" y1="${MARGIN.top}" y2="${MARGIN.top + height}" stroke="${mark.colour}" stroke-dasharray="3 3"/>`,
      text(x + 3, MARGIN.top + 12, mark.name, 'font-size="11"'),
    );
  }
  for (const { at, text: label } of ticksOf(plot.x.min, plot.x.max, 10)) {
    const x = xOf(at);
    axes.push(
      `<line x1="${shown(x)}" x2="${shown(x)}" y1="${MARGIN.top + height}" y2="${MARGIN.top + height + 5}" stroke="${plot.colours.grid}"/>`,
      text(x, MARGIN.top + height + 19, label, 'text-anchor="middle"'),
    );
  }
  for (const { at, text: label } of ticksOf(plot.y.min, plot.y.max, 7)) {
    const y = yOf(at);
    axes.push(
      `<line x1="${MARGIN.left - 5}" x2="${MARGIN.left}" y1="${shown(y)}" y2="${shown(y)}" stroke="${plot.colours.grid}"/>`,
      text(MARGIN.left - 9, y + 4, label, 'text-anchor="end"'),
    );
  }
  if (plot.curves.length > 1)
    plot.curves.forEach(({ label, colour, dash = [] }, row) => {
      const [right, y] = [WIDTH - MARGIN.right, MARGIN.top + 14 + 16 * row];
      axes.push(
        `<line x1="${right - 30}" x2="${right - 8}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="2"${dashed(dash)}/>`,
        text(right - 36, y + 4, label, 'text-anchor="end"'),
      );
    });
  const middle = MARGIN.top + height / 2;
  axes.push(
    `<rect x="${MARGIN.left}" y="${MARGIN.top}" width="${width}" height="${height}" fill="none" stroke="${plot.colours.grid}"/>`,
    text(MARGIN.left + width / 2, HEIGHT - 10, plot.xLabel, 'text-anchor="middle"'),
    text(16, middle, plot.yLabel, `text-anchor="middle" transform="rotate(-90 16 ${middle})"`),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(plot.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${plot.colours.ground}"/>`,
    `<clipPath id="plot"><rect x="${MARGIN.left}" y="${MARGIN.top}" width="${width}" height="${height}"/></clipPath>`,
    `<g clip-path="url(#plot)">${parts.join('\n')}</g>`,
    ...axes,
    '</svg>',
    '',
  ].join('\n');
}

/** Discs on the ground of a page, as an SVG document. */
export function dotsSvg({
  title,
  width,
  height,
  radius,
  ground,
  dots,
}: {
  title: string;
  width: number;
  height: number;
  radius: number;
  ground: string;
  dots: readonly { x: number; y: number; colour: string }[];
}): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${ground}"/>`,
    ...dots.map(
      ({ x, y, colour }) =>
        `<circle cx="${shown(x)}" cy="${shown(y)}" r="${radius}" fill="${colour}" fill-opacity="0.8"/>`,
    ),
    '</svg>',
    '',
  ].join('\n');
}

/** Indices of the points within a range, and the one beyond each end, cut where `isThere` says no. */
function runsOf(x: readonly number[], range: Range, isThere: (index: number) => boolean): number[][] {
  const runs: number[][] = [];
  let run: number[] = [];
  for (let index = 0; index < x.length; index += 1) {
    const isSeen = (x[index + 1] ?? Infinity) >= range.min && (x[index - 1] ?? -Infinity) <= range.max;
    if (isSeen && isThere(index)) run.push(index);
    else if (run.length > 0) {
      runs.push(run);
      run = [];
    }
  }
  if (run.length > 0) runs.push(run);
  return runs;
}
