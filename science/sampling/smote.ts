import type { LabelledSpectra } from '../cnn/fit.ts';
import type { Random } from '../cnn/random.ts';
import { nearestNeighbours } from './nearest-neighbours.ts';

/** As imbalanced-learn. */
const DEFAULT_NEIGHBOURS = 5;

export interface SmoteOptions {
  /** Of a spectrum. */
  readonly points: number;
  /** How many of a spectrum's nearest of its own class it may be mixed with: 5, or as many as the class has. */
  readonly neighbours?: number;
  readonly random: Random;
}

/**
 * SMOTE (Chawla et al. 2002, JAIR 16, 321), as imbalanced-learn's with `sampling_strategy="auto"`: every class gets as
 * many spectra as the largest has, by new ones on the line between a spectrum and one of its nearest neighbours of the
 * same class. A class with fewer spectra than neighbours + 1 takes all its others as neighbours; one with a single
 * spectrum gets copies of it. Classes without a spectrum stay empty. Hold validation spectra out before.
 * @returns the given spectra in their order, then the new ones by class
 * @throws RangeError where sizes do not fit or a value is no finite number
 */
export function smote({ spectra, labels }: LabelledSpectra, options: SmoteOptions): LabelledSpectra {
  const { points, neighbours = DEFAULT_NEIGHBOURS, random } = options;
  if (spectra.length !== labels.length * points)
    throw new RangeError(`${spectra.length} values are not ${labels.length} spectra of ${points} points`);
  const rowsOfClass = new Map<number, number[]>();
  labels.forEach((label, row) => {
    const rows = rowsOfClass.get(label);
    if (rows === undefined) rowsOfClass.set(label, [row]);
    else rows.push(row);
  });
  const classes = [...rowsOfClass].sort(([a], [b]) => a - b);
  const largest = Math.max(0, ...classes.map(([, rows]) => rows.length));

  const allSpectra = new Float32Array(largest * classes.length * points);
  const allLabels = new Int32Array(largest * classes.length);
  allSpectra.set(spectra);
  allLabels.set(labels);
  let end = labels.length;
  for (const [label, rows] of classes) {
    const made = newSpectra(gather(spectra, rows, points), {
      points,
      neighbours: Math.min(neighbours, rows.length - 1),
      count: largest - rows.length,
      random,
    });
    allSpectra.set(made, end * points);
    allLabels.fill(label, end, end + largest - rows.length);
    end += largest - rows.length;
  }
  return { spectra: allSpectra, labels: allLabels };
}

/** @param spectra of one class */
function newSpectra(
  spectra: Float32Array,
  { points, neighbours, count, random }: Required<SmoteOptions> & { count: number },
): Float32Array {
  const rows = spectra.length / points;
  const bases = Int32Array.from({ length: count }, () => random.below(rows));
  // Only of those drawn: in a class nearly as large as the largest they are few.
  const asked = [...new Set(bases)];
  const nearest = nearestNeighbours(spectra, points, neighbours, Int32Array.from(asked));
  const positionOf = new Map(asked.map((row, i) => [row, i]));
  const made = new Float32Array(count * points);
  bases.forEach((base, i) => {
    const at = positionOf.get(base) ?? NaN;
    const other = neighbours === 0 ? base : (nearest.rows[at * neighbours + random.below(neighbours)] ?? NaN);
    const share = random.uniform();
    for (let point = 0; point < points; point++) {
      const value = spectra[base * points + point] ?? NaN;
      made[i * points + point] = value + share * ((spectra[other * points + point] ?? NaN) - value);
    }
  });
  return made;
}

function gather(spectra: Float32Array, rows: readonly number[], points: number): Float32Array {
  const gathered = new Float32Array(rows.length * points);
  rows.forEach((row, i) => gathered.set(spectra.subarray(row * points, (row + 1) * points), i * points));
  return gathered;
}
