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
 * The line to zoom to after this one: from the first through all of them and around, then everything again.
 * @param current its place among the lines; undefined where everything is shown
 * @param first the place to begin at
 */
export function nextLine(
  count: number,
  current: number | undefined,
  { step, first }: { step: 1 | -1; first: number },
): number | undefined {
  if (count === 0) return undefined;
  // Counted from the first.
  const passed = current === undefined ? (step > 0 ? -1 : count) : (current - first + count) % count;
  const next = passed + step;
  return next < 0 || next >= count ? undefined : (first + next) % count;
}
