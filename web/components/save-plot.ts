import { saveBlob } from './save.ts';
import { svgPng } from './plot-image.ts';

/** What every plot can be downloaded as. */
export const PLOT_KINDS = ['PNG', 'SVG', 'CSV'] as const;
export type PlotKind = (typeof PLOT_KINDS)[number];

interface PlotFiles {
  svg: () => string;
  csv: () => string;
  /** Where the picture on the page is more than its lines; that of the lines where absent. */
  png?: () => Promise<Blob>;
}

/** Hands a plot to the browser's downloads. @param name of the file, without its ending */
export async function savePlot(kind: PlotKind, name: string, { svg, csv, png }: PlotFiles): Promise<void> {
  if (kind === 'CSV') saveBlob(new Blob([csv()], { type: 'text/csv' }), `${name}.csv`);
  else if (kind === 'SVG') saveBlob(new Blob([svg()], { type: 'image/svg+xml' }), `${name}.svg`);
  else saveBlob(await (png?.() ?? svgPng(svg())), `${name}.png`);
}

/** A file's name out of a title. */
export function plotFileName(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, '-')
    .replaceAll(/^-|-$/g, '');
}
