/** How the number of lines over a pixel becomes a colour. */
export type CountScale = 'log' | 'linear';

type Colour = readonly [red: number, green: number, blue: number];

/** From one line to the most lines, on the page's light or dark ground. */
const STOPS: Record<'light' | 'dark', readonly Colour[]> = {
  light: [
    [190, 212, 232],
    [98, 153, 201],
    [23, 86, 140],
    [10, 28, 52],
  ],
  dark: [
    [32, 54, 80],
    [46, 94, 142],
    [104, 168, 226],
    [246, 250, 255],
  ],
};

/** Of thousands of lines most pixels have hundreds: their logarithms alone would all be near the last colour. */
const LOG_POWER = 2;

/** The colour at `share` (0 to 1) of the way from the first stop to the last. */
function between(stops: readonly Colour[], share: number): Colour {
  const place = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const index = Math.min(stops.length - 2, Math.floor(place));
  const [from = [0, 0, 0], to = from] = [stops[index], stops[index + 1]];
  const mix = (a: number, b: number) => Math.round(a + (place - index) * (b - a));
  return [mix(from[0], to[0]), mix(from[1], to[1]), mix(from[2], to[2])];
}

/** Colour by count, from 0 (nothing, transparent) to `most`: RGBA bytes in the order of memory, one number each. */
export function colourTable(most: number, scale: CountScale, ground: 'light' | 'dark'): Uint32Array {
  const bytes = new Uint8ClampedArray(4 * (most + 1));
  for (let count = 1; count <= most; count += 1) {
    const share =
      most === 1
        ? 0.5
        : scale === 'log'
          ? (Math.log(count) / Math.log(most)) ** LOG_POWER
          : (count - 1) / (most - 1);
    bytes.set([...between(STOPS[ground], share), 255], 4 * count);
  }
  return new Uint32Array(bytes.buffer);
}

/**
 * The count that gets the last colour: all but the fullest hundredth of the pixels that lines cross have at most so many.
 * A few pixels where all lines meet do not make the others pale.
 */
export function fullCount(counts: Uint32Array, most: number): number {
  const pixelsOf = new Uint32Array(most + 1);
  for (let index = 0; index < counts.length; index += 1) {
    const count = counts[index] ?? 0;
    pixelsOf[count] = (pixelsOf[count] ?? 0) + 1;
  }
  let left = 0.01 * (counts.length - (pixelsOf[0] ?? 0));
  for (let count = most; count > 1; count -= 1) {
    left -= pixelsOf[count] ?? 0;
    if (left < 0) return count;
  }
  return Math.min(1, most);
}

/** RGBA of a picture of counts; those beyond the table get its last colour. */
export function colourPixels(counts: Uint32Array, table: Uint32Array): Uint8ClampedArray<ArrayBuffer> {
  const pixels = new Uint32Array(counts.length);
  const last = table.length - 1;
  for (let index = 0; index < counts.length; index += 1)
    pixels[index] = table[Math.min(last, counts[index] ?? 0)] ?? 0;
  return new Uint8ClampedArray(pixels.buffer);
}

/** For the legend: a CSS gradient from one line to the most. */
export function gradientOf(ground: 'light' | 'dark'): string {
  return `linear-gradient(to right, ${STOPS[ground].map((colour) => `rgb(${colour.join(' ')})`).join(', ')})`;
}
