import { pointBefore } from './raster.ts';

/** Median of the finite values; NaN where there is none. */
export function medianOf(values: ArrayLike<number>): number {
  const finite = Float64Array.from(values).filter(Number.isFinite).sort();
  return finite[finite.length >> 1] ?? NaN;
}

/**
 * Puts a spectrum on `grid` [Å] by linear interpolation, divided by its median, into `into`: NaN outside of the
 * spectrum and in its gaps. A spectrum without a median above 0 is left as it is.
 */
export function regrid(wave: Float32Array, flux: Float32Array, grid: Float64Array, into: Float32Array): void {
  const from = Float64Array.from(wave);
  const median = medianOf(flux);
  const size = median > 0 ? median : 1;
  const [first, last] = [from[0] ?? NaN, from[from.length - 1] ?? NaN];
  for (let index = 0; index < grid.length; index += 1) {
    const x = grid[index] ?? NaN;
    if (!(x >= first && x <= last)) {
      into[index] = NaN;
      continue;
    }
    const point = pointBefore(from, x);
    const [before, after] = [from[point] ?? NaN, from[point + 1] ?? NaN];
    const [low, high] = [flux[point] ?? NaN, flux[point + 1] ?? NaN];
    const between =
      x === before ? low : x === after ? high : low + ((high - low) * (x - before)) / (after - before);
    into[index] = between / size;
  }
}

/** Wavelengths from `min` to `max` [Å] in equal steps of the logarithm. */
export function logGrid(min: number, max: number, points: number): Float64Array {
  const ratio = Math.log(max / min) / (points - 1);
  return Float64Array.from({ length: points }, (_, index) => min * Math.exp(index * ratio));
}
