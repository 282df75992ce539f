import { AcquisitionError } from '../acquisition/error.ts';
import { TopRows, type ScoredRow } from '../acquisition/top-rows.ts';
import type { Random } from '../cnn/random.ts';
import { kMeansPlusPlus } from './k-means-plus-plus.ts';
import { Draw, type IsExcluded } from './random-sample.ts';

/** Bounds of the sample that k-means++ chooses from: rows, and bytes of their spectra. */
const CANDIDATES = 10_000;
const CANDIDATE_BYTES = 64 * 2 ** 20;

/** Spectra of consecutive rows of a pool. */
export interface SpectraBlock {
  readonly firstRow: number;
  /** Rows × points. */
  readonly spectra: Float32Array;
  /** What each spectrum is of; null where that is not known. Without them every row is an object of its own. */
  readonly objects?: ArrayLike<string | number | null>;
}

/**
 * Rows whose spectra differ as much as they can, to begin with when there is no model: k-means++ on the spectra, of at
 * most one spectrum an object. A pool is read once; of one with more than 10,000 objects (or 64 MiB of spectra) k-means++
 * sees a uniform sample of so many, in which a kind of spectrum with a share of 0.1 % in the pool is missing once in
 * 20,000 times. Equal generators give equal rows, however the pool is cut into blocks.
 * @param points of a spectrum
 * @returns at most n rows, in the order in which they were chosen
 * @throws AcquisitionError `bad-data` where a block holds cut spectra or a value that is no finite number
 */
export async function diverseSample(
  blocks: Iterable<SpectraBlock> | AsyncIterable<SpectraBlock>,
  {
    n,
    points,
    random,
    isExcluded,
    candidates = Math.min(CANDIDATES, Math.floor(CANDIDATE_BYTES / (4 * points))),
  }: { n: number; points: number; random: Random; isExcluded?: IsExcluded; candidates?: number },
): Promise<Int32Array> {
  const draw = new Draw(random);
  const top = new TopRows<ScoredRow & { spectrum: Float32Array }>(n === 0 ? 0 : Math.max(n, candidates));
  for await (const { firstRow, spectra, objects } of blocks) {
    const rows = checkedRows(spectra, points, firstRow);
    for (let i = 0; i < rows; i++) {
      const object = objects?.[i] ?? null;
      const score = draw.scoreOf(firstRow + i, object);
      if (score < top.threshold || isExcluded?.(firstRow + i, object) === true) continue;
      // A copy: what is kept shall not hold the block.
      const spectrum = spectra.slice(i * points, (i + 1) * points);
      top.add({ ...draw.drawn(firstRow + i, object, score), spectrum });
    }
  }
  const drawn = top.result();
  const values = new Float32Array(drawn.length * points);
  drawn.forEach(({ spectrum }, i) => values.set(spectrum, i * points));
  return kMeansPlusPlus(values, points, n, random).map((i) => drawn[i]?.row ?? NaN);
}

function checkedRows(spectra: Float32Array, points: number, firstRow: number): number {
  const rows = spectra.length / points;
  if (!Number.isInteger(rows))
    throw new AcquisitionError('bad-data', `${spectra.length} values are not spectra of ${points} points`);
  for (let i = 0; i < spectra.length; i++)
    if (!Number.isFinite(spectra[i]))
      throw new AcquisitionError(
        'bad-data',
        `Spectrum ${firstRow + Math.floor(i / points)} of the pool has a value that is no finite number`,
      );
  return rows;
}
