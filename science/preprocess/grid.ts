/**
 * The wavelength grid [Å] that every spectrum is resampled to.
 *
 * `linear` equals `numpy.linspace(start, end, count)`; `log` has equal steps in log10 wavelength. First and last
 * point are exactly `start` and `end`.
 */
export function wavelengthGrid(
  startAngstrom: number,
  endAngstrom: number,
  count: number,
  spacing: 'linear' | 'log' = 'linear',
): Float64Array {
  const grid = new Float64Array(count);
  const from = spacing === 'log' ? Math.log10(startAngstrom) : startAngstrom;
  const to = spacing === 'log' ? Math.log10(endAngstrom) : endAngstrom;
  const step = (to - from) / (count - 1);
  for (let i = 0; i < count; i++) grid[i] = spacing === 'log' ? 10 ** (from + i * step) : from + i * step;
  grid[0] = startAngstrom;
  grid[count - 1] = endAngstrom;
  return grid;
}
