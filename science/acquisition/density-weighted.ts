import { highest, type AcquisitionFunction, type Matrix } from './acquisition-function.ts';
import { rowEntropies } from './entropy.ts';

/**
 * Information density (Settles & Craven 2008): entropy times the mean cosine similarity to the candidates, so that a
 * spectrum is not chosen for being like nothing else.
 *
 * Candidates are the rows of the greatest entropy, for only these can score; in a pool larger than their limit the
 * density is therefore that among uncertain spectra, not that of the pool.
 */
export const densityWeighted: AcquisitionFunction = {
  scoreRows: rowEntropies,
  secondStep: {
    needs: 'embeddings',
    needsLabelled: false,
    choose({ scores }, { candidates, width }, n) {
      const density = meanCosineSimilarity(candidates, width);
      return highest(
        scores.map((entropy, row) => entropy * (density[row] ?? NaN)),
        n,
      );
    },
  },
};

/**
 * Mean cosine similarity of each row to all rows, itself included; 0 for a row of zeros. The mean of products with
 * every unit vector is the product with their mean: no matrix of pairs is needed.
 * @param embeddings rows × width
 */
export function meanCosineSimilarity(embeddings: Matrix, width: number): Float64Array {
  const rows = embeddings.length / width;
  const norms = new Float64Array(rows);
  const meanDirection = new Float64Array(width);
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    let squared = 0;
    for (let i = 0; i < width; i++) squared += (embeddings[start + i] ?? NaN) ** 2;
    const norm = Math.sqrt(squared);
    norms[row] = norm;
    if (norm === 0) continue;
    for (let i = 0; i < width; i++)
      meanDirection[i] = (meanDirection[i] ?? NaN) + (embeddings[start + i] ?? NaN) / norm / rows;
  }
  return norms.map((norm, row) => {
    if (norm === 0) return 0;
    let product = 0;
    for (let i = 0, at = row * width; i < width; i++, at++)
      product += (embeddings[at] ?? NaN) * (meanDirection[i] ?? NaN);
    return product / norm;
  });
}
