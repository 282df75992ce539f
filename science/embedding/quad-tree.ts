/**
 * Points of a map in two dimensions, in cells within cells, for the Barnes–Hut approximation (van der Maaten 2014, JMLR
 * 15, 3221): a cell that looks small from a point acts on it as its number of points in their centre. Cells are as tight
 * as their points allow, so there are fewer than twice as many, and they lie in the order in which they are visited.
 * One tree serves all steps.
 */
export class QuadTree {
  readonly #map: Float64Array;
  /** Points in the order of their leaves. */
  readonly #order: Int32Array;
  readonly #counts: Float64Array;
  readonly #xs: Float64Array;
  readonly #ys: Float64Array;
  /** Longer side of each cell, squared; 0 of a leaf, whose points are all in one place. */
  readonly #squaredSides: Float64Array;
  /** The cell to visit next when the ones inside a cell are passed over. */
  readonly #next: Int32Array;
  #cells = 0;

  /** @param map points × 2; its numbers may change between the steps */
  constructor(map: Float64Array) {
    const points = map.length / 2;
    this.#map = map;
    this.#order = Int32Array.from({ length: points }, (_, point) => point);
    this.#counts = new Float64Array(2 * points);
    this.#xs = new Float64Array(2 * points);
    this.#ys = new Float64Array(2 * points);
    this.#squaredSides = new Float64Array(2 * points);
    this.#next = new Int32Array(2 * points);
  }

  /** Puts the points into cells as they lie now. */
  build(): void {
    this.#cells = 0;
    this.#buildCell(0, this.#order.length);
  }

  /**
   * How the points push each other away, but for the normalisation.
   * @param forces points × 2, written: sums of q² · (difference) over the other points, q = 1 / (1 + distance²)
   * @param theta below this ratio of a cell's side to its distance, the cell acts as one
   * @returns the normalisation: sum of q over all pairs
   */
  repulsion(forces: Float64Array, theta: number): number {
    const [counts, xs, ys, squaredSides, next] = [
      this.#counts,
      this.#xs,
      this.#ys,
      this.#squaredSides,
      this.#next,
    ];
    const squaredTheta = theta * theta;
    let total = 0;
    for (const point of this.#order) {
      const x = this.#map[2 * point] ?? NaN;
      const y = this.#map[2 * point + 1] ?? NaN;
      let forceX = 0;
      let forceY = 0;
      for (let cell = 0; cell < this.#cells;) {
        const dx = x - (xs[cell] ?? NaN);
        const dy = y - (ys[cell] ?? NaN);
        const squared = dx * dx + dy * dy;
        const squaredSide = squaredSides[cell] ?? NaN;
        // A cell never looks small from inside it, so a point is never in one that acts as a whole.
        if (squaredSide === 0 || squaredSide < squaredTheta * squared) {
          const q = 1 / (1 + squared);
          const mass = (counts[cell] ?? NaN) * q;
          total += mass;
          forceX += mass * q * dx;
          forceY += mass * q * dy;
          cell = next[cell] ?? NaN;
        } else cell++;
      }
      forces[2 * point] = forceX;
      forces[2 * point + 1] = forceY;
    }
    // Each point has met itself, with q = 1 and no force.
    return total - this.#order.length;
  }

  #buildCell(from: number, to: number): void {
    const cell = this.#cells++;
    let [minX, maxX, minY, maxY] = [Infinity, -Infinity, Infinity, -Infinity];
    let [sumX, sumY] = [0, 0];
    for (let i = from; i < to; i++) {
      const x = this.#xOf(i);
      const y = this.#yOf(i);
      if (x < minX) minX = x;
      if (x > maxX) maxX = x;
      if (y < minY) minY = y;
      if (y > maxY) maxY = y;
      sumX += x;
      sumY += y;
    }
    const side = Math.max(maxX - minX, maxY - minY);
    const [middleX, middleY] = [(minX + maxX) / 2, (minY + maxY) / 2];
    this.#counts[cell] = to - from;
    this.#xs[cell] = sumX / (to - from);
    this.#ys[cell] = sumY / (to - from);
    // Where two numbers have no number between them, the cell cannot be split.
    const canSplit = side > 0 && (middleX < maxX || middleY < maxY);
    this.#squaredSides[cell] = canSplit ? side * side : 0;
    if (canSplit) {
      const middle = this.#partition(from, to, (i) => this.#yOf(i) <= middleY);
      const lower = this.#partition(from, middle, (i) => this.#xOf(i) <= middleX);
      const upper = this.#partition(middle, to, (i) => this.#xOf(i) <= middleX);
      if (lower > from) this.#buildCell(from, lower);
      if (middle > lower) this.#buildCell(lower, middle);
      if (upper > middle) this.#buildCell(middle, upper);
      if (to > upper) this.#buildCell(upper, to);
    }
    this.#next[cell] = this.#cells;
  }

  #xOf(i: number): number {
    return this.#map[2 * (this.#order[i] ?? NaN)] ?? NaN;
  }

  #yOf(i: number): number {
    return this.#map[2 * (this.#order[i] ?? NaN) + 1] ?? NaN;
  }

  /** Puts the points that are on one side before the others. @returns where these begin */
  #partition(from: number, to: number, isFirst: (i: number) => boolean): number {
    let end = from;
    for (let i = from; i < to; i++) {
      if (!isFirst(i)) continue;
      const point = this.#order[i] ?? NaN;
      this.#order[i] = this.#order[end] ?? NaN;
      this.#order[end++] = point;
    }
    return end;
  }
}
