export type Scaling = 'minmax' | 'minmax01' | 'zscore' | 'none';

/**
 * Scales a row in place, values that are not finite left out of the statistics.
 *
 * `minmax` to [-1, 1], `minmax01` to [0, 1], `zscore` to mean 0 and population standard deviation 1.
 * A constant row becomes 0 (but for `none`, which leaves it).
 *
 * @returns whether the row was constant (or had no finite value at all)
 */
export function scaleRow(row: Float64Array, scaling: Scaling): boolean {
  let low = Infinity;
  let high = -Infinity;
  let sum = 0;
  let count = 0;
  for (const value of row) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
    sum += value;
    count++;
  }
  const constant = !(high > low);
  if (scaling === 'none') return constant;
  if (constant) {
    for (let i = 0; i < row.length; i++) if (Number.isFinite(row[i])) row[i] = 0;
    return true;
  }
  let centre = low;
  let width = high - low;
  let factor = 1;
  let shift = 0;
  if (scaling === 'minmax') {
    factor = 2;
    shift = -1;
  } else if (scaling === 'zscore') {
    centre = sum / count;
    let squares = 0;
    for (const value of row) if (Number.isFinite(value)) squares += (value - centre) ** 2;
    width = Math.sqrt(squares / count);
  }
  for (let i = 0; i < row.length; i++) row[i] = (factor * ((row[i] ?? NaN) - centre)) / width + shift;
  return false;
}
