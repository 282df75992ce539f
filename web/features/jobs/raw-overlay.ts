import type { PreprocessingConfig } from '../../../contracts/preprocessing.ts';
import type { Curve } from '../../components/curve.ts';

type Scaling = PreprocessingConfig['scaling'];

/** The part of a curve from `from` to `to` [Å], both included. */
export function windowOf(curve: Curve, from: number, to: number): Curve {
  const kept = curve.x.flatMap((x, index) => (x >= from && x <= to ? [index] : []));
  return { x: kept.map((index) => curve.x[index] ?? 0), y: kept.map((index) => curve.y[index] ?? null) };
}

/** Centre and size of a scaling over the finite values; `(value - centre) / size` is what it makes of one. */
function measure(values: readonly number[], scaling: Scaling): { centre: number; size: number; low: number } {
  if (scaling === 'none') return { centre: 0, size: 1, low: 0 };
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

/**
 * Fluxes of a raw spectrum, already cut to the grid's range, scaled as the job scaled its rows, so that both can be
 * drawn on one axis. Null stays null; a constant becomes 0, as in preprocessing.
 */
export function scaleRaw(flux: readonly (number | null)[], scaling: Scaling): (number | null)[] {
  const values = flux.filter((value) => value !== null);
  if (values.length === 0) return [...flux];
  const { centre, size, low } = measure(values, scaling);
  return flux.map((value) => {
    if (value === null) return null;
    return size === 0 ? 0 : (value - centre) / size + low;
  });
}
