import { floatAt } from './elements.ts';

/** Where the points of a grid lie among the pixels of wavelengths that many spectra share. */
export interface Brackets {
  /** The last pixel at or below each grid point, counted from the begin of the shared memory; -1 where there is none. */
  left: Int32Array;
  /** How far each grid point is on its way from that pixel to the next one: 0 up to 1. */
  fraction: Float64Array;
  /** For each pixel the first grid point at or above it; one more at the end. */
  firstPoint: Int32Array;
}

/** As many as a reader keeps grids of wavelengths. */
const KEPT = 4;

/** Works out brackets once for each of the wavelength grids that the files of a survey share. */
export class BracketCache {
  readonly #grid: Float64Array;
  readonly #kept: { shared: ArrayBufferLike; brackets: Brackets }[] = [];

  constructor(grid: Float64Array) {
    this.#grid = grid;
  }

  /** @param wavelengthAngstrom a view of shared memory, all of which is one rising grid */
  of(wavelengthAngstrom: Float64Array): Brackets {
    const shared = wavelengthAngstrom.buffer;
    for (const kept of this.#kept) if (kept.shared === shared) return kept.brackets;
    const brackets = bracketsOf(this.#grid, new Float64Array(shared));
    this.#kept.push({ shared, brackets });
    if (this.#kept.length > KEPT) this.#kept.shift();
    return brackets;
  }
}

function bracketsOf(grid: Float64Array, wave: Float64Array): Brackets {
  const left = new Int32Array(grid.length);
  const fraction = new Float64Array(grid.length);
  const firstPoint = new Int32Array(wave.length + 1).fill(grid.length);
  let pixel = -1;
  for (let i = 0; i < grid.length; i++) {
    const x = floatAt(grid, i);
    while (pixel + 1 < wave.length && floatAt(wave, pixel + 1) <= x) firstPoint[++pixel] = i;
    left[i] = pixel;
    if (pixel < 0 || pixel + 1 === wave.length) continue;
    const below = floatAt(wave, pixel);
    fraction[i] = (x - below) / (floatAt(wave, pixel + 1) - below);
  }
  return { left, fraction, firstPoint };
}
