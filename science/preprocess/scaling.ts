import { floatAt } from './elements.ts';
import type { Kernel } from './kernel.ts';

export type Scaling = 'minmax' | 'minmax01' | 'zscore' | 'none';

/**
 * Scales values, those that are not finite left out of the statistics.
 *
 * `minmax` to [-1, 1], `minmax01` to [0, 1], `zscore` to mean 0 and population standard deviation 1.
 * Constant values become 0 (but for `none`, which leaves them).
 *
 * @param row where the scaled values go, as long as `values`; in place where absent
 * @returns whether the values were constant (or none of them finite)
 */
export function scaleRow(
  values: Float64Array,
  scaling: Scaling,
  row: Float32Array | Float64Array = values,
): boolean {
  const { low, high } = extentOf(values);
  const constant = !(high > low);
  if (scaling === 'none') {
    row.set(values);
    return constant;
  }
  if (constant) {
    for (let i = 0; i < values.length; i++) {
      const value = floatAt(values, i);
      row[i] = value - value === 0 ? 0 : value;
    }
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
    let sum = 0;
    let count = 0;
    for (let i = 0; i < values.length; i++) {
      const value = floatAt(values, i);
      if (value - value !== 0) continue;
      sum += value;
      count++;
    }
    centre = sum / count;
    let squares = 0;
    for (let i = 0; i < values.length; i++) {
      const value = floatAt(values, i);
      if (value - value === 0) squares += (value - centre) ** 2;
    }
    width = Math.sqrt(squares / count);
  }
  const gain = factor / width;
  for (let i = 0; i < values.length; i++) row[i] = (floatAt(values, i) - centre) * gain + shift;
  return false;
}

/** Least and greatest of the finite values; Infinity and -Infinity where there is none. */
function extentOf(values: Float64Array): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  // NaN is neither below nor above anything.
  for (let i = 0; i < values.length; i++) {
    const value = floatAt(values, i);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low !== -Infinity && high !== Infinity) return { low, high };
  const finite = values.filter((value) => Number.isFinite(value));
  return finite.length === 0 ? { low: Infinity, high: -Infinity } : extentOf(finite);
}

/** `scaleRow` of the kernel's values, which are finite or NaN. */
export function scaleInKernel(loops: Kernel, scaling: 'minmax' | 'minmax01', row: Float32Array): boolean {
  const { low, high } = loops.extent();
  if (!(high > low)) return scaleRow(loops.values, scaling, row);
  const factor = scaling === 'minmax' ? 2 : 1;
  loops.scale(low, factor / (high - low), scaling === 'minmax' ? -1 : 0, row);
  return false;
}
