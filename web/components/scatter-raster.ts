import type { Points } from './scatter.ts';

/** How points of a group are drawn: `#rrggbb`. */
export interface Dots {
  /** Of each point, its group. */
  groupOf: readonly number[];
  colours: readonly string[];
  /** [px] */
  radius: number;
  isShown: (index: number) => boolean;
  /** The rest is faint; all are strong where absent. */
  chosen?: ReadonlySet<number> | undefined;
}
const STRONG = 0.8;
const FAINT = 0.18;

/**
 * Discs at all points, on nothing. By hand, pixel by pixel: a canvas that draws by software takes some 15 ms for ten thousand of
 * them, all in one path, and this about 1 ms.
 * @param ratio pixels of the picture a pixel of the page
 */
export function drawDots(
  picture: ImageData,
  points: Points,
  ratio: number,
  { groupOf, colours, radius, isShown, chosen }: Dots,
): void {
  const { width, height } = picture;
  const pixels = new Uint32Array(picture.data.buffer);
  pixels.fill(0);
  const stamp = stampOf(radius * ratio);
  const { reach, side } = stamp;
  const inked = (strength: number) => colours.map((colour) => inkOf(stamp.shares, colour, strength));
  const draw = (index: number, inks: readonly Uint32Array[]) => {
    const left = Math.round((points.x[index] ?? 0) * ratio) - reach;
    const top = Math.round((points.y[index] ?? 0) * ratio) - reach;
    const ink = inks[groupOf[index] ?? -1];
    if (!ink || left <= -side || top <= -side || left >= width || top >= height) return;
    const [firstRow, rows] = [Math.max(0, -top), Math.min(side, height - top)];
    const [firstColumn, columns] = [Math.max(0, -left), Math.min(side, width - left)];
    for (let row = firstRow; row < rows; row += 1)
      for (let column = firstColumn; column < columns; column += 1) {
        const cell = row * side + column;
        const at = (top + row) * width + left + column;
        const share = stamp.shares[cell] ?? 0;
        // An edge over another disc is left to that one unless it covers most of the pixel.
        if (share > 0.5 || (share > 0 && pixels[at] === 0)) pixels[at] = ink[cell] ?? 0;
      }
  };
  const [strong, faint] = [inked(STRONG), inked(FAINT)];
  for (let index = 0; index < points.x.length; index += 1)
    if (isShown(index) && !chosen?.has(index)) draw(index, chosen ? faint : strong);
  for (const index of chosen ?? []) if (isShown(index)) draw(index, strong);
}

/** RGBA of each pixel of a stamp in a colour, in the order of memory, one number each. */
function inkOf(shares: Float32Array, colour: string, strength: number): Uint32Array {
  const rgb = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  const bytes = new Uint8ClampedArray(4 * shares.length);
  shares.forEach((share, cell) => bytes.set([...rgb, 255 * share * strength], 4 * cell));
  return new Uint32Array(bytes.buffer);
}

/** A disc around the middle of a square of pixels: of each pixel the share that it covers, about. */
function stampOf(radius: number) {
  const reach = Math.ceil(radius);
  const side = 2 * reach + 1;
  const shares = Float32Array.from({ length: side * side }, (_, at) => {
    const distance = Math.hypot((at % side) - reach, Math.floor(at / side) - reach);
    return Math.min(1, Math.max(0, radius + 0.5 - distance));
  });
  return { reach, side, shares };
}
