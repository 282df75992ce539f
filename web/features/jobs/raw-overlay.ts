import type { PreprocessingConfig } from '../../../contracts/preprocessing.ts';
import type { Curve } from '../../components/curve.ts';

type Scaling = PreprocessingConfig['scaling'];

/** The part of a curve from `from` to `to` [Å], both included. */
function windowOf(curve: Curve, from: number, to: number): Curve {
  const kept = curve.x.flatMap((x, index) => (x >= from && x <= to ? [index] : []));
  return { x: kept.map((index) => curve.x[index] ?? 0), y: kept.map((index) => curve.y[index] ?? null) };
}

/** Centre and size of a scaling over the finite values; `(value - centre) / size` is what it makes of one. */
function measure(values: readonly number[], scaling: Scaling): { centre: number; size: number; low: number } {
  if (scaling === 'none') return { centre: 0, size: 1, low: 0 };
  if (scaling === 'continuum') {
    const sorted = values.toSorted((a, b) => a - b);
    return { centre: 0, size: sorted[sorted.length >> 1] ?? 1, low: 0 };
  }
  if (scaling === 'zscore') {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return { centre: mean, size: Math.sqrt(variance), low: 0 };
  }
  const [min, max] = values.reduce(
    ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
    [Infinity, -Infinity],
  );
  return scaling === 'minmax'
    ? { centre: min, size: (max - min) / 2, low: -1 }
    : { centre: min, size: max - min, low: 0 };
}

/** Linear interpolation at `x`; undefined outside the curve and beside a gap. */
function interpolateAt(curve: Curve, x: number): number | undefined {
  let low = 0;
  let high = curve.x.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((curve.x[middle] ?? Infinity) <= x) low = middle;
    else high = middle;
  }
  const [x0, x1, y0, y1] = [curve.x[low], curve.x[high], curve.y[low], curve.y[high]];
  if (x0 === undefined || x1 === undefined || x < x0 || x > x1) return undefined;
  if (typeof y0 !== 'number' || typeof y1 !== 'number') return undefined;
  return x1 === x0 ? y0 : y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}

/** A curve at the wavelengths of the rest frame: divided by 1 + z. */
export function toRestFrame(raw: Curve, redshift: number): Curve {
  return { x: raw.x.map((x) => x / (1 + redshift)), y: raw.y };
}

/**
 * The pixels of a raw spectrum within the range of `grid` [Å], scaled as the job scaled its row: by what the raw
 * flux is at the grid points. So both lie on each other wherever preprocessing left the flux as it was. Gaps stay;
 * a constant becomes 0, as in preprocessing.
 */
export function rawOverGrid(raw: Curve, grid: readonly number[], scaling: Scaling): Curve {
  const inside = windowOf(raw, grid[0] ?? 0, grid.at(-1) ?? 0);
  const atGrid = grid.flatMap((x) => interpolateAt(raw, x) ?? []);
  if (atGrid.length === 0) return inside;
  const { centre, size, low } = measure(atGrid, scaling);
  const scale = (value: number) => (size === 0 ? 0 : (value - centre) / size + low);
  return { x: inside.x, y: inside.y.map((value) => (value === null ? null : scale(value))) };
}
