import type { Random } from '../cnn/random.ts';
import { affinities, type SparseMatrix } from './affinities.ts';
import { principalComponents } from './principal-components.ts';
import { QuadTree } from './quad-tree.ts';

/** Fewer spectra have no neighbours to speak of. */
const MIN_ROWS = 4;
const MAX_COMPONENTS = 50;
const MAX_PERPLEXITY = 30;
const ITERATIONS = 1000;
/** Attraction is this much stronger in the first iterations, so that clusters form before they find their places. */
const EXAGGERATION = 12;
const EXAGGERATED_ITERATIONS = 250;
/** Standard deviation of the first component in the beginning. */
const INITIAL_SIZE = 1e-4;
/** Beside that, so that equal spectra can part. */
const INITIAL_NOISE = 1e-6;
/** Cells that are seen at a smaller angle act as one point. */
const THETA = 0.5;
const [FIRST_MOMENTUM, MOMENTUM] = [0.5, 0.8];

export interface TsneOptions {
  /** Of a spectrum. */
  readonly points: number;
  readonly random: Random;
  /** After each iteration. */
  readonly onProgress?: (iteration: number, iterations: number) => void;
}

/**
 * A map of spectra in two dimensions in which neighbours stay neighbours: Barnes–Hut t-SNE (van der Maaten 2014, JMLR 15,
 * 3221) of the first 50 principal components, from these as a start, with perplexity min(30, (n − 1) / 3) and the
 * learning rate of Belkina et al. (2019). Its time grows with n²; it runs to its end without a pause. Equal generators
 * give equal maps on one machine. One to three spectra lie on a circle.
 * @param spectra rows × points, finite
 * @returns rows × 2: x and y of each
 * @throws RangeError where spectra are cut or not finite
 */
export function tsne(spectra: Float32Array, { points, random, onProgress }: TsneOptions): Float64Array {
  const rows = spectra.length / points;
  if (!Number.isInteger(rows))
    throw new RangeError(`${spectra.length} values are not spectra of ${points} points`);
  if (rows < MIN_ROWS) return onCircle(rows);
  const width = Math.min(MAX_COMPONENTS, points);
  const components = principalComponents(spectra, points, width, random);
  const map = initialMap(components, width, random);
  const near = affinities(components, width, Math.min(MAX_PERPLEXITY, (rows - 1) / 3));
  descend(map, near, onProgress);
  return map;
}

function onCircle(rows: number): Float64Array {
  return Float64Array.from({ length: 2 * rows }, (_, i) => {
    const angle = (2 * Math.PI * Math.floor(i / 2)) / rows;
    return i % 2 === 0 ? Math.cos(angle) : Math.sin(angle);
  });
}

function initialMap(components: Float32Array, width: number, random: Random): Float64Array {
  const rows = components.length / width;
  let squared = 0;
  for (let row = 0; row < rows; row++) squared += (components[row * width] ?? NaN) ** 2;
  const deviation = Math.sqrt(squared / rows);
  const scale = deviation > 0 ? INITIAL_SIZE / deviation : 0;
  return Float64Array.from({ length: 2 * rows }, (_, i) => {
    const noise = INITIAL_NOISE * (random.uniform() - 0.5);
    const component = i % 2 < width ? (components[(i >> 1) * width + (i % 2)] ?? NaN) : 0;
    return scale * component + noise;
  });
}

/** Gradient descent on the Kullback–Leibler divergence, with momentum and a gain for each coordinate. */
function descend(map: Float64Array, near: SparseMatrix, onProgress: TsneOptions['onProgress']): void {
  const rows = map.length / 2;
  const learningRate = Math.max(rows / EXAGGERATION / 4, 50);
  const tree = new QuadTree(map);
  const attraction = new Float64Array(map.length);
  const repulsion = new Float64Array(map.length);
  const gains = new Float64Array(map.length).fill(1);
  const update = new Float64Array(map.length);
  for (let iteration = 1; iteration <= ITERATIONS; iteration++) {
    const isExaggerated = iteration <= EXAGGERATED_ITERATIONS;
    const strength = isExaggerated ? EXAGGERATION : 1;
    const momentum = isExaggerated ? FIRST_MOMENTUM : MOMENTUM;
    attract(map, near, attraction);
    tree.build();
    const normalisation = tree.repulsion(repulsion, THETA);
    for (let i = 0; i < map.length; i++) {
      const gradient = 4 * (strength * (attraction[i] ?? NaN) - (repulsion[i] ?? NaN) / normalisation);
      const before = update[i] ?? NaN;
      const gain = Math.max(0.01, gradient * before < 0 ? (gains[i] ?? NaN) + 0.2 : (gains[i] ?? NaN) * 0.8);
      const step = momentum * before - learningRate * gain * gradient;
      gains[i] = gain;
      update[i] = step;
      map[i] = (map[i] ?? NaN) + step;
    }
    onProgress?.(iteration, ITERATIONS);
  }
}

/** @param forces points × 2, written: sums of p · q · (difference) */
function attract(map: Float64Array, { starts, columns, values }: SparseMatrix, forces: Float64Array): void {
  for (let row = 0; 2 * row < map.length; row++) {
    const x = map[2 * row] ?? NaN;
    const y = map[2 * row + 1] ?? NaN;
    let forceX = 0;
    let forceY = 0;
    for (let i = starts[row] ?? NaN; i < (starts[row + 1] ?? NaN); i++) {
      const column = columns[i] ?? NaN;
      const dx = x - (map[2 * column] ?? NaN);
      const dy = y - (map[2 * column + 1] ?? NaN);
      const pq = (values[i] ?? NaN) / (1 + dx * dx + dy * dy);
      forceX += pq * dx;
      forceY += pq * dy;
    }
    forces[2 * row] = forceX;
    forces[2 * row + 1] = forceY;
  }
}
