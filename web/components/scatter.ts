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

/** Where a point of the data is drawn. */
export function toPixel(view: View, { width, height }: Size, x: number, y: number): Pixel {
  return [width / 2 + (x - view.x) * view.scale, height / 2 - (y - view.y) * view.scale];
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
  points: readonly Pixel[],
  [px, py]: Pixel,
  reach: number,
  isShown: (index: number) => boolean,
): number | undefined {
  let nearest: number | undefined;
  let least = reach * reach;
  points.forEach(([x, y], index) => {
    const distance = (x - px) ** 2 + (y - py) ** 2;
    if (distance <= least && isShown(index)) {
      least = distance;
      nearest = index;
    }
  });
  return nearest;
}

/** Whether a pixel lies inside a closed line (even-odd rule). */
export function isInside([px, py]: Pixel, outline: readonly Pixel[]): boolean {
  let inside = false;
  for (let i = 0, j = outline.length - 1; i < outline.length; j = i++) {
    const [xi, yi] = outline[i] ?? [0, 0];
    const [xj, yj] = outline[j] ?? [0, 0];
    if (yi > py !== yj > py && px < ((xj - xi) * (py - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}
