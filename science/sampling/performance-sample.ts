import { AcquisitionError } from '../acquisition/error.ts';
import type { PoolBlock } from '../acquisition/select-rows.ts';
import { TopRows } from '../acquisition/top-rows.ts';
import type { Random } from '../cnn/random.ts';
import { Draw, type IsExcluded } from './random-sample.ts';

export interface PerformanceSampleOptions {
  /** Rows to draw, in all. */
  readonly n: number;
  readonly classes: number;
  /** Numbers of the classes searched for. */
  readonly candidateClasses: readonly number[];
  readonly random: Random;
  /** Whether a row has a label, or is skipped. Asked only for rows that may be drawn. */
  readonly isExcluded?: IsExcluded;
}

export interface PerformanceRow {
  readonly row: number;
  readonly predictedClass: number;
}

/**
 * Draws the rows whose labels estimate the precision of each candidate class: of the spectra predicted as one (by the
 * highest probability; of equal ones the first class), objects with equal chances, and of each object one of its spectra
 * predicted so with equal chances. The classes take turns until n rows are drawn, so each has the same number of them,
 * but for a class with too few. Draw before the oracle's rows are chosen and keep these from the oracle: drawn from
 * the rest, precision comes out too high.
 *
 * Reads the predictions once, in memory that grows with n alone; equal generators give equal rows, however the pool is
 * cut into blocks. No object is drawn for two classes: each class takes objects from another end of one random order
 * (negatively coordinated samples; Ohlsson 1995), which keeps every class' sample uniform. Only where a class is nearly
 * drawn to its last object, one that was drawn for another is passed over.
 * @throws AcquisitionError `bad-data` where sizes do not fit or a probability is not a number
 */
export async function performanceSample(
  blocks: Iterable<PoolBlock> | AsyncIterable<PoolBlock>,
  { n, classes, candidateClasses, random, isExcluded }: PerformanceSampleOptions,
): Promise<PerformanceRow[]> {
  const draw = new Draw(random);
  // As many for each: should the others have few, or their objects be the same.
  const drawnOf = new Map(candidateClasses.map((one) => [one, new TopRows(n)]));
  const shiftOf = new Map(candidateClasses.map((one, i) => [one, i / candidateClasses.length]));
  for await (const { firstRow, probabilities, objects } of blocks) {
    const rows = probabilities.length / classes;
    if (!Number.isInteger(rows) || (objects !== undefined && objects.length !== rows))
      throw new AcquisitionError(
        'bad-data',
        `${probabilities.length} probabilities of ${classes} classes, ${objects?.length ?? 'no'} objects`,
      );
    for (let i = 0; i < rows; i++) {
      const predicted = predictedClass(probabilities, i, classes, firstRow);
      const top = drawnOf.get(predicted);
      if (top === undefined) continue;
      const row = firstRow + i;
      const object = objects?.[i] ?? null;
      const score = (draw.scoreOf(row, object) + (shiftOf.get(predicted) ?? NaN)) % 1;
      if (score < top.threshold || isExcluded?.(row, object) === true) continue;
      top.add(draw.drawn(row, object, score));
    }
  }

  const sample: PerformanceRow[] = [];
  const drawnObjects = new Set<string | number>();
  let left = [...drawnOf].map(([predictedClass, top]) => ({ predictedClass, rows: top.result() }));
  while (left.length > 0 && sample.length < n)
    left = left.filter(({ predictedClass, rows }) => {
      for (let next = rows.shift(); next !== undefined && sample.length < n; next = rows.shift()) {
        const { row, object = null } = next;
        if (object !== null && drawnObjects.has(object)) continue;
        if (object !== null) drawnObjects.add(object);
        sample.push({ row, predictedClass });
        return true;
      }
      return false;
    });
  return sample;
}

function predictedClass(
  probabilities: Float32Array | Float64Array,
  row: number,
  classes: number,
  firstRow: number,
): number {
  let best = 0;
  for (let one = 0; one < classes; one++) {
    const probability = probabilities[row * classes + one] ?? NaN;
    if (Number.isNaN(probability))
      throw new AcquisitionError('bad-data', `A probability of row ${firstRow + row} is not a number`);
    if (probability > (probabilities[row * classes + best] ?? NaN)) best = one;
  }
  return best;
}
