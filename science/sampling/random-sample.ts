import { TopRows, type ScoredRow } from '../acquisition/top-rows.ts';
import type { Random } from '../cnn/random.ts';
import { Priorities } from './priority.ts';

/** Consecutive rows of a pool. */
export interface RowBlock {
  readonly firstRow: number;
  /** How many. */
  readonly rows: number;
  /** What each spectrum is of; null where that is not known. Without them every row is an object of its own. */
  readonly objects?: ArrayLike<string | number | null>;
}

/** Rows that cannot be drawn: labelled, skipped, of an object that is in the batch already. */
export type IsExcluded = (row: number, object: string | number | null) => boolean;

/**
 * Rows at random, in random order: objects with equal chances, and of each one of its spectra with equal chances. Fewer
 * than n where the pool has no more objects. Reads the pool once, in memory that grows with n alone; equal generators
 * give equal rows, however the pool is cut into blocks.
 */
export async function randomSample(
  blocks: Iterable<RowBlock> | AsyncIterable<RowBlock>,
  { n, random, isExcluded }: { n: number; random: Random; isExcluded?: IsExcluded },
): Promise<Int32Array> {
  const draw = new Draw(random);
  const top = new TopRows(n);
  for await (const { firstRow, rows, objects } of blocks)
    for (let i = 0; i < rows; i++) {
      const object = objects?.[i] ?? null;
      const score = draw.scoreOf(firstRow + i, object);
      if (score < top.threshold || isExcluded?.(firstRow + i, object) === true) continue;
      top.add(draw.drawn(firstRow + i, object, score));
    }
  return Int32Array.from(top.result(), ({ row }) => row);
}

/** The order in which rows are drawn, fixed before any is seen: the highest scores first. */
export class Draw {
  readonly #ofObjects: Priorities;
  readonly #ofRows: Priorities;

  constructor(random: Random) {
    this.#ofObjects = new Priorities(random);
    this.#ofRows = new Priorities(random);
  }

  /** 0 ≤ x < 1, one for all rows of an object. */
  scoreOf(row: number, object: string | number | null): number {
    return object === null ? this.#ofRows.of(row) : this.#ofObjects.of(object);
  }

  /** A row for {@link TopRows}, which keeps of equal scores, those of an object, the one with the smallest key. */
  drawn(row: number, object: string | number | null, score: number): ScoredRow {
    return { row, object, score, key: this.#ofRows.of(row).toFixed(17) };
  }
}
