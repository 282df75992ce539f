import type { Range } from '../../components/curve.ts';

export interface Line {
  at: number;
  name: string;
}

/** Half of what is shown around a line [Å]: wings of 2,000 km/s at Hα. */
const HALF_WIDTH = 45;

/** Lines within a grid [Å], each once by name and place, in order of wavelength. */
export function linesWithin(lines: readonly Line[], grid: readonly number[]): Line[] {
  const first = grid[0] ?? Infinity;
  const last = grid.at(-1) ?? -Infinity;
  return lines.filter(({ at }) => at > first && at < last).sort((a, b) => a.at - b.at);
}

/** What is shown around a line, within the grid. */
export function viewAround({ at }: Line, grid: readonly number[]): Range {
  return {
    min: Math.max(at - HALF_WIDTH, grid[0] ?? at),
    max: Math.min(at + HALF_WIDTH, grid.at(-1) ?? at),
  };
}

/**
 * The line to zoom to after this one: through all of them, then everything again.
 * @param current its place among the lines; undefined where everything is shown
 */
export function nextLine(count: number, current: number | undefined, step: 1 | -1): number | undefined {
  if (count === 0) return undefined;
  const at = current === undefined ? (step > 0 ? 0 : count - 1) : current + step;
  return at < 0 || at >= count ? undefined : at;
}
