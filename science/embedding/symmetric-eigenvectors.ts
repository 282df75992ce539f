const MAX_SWEEPS = 60;

/**
 * Eigenvectors of a symmetric matrix, those of the largest eigenvalues first, by Jacobi's rotations.
 * @param matrix size × size
 * @returns size × size, an eigenvector of length 1 a row
 */
export function symmetricEigenvectors(matrix: Float64Array, size: number): Float64Array {
  const a = matrix.slice();
  const vectors = new Float64Array(size * size);
  for (let i = 0; i < size; i++) vectors[i * size + i] = 1;
  const at = (row: number, column: number): number => a[row * size + column] ?? NaN;
  let scale = 0;
  for (const value of a) scale += value * value;
  for (let sweep = 0; sweep < MAX_SWEEPS; sweep++) {
    let off = 0;
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off += at(p, q) ** 2;
    if (off <= scale * 1e-28) break;
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        if (at(p, q) === 0) continue;
        const theta = (at(q, q) - at(p, p)) / (2 * at(p, q));
        const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const cosine = 1 / Math.sqrt(tangent * tangent + 1);
        const sine = tangent * cosine;
        rotate(a, p, q, { step: size, size, cosine, sine });
        rotate(a, p * size, q * size, { step: 1, size, cosine, sine });
        rotate(vectors, p * size, q * size, { step: 1, size, cosine, sine });
      }
  }
  const order = Array.from({ length: size }, (_, i) => i).sort((i, j) => at(j, j) - at(i, i) || i - j);
  const sorted = new Float64Array(size * size);
  order.forEach((from, to) => sorted.set(vectors.subarray(from * size, (from + 1) * size), to * size));
  return sorted;
}

/** Turns two rows (step 1) or two columns (step size) that begin at p and q into each other. */
function rotate(
  values: Float64Array,
  p: number,
  q: number,
  { step, size, cosine, sine }: { step: number; size: number; cosine: number; sine: number },
): void {
  for (let i = 0; i < size; i++) {
    const one = values[p + i * step] ?? NaN;
    const other = values[q + i * step] ?? NaN;
    values[p + i * step] = cosine * one - sine * other;
    values[q + i * step] = sine * one + cosine * other;
  }
}
