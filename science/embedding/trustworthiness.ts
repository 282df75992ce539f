import { nearestNeighbours } from '../sampling/nearest-neighbours.ts';

/**
 * How far a map's neighbours are neighbours of the spectra too (Venna & Kaski 2001), 0 to 1, as scikit-learn's: for each
 * row that is among the k nearest on the map and not among those of the spectra, the more is taken off the farther it is
 * there. Its time grows with n² · log n.
 * @param spectra rows × points
 * @param map rows × 2
 * @param neighbours k, below half the rows
 * @throws RangeError where there are too few rows
 */
export function trustworthiness(
  spectra: Float32Array,
  points: number,
  map: Float64Array,
  neighbours: number,
): number {
  const rows = spectra.length / points;
  if (2 * neighbours >= rows) throw new RangeError(`${rows} rows are too few for ${neighbours} neighbours`);
  const onMap = nearestNeighbours(Float32Array.from(map), 2, neighbours);
  const all = nearestNeighbours(spectra, points, rows - 1);
  const rank = new Int32Array(rows);
  let penalty = 0;
  for (let row = 0; row < rows; row++) {
    all.rows.subarray(row * (rows - 1), (row + 1) * (rows - 1)).forEach((other, i) => (rank[other] = i + 1));
    for (const other of onMap.rows.subarray(row * neighbours, (row + 1) * neighbours))
      penalty += Math.max(0, (rank[other] ?? NaN) - neighbours);
  }
  return 1 - (penalty * 2) / (rows * neighbours * (2 * rows - 3 * neighbours - 1));
}
