import type { View } from './view.ts';

/** Columns whose counts are written together: what they touch stays in the processor's nearest cache. */
const BLOCK_COLUMNS = 64;

/** Spectra on one wavelength grid. */
export interface Spectra {
  /** Row by row; NaN where there is no value. */
  fluxes: Float32Array;
  /** [Å], rising. */
  wave: Float64Array;
}

/**
 * How many lines cross each pixel of a picture. Lines are added row by row, in any number of calls.
 *
 * A line within a column of pixels runs from the lowest to the highest value that it takes there, its values at the
 * column's two edges included: consecutive columns join, no narrow line is lost, and closer than the grid the line is the
 * straight one between points. Of each such run only its two ends are written, as a difference (+1 at the top, −1 below
 * the bottom), and summed up once at the end: a line costs two writes a column, however steep it is.
 */
export class Raster {
  readonly view: View;
  readonly width: number;
  readonly height: number;
  readonly #spectra: Spectra;
  /** `height` + 1 differences a column, from the top. */
  readonly #differences: Int32Array;
  /** First and one past the last column that lie over the grid. */
  readonly #firstColumn: number;
  readonly #endColumn: number;
  /** Of each column edge: the point before it, and how far it is on the way to the next one (0 to 1). */
  readonly #edgePoint: Int32Array;
  readonly #edgeShare: Float32Array;
  /** Of each column: its first point, and one past its last. */
  readonly #firstPoint: Int32Array;
  readonly #endPoint: Int32Array;

  constructor(spectra: Spectra, view: View, width: number, height: number) {
    this.view = view;
    this.width = width;
    this.height = height;
    this.#spectra = spectra;
    this.#differences = new Int32Array(width * (height + 1));
    this.#edgePoint = new Int32Array(width + 1);
    this.#edgeShare = new Float32Array(width + 1);
    this.#firstPoint = new Int32Array(width);
    this.#endPoint = new Int32Array(width);
    const { wave } = spectra;
    const last = wave.length - 1;
    const lowest = wave[0] ?? NaN;
    const highest = wave[last] ?? NaN;
    const step = (view.xMax - view.xMin) / width;
    this.#firstColumn = Math.min(width, Math.max(0, Math.floor((lowest - view.xMin) / step)));
    this.#endColumn = Math.max(this.#firstColumn, Math.min(width, Math.ceil((highest - view.xMin) / step)));
    for (let edge = 0; edge <= width; edge += 1) {
      const x = view.xMin + edge * step;
      const point = pointBefore(wave, x);
      const [before, after] = [wave[point] ?? NaN, wave[point + 1] ?? NaN];
      this.#edgePoint[edge] = point;
      this.#edgeShare[edge] = Math.min(1, Math.max(0, (x - before) / (after - before)));
      const inside = x < lowest ? 0 : x >= highest ? last + 1 : x === before ? point : point + 1;
      if (edge < width) this.#firstPoint[edge] = inside;
      if (edge > 0) this.#endPoint[edge - 1] = inside;
    }
  }

  /** Adds the lines of rows `first` … `end` − 1; those that `hidden` marks with 1 are left out. */
  add(first: number, end: number, hidden?: Uint8Array): void {
    for (let column = this.#firstColumn; column < this.#endColumn; column += BLOCK_COLUMNS)
      this.#addBlock(column, Math.min(this.#endColumn, column + BLOCK_COLUMNS), first, end, hidden);
  }

  #addBlock(from: number, to: number, first: number, end: number, hidden: Uint8Array | undefined): void {
    const { fluxes, wave } = this.#spectra;
    const points = wave.length;
    const differences = this.#differences;
    const [edgePoint, edgeShare] = [this.#edgePoint, this.#edgeShare];
    const [firstPoint, endPoint] = [this.#firstPoint, this.#endPoint];
    const { yMin, yMax } = this.view;
    const perFlux = this.height / (yMax - yMin);
    const lastRow = this.height - 1;
    const stride = this.height + 1;
    for (let row = first; row < end; row += 1) {
      if (hidden?.[row] === 1) continue;
      const base = row * points;
      let left = at(fluxes, base + (edgePoint[from] ?? 0), edgeShare[from] ?? 0);
      for (let column = from; column < to; column += 1) {
        const right = at(fluxes, base + (edgePoint[column + 1] ?? 0), edgeShare[column + 1] ?? 0);
        let low = Infinity;
        let high = -Infinity;
        // Comparisons with NaN are false: a gap leaves no mark.
        if (left < low) low = left;
        if (left > high) high = left;
        if (right < low) low = right;
        if (right > high) high = right;
        const pointsEnd = base + (endPoint[column] ?? 0);
        for (let point = base + (firstPoint[column] ?? 0); point < pointsEnd; point += 1) {
          const value = fluxes[point] ?? NaN;
          if (value < low) low = value;
          if (value > high) high = value;
        }
        left = right;
        if (!(high >= yMin && low <= yMax)) continue;
        const top = high >= yMax ? 0 : Math.min(lastRow, Math.trunc((yMax - high) * perFlux));
        const bottom = low <= yMin ? lastRow : Math.min(lastRow, Math.trunc((yMax - low) * perFlux));
        const start = column * stride;
        differences[start + top] = (differences[start + top] ?? 0) + 1;
        differences[start + bottom + 1] = (differences[start + bottom + 1] ?? 0) - 1;
      }
    }
  }

  /** Lines over each pixel, row by row from the top, and the most over any. */
  counts(): { counts: Uint32Array; most: number } {
    const { width, height } = this;
    const counts = new Uint32Array(width * height);
    let most = 0;
    for (let column = this.#firstColumn; column < this.#endColumn; column += 1) {
      let sum = 0;
      let difference = column * (height + 1);
      for (let pixel = column; pixel < counts.length; pixel += width) {
        sum += this.#differences[difference] ?? 0;
        difference += 1;
        counts[pixel] = sum;
        if (sum > most) most = sum;
      }
    }
    return { counts, most };
  }
}

/** Linear interpolation between a value and the next; NaN beside a gap, unless it is the point itself. */
function at(fluxes: Float32Array, index: number, share: number): number {
  const value = fluxes[index] ?? NaN;
  return share === 0 ? value : value + share * ((fluxes[index + 1] ?? NaN) - value);
}

/** Index of the last wavelength at or below `x`, from 0 to the one before the last. */
export function pointBefore(wave: Float64Array, x: number): number {
  let low = 0;
  let high = wave.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((wave[middle] ?? NaN) <= x) low = middle;
    else high = middle;
  }
  return low;
}

/** A line at a place of the plot. */
export interface Hit {
  row: number;
  /** How far it passes from the place [pixels]. */
  distance: number;
}

/**
 * The lines that pass within `reach` pixels of a place, the nearest first, at most `most` of them.
 * `place` is in pixels from the top left of a picture of `width` × `height`.
 */
export function linesNear(
  { fluxes, wave }: Spectra,
  view: View,
  size: { width: number; height: number },
  place: { x: number; y: number },
  options: { rows: number; reach: number; most: number; hidden?: Uint8Array },
): Hit[] {
  const perPixel = (view.xMax - view.xMin) / size.width;
  const perFlux = size.height / (view.yMax - view.yMin);
  const flux = view.yMax - place.y / perFlux;
  const x = view.xMin + place.x * perPixel;
  const points = wave.length;
  if (points < 2 || x < (wave[0] ?? NaN) - perPixel || x > (wave[points - 1] ?? NaN) + perPixel) return [];
  // Over the width of a pixel to both sides: a steep line is nearer to its side than above or below.
  const edges = [x - perPixel, x + perPixel].map((edge) => {
    const point = pointBefore(wave, edge);
    const [before, after] = [wave[point] ?? NaN, wave[point + 1] ?? NaN];
    return { point, share: Math.min(1, Math.max(0, (edge - before) / (after - before))) };
  });
  const [left = { point: 0, share: 0 }, right = left] = edges;
  const hits: Hit[] = [];
  for (let row = 0; row < options.rows; row += 1) {
    if (options.hidden?.[row] === 1) continue;
    const base = row * points;
    let low = Infinity;
    let high = -Infinity;
    for (const value of [
      at(fluxes, base + left.point, left.share),
      at(fluxes, base + right.point, right.share),
    ]) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    for (let point = base + left.point + 1; point <= base + right.point; point += 1) {
      const value = fluxes[point] ?? NaN;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const away = flux < low ? low - flux : flux > high ? flux - high : 0;
    const distance = away * perFlux;
    if (distance <= options.reach) hits.push({ row, distance });
  }
  return hits.sort((a, b) => a.distance - b.distance || a.row - b.row).slice(0, options.most);
}

/**
 * The flux range that a plot opens with, out of some of the rows: everything, unless a few values lie so far out that the
 * rest would be flat; then what holds 99.8 % of the values, and a tenth more to both sides.
 */
export function fluxRangeOf(
  fluxes: Float32Array,
  count: number,
  sampled = 200_000,
): { min: number; max: number } {
  const step = Math.max(1, Math.floor(count / sampled));
  const values = new Float32Array(Math.ceil(count / step));
  let kept = 0;
  for (let index = 0; index < count; index += step) {
    const value = fluxes[index] ?? NaN;
    if (Number.isFinite(value)) values[kept++] = value;
  }
  const sorted = values.subarray(0, kept).sort();
  const quantile = (share: number) => sorted[Math.min(kept - 1, Math.floor(share * kept))] ?? NaN;
  const [lowest, highest] = [quantile(0), quantile(1)];
  if (kept === 0) return { min: -1, max: 1 };
  if (lowest === highest) return { min: lowest - 0.5, max: highest + 0.5 };
  const [low, high] = [quantile(0.001), quantile(0.999)];
  const most = high - low;
  if (highest - lowest <= 3 * most) {
    const margin = 0.03 * (highest - lowest);
    return { min: lowest - margin, max: highest + margin };
  }
  return { min: Math.max(lowest, low - 0.1 * most), max: Math.min(highest, high + 0.1 * most) };
}
