/** A row of a pool that may be chosen. */
export interface ScoredRow {
  readonly row: number;
  readonly score: number;
  /** Decides between equal scores, the smaller first; the row does between equal keys. */
  readonly key: string;
  /** What the spectrum is of; only the best row of an object is kept. Absent or null: of itself alone. */
  readonly object?: string | number | null;
}

/** Room beside twice the rows asked for: they are put in order once in so many additions. */
const ROOM = 4096;

/**
 * Keeps the n best of any number of rows, at most one an object, in memory that grows with n alone. What it keeps does
 * not depend on the order in which rows are added.
 */
export class TopRows<Row extends ScoredRow = ScoredRow> {
  readonly #n: number;
  #rows: Row[] = [];
  /** Nothing behind it can be among the n best any more. */
  #last: Row | undefined;

  /** @param n a whole number, 0 or more */
  constructor(n: number) {
    this.#n = n;
  }

  /** A score below this one cannot be among the n best; one equal to it may be, by its key. */
  get threshold(): number {
    if (this.#n === 0) return Infinity;
    return this.#last?.score ?? -Infinity;
  }

  add(row: Row): void {
    if (this.#n === 0 || (this.#last !== undefined && inOrder(row, this.#last) > 0)) return;
    this.#rows.push(row);
    if (this.#rows.length >= 2 * this.#n + ROOM) this.#keepBest();
  }

  /** The best, the best first: n of them, or as many objects as there are. */
  result(): Row[] {
    this.#keepBest();
    return this.#rows.slice();
  }

  #keepBest(): void {
    const objects = new Set<string | number>();
    const best: Row[] = [];
    for (const row of this.#rows.sort(inOrder)) {
      if (best.length === this.#n) break;
      const object = row.object ?? null;
      if (object !== null && objects.has(object)) continue;
      if (object !== null) objects.add(object);
      best.push(row);
    }
    this.#rows = best;
    if (best.length === this.#n) this.#last = best.at(-1);
  }
}

function inOrder(a: ScoredRow, b: ScoredRow): number {
  if (a.score !== b.score) return b.score - a.score;
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.row - b.row;
}
