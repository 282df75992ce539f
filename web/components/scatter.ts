export interface View {
  /** Data at the middle of the plot. */
  x: number;
  y: number;
  /** Pixels a unit of the data, alike in both directions: distances on a map mean the same in both. */
  scale: number;
}
interface Size {
  width: number;
  height: number;
}
/** Where points are drawn, in pixels from the left and from the top; point by point. */
export interface Points {
  x: Float32Array;
  y: Float32Array;
}
export type Pixel = readonly [x: number, y: number];

const MARGIN_PIXELS = 16;

/** The view that shows all points. */
export function viewOfAll(x: ArrayLike<number>, y: ArrayLike<number>, { width, height }: Size): View {
  let [minX, maxX, minY, maxY] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < x.length; i++) {
    minX = Math.min(minX, x[i] ?? 0);
    maxX = Math.max(maxX, x[i] ?? 0);
    minY = Math.min(minY, y[i] ?? 0);
    maxY = Math.max(maxY, y[i] ?? 0);
  }
  if (minX > maxX) return { x: 0, y: 0, scale: 1 };
  const scale = Math.min(
    Math.max(1, width - 2 * MARGIN_PIXELS) / (maxX - minX || 1),
    Math.max(1, height - 2 * MARGIN_PIXELS) / (maxY - minY || 1),
  );
  return { x: (minX + maxX) / 2, y: (minY + maxY) / 2, scale };
}

/** Where all points are drawn. */
export function toPixels(view: View, size: Size, x: readonly number[], y: readonly number[]): Points {
  const points = { x: new Float32Array(x.length), y: new Float32Array(x.length) };
  for (let index = 0; index < x.length; index += 1) {
    points.x[index] = size.width / 2 + ((x[index] ?? 0) - view.x) * view.scale;
    points.y[index] = size.height / 2 - ((y[index] ?? 0) - view.y) * view.scale;
  }
  return points;
}

/** The view `factor` times nearer, with what is at a pixel staying there. */
export function zoomAt(view: View, { width, height }: Size, [px, py]: Pixel, factor: number): View {
  const scale = view.scale * factor;
  const [dx, dy] = [px - width / 2, height / 2 - py];
  return {
    scale,
    x: view.x + dx / view.scale - dx / scale,
    y: view.y + dy / view.scale - dy / scale,
  };
}

/** Index of the drawn point that is nearest to a pixel, and no farther than `reach` pixels; undefined where none is. */
export function nearestPoint(
  points: Points,
  [px, py]: Pixel,
  reach: number,
  isShown: (index: number) => boolean,
): number | undefined {
  let nearest: number | undefined;
  let least = reach * reach;
  for (let index = 0; index < points.x.length; index += 1) {
    const distance = ((points.x[index] ?? 0) - px) ** 2 + ((points.y[index] ?? 0) - py) ** 2;
    if (distance <= least && isShown(index)) {
      least = distance;
      nearest = index;
    }
  }
  return nearest;
}

/** Indexes of the drawn points inside a closed line. */
export function pointsInside(points: Points, outline: readonly Pixel[]): number[] {
  const indexes: number[] = [];
  for (let index = 0; index < points.x.length; index += 1)
    if (isInside([points.x[index] ?? 0, points.y[index] ?? 0], outline)) indexes.push(index);
  return indexes;
}

/** Even-odd rule. */
function isInside([px, py]: Pixel, outline: readonly Pixel[]): boolean {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [xi, yi] = outline[i] ?? [0, 0];
    const [xj, yj] = outline[j] ?? [0, 0];
    if (yi > py !== yj > py && px < ((xj - xi) * (py - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
