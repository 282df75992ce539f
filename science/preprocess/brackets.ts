import { floatAt } from './elements.ts';
import type { KernelBrackets } from './kernel.ts';

/** Where the points of a grid lie among the pixels of wavelengths that many spectra share. */
export interface Brackets extends KernelBrackets {
  /** The last pixel at or below each grid point, counted from the begin of the shared memory; -1 where there is none. */
  left: Int32Array;
  /** How far each grid point is on its way from that pixel to the next one: 0 up to 1. */
  fraction: Float64Array;
  /** For each pixel the first grid point at or above it; one more at the end. */
  firstPoint: Int32Array;
}

/** As many as a reader keeps grids of wavelengths. */
export const KEPT_BRACKETS = 4;

/** Works out brackets once for each of the wavelength grids that the files of a survey share. */
export class BracketCache {
  readonly #grid: Float64Array;
  readonly #memory: readonly KernelBrackets[];
  readonly #kept: { shared: ArrayBufferLike; brackets: Brackets }[] = [];
  #next = 0;

  /** @param memory for the brackets of KEPT_BRACKETS wavelength grids */
  constructor(grid: Float64Array, memory: readonly KernelBrackets[]) {
    this.#grid = grid;
    this.#memory = memory;
  }

  /** @param wavelengthAngstrom a view of shared memory, all of which is one rising grid */
  of(wavelengthAngstrom: Float64Array): Brackets {
    const shared = wavelengthAngstrom.buffer;
    for (const kept of this.#kept) if (kept.shared === shared) return kept.brackets;
    const memory = this.#memory[this.#next];
    if (!memory) throw new Error('there is no memory for brackets');
    const wave = new Float64Array(shared);
    const brackets = { ...memory, firstPoint: new Int32Array(wave.length + 1) };
    fill(brackets, this.#grid, wave);
    this.#kept[this.#next] = { shared, brackets };
    this.#next = (this.#next + 1) % this.#memory.length;
    return brackets;
  }
}

function fill({ left, fraction, firstPoint }: Brackets, grid: Float64Array, wave: Float64Array): void {
  firstPoint.fill(grid.length);
  let pixel = -1;
  for (let i = 0; i < grid.length; i++) {
    const x = floatAt(grid, i);
    while (pixel + 1 < wave.length && floatAt(wave, pixel + 1) <= x) firstPoint[++pixel] = i;
    left[i] = pixel;
    const below = floatAt(wave, Math.max(pixel, 0));
    fraction[i] =
      pixel < 0 || pixel + 1 === wave.length ? 0 : (x - below) / (floatAt(wave, pixel + 1) - below);
  }
}
