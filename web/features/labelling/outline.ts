import type { Curve, Range } from '../../components/curve.ts';

/** Columns of a drawing: of the pixels in each the lowest and the highest are drawn, so that no line is lost. */
const COLUMNS = 240;

export interface Outline {
  /** What is drawn [Å]. */
  view: Range;
  /** SVG path data, one a curve, in a box of the given size. */
  paths: string[];
}

/** Curves as SVG paths, on one scale; undefined where none has two points in view. */
export function outlineOf(
  curves: readonly Curve[],
  { view, width, height }: { view?: Range | undefined; width: number; height: number },
): Outline | undefined {
  const parts = curves.map(({ x, y }) =>
    x.flatMap((at, index) => {
      const value = y[index];
      const isIn = view === undefined || (at >= view.min && at <= view.max);
      return isIn && typeof value === 'number' ? [{ at, value }] : [];
    }),
  );
  const all = parts.flat();
  if (all.length < 2) return undefined;
  const range = (values: readonly number[]): Range => {
    const [min, max] = values.reduce(
      ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
      [Infinity, -Infinity],
    );
    return min < max ? { min, max } : { min: min - 0.5, max: max + 0.5 };
  };
  const shown = view ?? range(all.map(({ at }) => at));
  const values = range(all.map(({ value }) => value));
  const toX = (at: number) => (width * (at - shown.min)) / (shown.max - shown.min);
  // A little room above and below.
  const toY = (value: number) => height * (0.96 - (0.92 * (value - values.min)) / (values.max - values.min));
  const draw = (points: readonly { at: number; value: number }[]) =>
    points
      .map(
        ({ at, value }, index) => `${index === 0 ? 'M' : 'L'}${toX(at).toFixed(1)} ${toY(value).toFixed(1)}`,
      )
      .join('');
  return { view: shown, paths: parts.map((part) => draw(thin(part))) };
}

function thin(points: readonly { at: number; value: number }[]): readonly { at: number; value: number }[] {
  if (points.length <= 2 * COLUMNS) return points;
  const perColumn = points.length / COLUMNS;
  return Array.from({ length: COLUMNS }, (_, column) => {
    const part = points.slice(Math.floor(column * perColumn), Math.floor((column + 1) * perColumn));
    const low = part.reduce((a, b) => (b.value < a.value ? b : a));
    const high = part.reduce((a, b) => (b.value > a.value ? b : a));
    return low.at <= high.at ? [low, high] : [high, low];
  }).flat();
}
