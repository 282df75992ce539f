/** How many dimensions are summed before looking whether the row can still be among the nearest: most cannot. */
const STRIDE = 16;

/** The nearest rows of each row that was asked for, the nearest first; of equally near ones the first. */
export interface Neighbours {
  readonly count: number;
  /** Rows asked for × count. */
  readonly rows: Int32Array;
  /** Squared Euclidean distances, rows asked for × count. */
  readonly squaredDistances: Float64Array;
}

/**
 * Exact nearest neighbours by Euclidean distance, in double precision; a row is none of its own. All pairs are looked
 * at, but few to the last dimension. It is fastest where the first dimensions differ most, as after a PCA.
 * @param values rows × width
 * @param count of neighbours, fewer than the rows
 * @param of rows whose neighbours are asked for; all where absent
 * @throws RangeError where there are not that many others, or a value is no finite number
 */
export function nearestNeighbours(
  values: Float32Array,
  width: number,
  count: number,
  of: Int32Array = Int32Array.from({ length: values.length / width }, (_, row) => row),
): Neighbours {
  const rows = values.length / width;
  if (count >= rows) throw new RangeError(`${rows} spectra have no ${count} neighbours each`);
  for (let i = 0; i < values.length; i++)
    if (!Number.isFinite(values[i])) throw new RangeError(`Spectrum ${Math.floor(i / width)} is not finite`);
  const nearest = new Int32Array(of.length * count);
  const squaredDistances = new Float64Array(of.length * count).fill(Infinity);
  if (count > 0)
    of.forEach((row, i) => {
      const from = i * count;
      const to = from + count;
      nearestOfRow(values, width, row, nearest.subarray(from, to), squaredDistances.subarray(from, to));
    });
  return { count, rows: nearest, squaredDistances };
}

function nearestOfRow(
  values: Float32Array,
  width: number,
  row: number,
  nearest: Int32Array,
  distances: Float64Array,
): void {
  const last = nearest.length - 1;
  const own = row * width;
  let limit = Infinity;
  for (let other = 0, start = 0; start < values.length; other++, start += width) {
    if (other === row) continue;
    let squared = 0;
    for (let from = 0; from < width && squared < limit; from += STRIDE) {
      const to = Math.min(width, from + STRIDE);
      for (let i = from; i < to; i++) {
        const difference = (values[own + i] ?? NaN) - (values[start + i] ?? NaN);
        squared += difference * difference;
      }
    }
    // As rows come in their order, one that is as near as the last stays behind it.
    if (squared >= limit) continue;
    let at = last;
    for (; at > 0 && (distances[at - 1] ?? NaN) > squared; at--) {
      distances[at] = distances[at - 1] ?? NaN;
      nearest[at] = nearest[at - 1] ?? -1;
    }
    distances[at] = squared;
    nearest[at] = other;
    limit = distances[last] ?? NaN;
  }
}
