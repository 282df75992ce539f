/** What a plot draws: `x` finite and rising, `y` null where there is a gap. */
export interface Curve {
  x: number[];
  y: (number | null)[];
}

/**
 * A curve out of a file's arrays: pixels without a finite wavelength are left out, fluxes that are not finite become
 * gaps, and arms that are stored out of order are sorted.
 */
export function curveOf(wave: ArrayLike<number | null>, flux: ArrayLike<number | null>): Curve {
  const points: { x: number; y: number | null }[] = [];
  for (let index = 0; index < wave.length; index += 1) {
    const x = wave[index];
    const y = flux[index];
    if (typeof x !== 'number' || !Number.isFinite(x)) continue;
    points.push({ x, y: typeof y === 'number' && Number.isFinite(y) ? y : null });
  }
  const rises = points.every((point, index) => index === 0 || point.x >= (points[index - 1]?.x ?? -Infinity));
  if (!rises) points.sort((a, b) => a.x - b.x);
  return { x: points.map((point) => point.x), y: points.map((point) => point.y) };
}

/** Around a curve, from `low` to `high` at each x. */
export interface Band {
  x: number[];
  low: (number | null)[];
  high: (number | null)[];
}

/** A stretch of x that is shaded from top to bottom. */
export interface Shade {
  from: number;
  to: number;
  kind: 'bad' | 'telluric';
}

/** A vertical line with a name. */
export interface Mark {
  at: number;
  name: string;
}

export interface Range {
  min: number;
  max: number;
}

/** From the first to the last x of several curves; undefined where none has a point. */
export function extentOf(curves: readonly Curve[]): Range | undefined {
  const ends = curves.flatMap((curve) => {
    const first = curve.x[0];
    const last = curve.x.at(-1);
    return first === undefined || last === undefined ? [] : [first, last];
  });
  if (ends.length === 0) return undefined;
  const min = Math.min(...ends);
  const max = Math.max(...ends);
  return min < max ? { min, max } : { min: min - 0.5, max: max + 0.5 };
}

/** Moves a range into `bounds` without changing its span; a range wider than the bounds becomes the bounds. */
function moveInto(range: Range, bounds: Range): Range {
  const span = range.max - range.min;
  if (span >= bounds.max - bounds.min) return bounds;
  const min = Math.min(Math.max(range.min, bounds.min), bounds.max - span);
  return { min, max: min + span };
}

/** `factor` below 1 zooms in; `centre` stays where it is on the screen. Never closer than a 10,000th of the bounds. */
export function zoomRange(range: Range, factor: number, centre: number, bounds: Range): Range {
  const span = Math.max((range.max - range.min) * factor, (bounds.max - bounds.min) / 10_000);
  const share = (centre - range.min) / (range.max - range.min);
  const min = centre - share * span;
  return moveInto({ min, max: min + span }, bounds);
}

/** Moves by a share of what is visible: 0.25 a quarter to the right. */
export function panRange(range: Range, share: number, bounds: Range): Range {
  const step = (range.max - range.min) * share;
  return moveInto({ min: range.min + step, max: range.max + step }, bounds);
}

/** The nearest point at or beside `index` that is no gap, looking in `direction` only; undefined where there is none. */
export function nextPoint(curve: Curve, index: number, direction: 1 | -1): number | undefined {
  for (let at = index; at >= 0 && at < curve.x.length; at += direction) if (curve.y[at] !== null) return at;
  return undefined;
}

/**
 * The range of y that a plot of a curve within `x` opens with: all of it, or with `isClipped` what holds 99 % of its
 * values; a margin to both sides. Undefined where the curve has no point there.
 */
export function rangeOfY(curve: Curve, x: Range, isClipped: boolean): Range | undefined {
  const values = curve.y.filter((y, index): y is number => {
    const at = curve.x[index] ?? NaN;
    return y !== null && at >= x.min && at <= x.max;
  });
  if (values.length === 0) return undefined;
  values.sort((a, b) => a - b);
  const quantile = (share: number) => values[Math.round(share * (values.length - 1))] ?? NaN;
  const [low, high] = isClipped ? [quantile(0.005), quantile(0.995)] : [quantile(0), quantile(1)];
  const margin = high > low ? (isClipped ? 0.15 : 0.05) * (high - low) : Math.abs(high) * 0.1 || 1;
  return { min: low - margin, max: high + margin };
}
