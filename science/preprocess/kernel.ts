import { instantiate, Layout, type Loops } from '../kernel/module.ts';

/** As many pixels as a wavelength grid that spectra share may have. */
const MOST_PIXELS = 16_384;
const BINS = 1024;
const SAMPLES = 16;
/** The bins lie between the third sample and the third from the end: the middle is there, and bins are finer. */
const SAMPLES_BEYOND = 2;

/** Where the points of a grid lie among pixels, in the kernel's memory. */
export interface KernelBrackets {
  left: Int32Array;
  fraction: Float64Array;
}

/**
 * The hot loops over the pixels and the grid points of one plan, in WebAssembly (kernel.as), and the memory that they work
 * in. One for each thread and plan.
 */
export class Kernel {
  readonly flux: Float64Array;
  readonly ivar: Float64Array;
  readonly bad: Uint8Array;
  /** As long as the grid. */
  readonly values: Float64Array;
  readonly brackets: readonly KernelBrackets[];
  readonly #results: Float64Array;
  readonly #squares: Float64Array;
  readonly #counts: Int32Array;
  readonly #bins: Uint16Array;
  readonly #row: Float32Array;
  readonly #runs: Int32Array;
  readonly #sample = new Float64Array(SAMPLES);
  readonly #loops: Loops;

  /** @param kept for how many wavelength grids there are brackets */
  constructor(points: number, kept: number) {
    const layout = new Layout();
    const offsets = {
      results: layout.take(16),
      flux: layout.take(8 * MOST_PIXELS),
      ivar: layout.take(8 * MOST_PIXELS),
      squares: layout.take(8 * (MOST_PIXELS + 1)),
      counts: layout.take(8 * BINS),
      bins: layout.take(2 * MOST_PIXELS),
      bad: layout.take(MOST_PIXELS),
      runs: layout.take(4 * (MOST_PIXELS + 1)),
      values: layout.take(8 * points),
      row: layout.take(4 * points),
      brackets: Array.from({ length: kept }, () => ({
        left: layout.take(4 * points),
        fraction: layout.take(8 * points),
      })),
    };
    const memory = new WebAssembly.Memory({ initial: layout.pages() });
    const { buffer } = memory;
    this.#results = new Float64Array(buffer, offsets.results, 2);
    this.flux = new Float64Array(buffer, offsets.flux, MOST_PIXELS);
    this.ivar = new Float64Array(buffer, offsets.ivar, MOST_PIXELS);
    this.#squares = new Float64Array(buffer, offsets.squares, MOST_PIXELS + 1);
    this.#counts = new Int32Array(buffer, offsets.counts, 2 * BINS);
    this.#bins = new Uint16Array(buffer, offsets.bins, MOST_PIXELS);
    this.bad = new Uint8Array(buffer, offsets.bad, MOST_PIXELS);
    this.#runs = new Int32Array(buffer, offsets.runs, MOST_PIXELS + 1);
    this.values = new Float64Array(buffer, offsets.values, points);
    this.#row = new Float32Array(buffer, offsets.row, points);
    this.brackets = offsets.brackets.map(({ left, fraction }) => ({
      left: new Int32Array(buffer, left, points),
      fraction: new Float64Array(buffer, fraction, points),
    }));
    this.#loops = instantiate(memory);
  }

  /**
   * Longest run of bad pixels among those `from` up to `to`, and the two middle values of |flux|·flux·ivar of the good ones;
   * `undefined` for these where they must be found among `squares` by sorting.
   */
  quality(
    from: number,
    to: number,
  ): { longestGap: number; squares: Float64Array; middle: [number, number] | undefined } {
    const squares = this.#squares;
    const count = this.#loops.quality(
      this.flux.byteOffset + 8 * from,
      this.ivar.byteOffset + 8 * from,
      this.bad.byteOffset + from,
      to - from,
      squares.byteOffset,
    );
    const longestGap = this.#result(0);
    const used = squares.subarray(0, count);
    if (count < SAMPLES) return { longestGap, squares: used, middle: undefined };
    const sample = this.#sample;
    for (let i = 0; i < SAMPLES; i++) sample[i] = squares[Math.floor((i * count) / SAMPLES)] ?? NaN;
    sample.sort();
    const low = sample[SAMPLES_BEYOND] ?? NaN;
    const binsPerUnit = (BINS - 1) / ((sample[SAMPLES - 1 - SAMPLES_BEYOND] ?? NaN) - low);
    const { byteOffset: counts } = this.#counts;
    const found = this.#loops.middle(
      squares.byteOffset,
      count,
      low,
      binsPerUnit,
      counts,
      this.#bins.byteOffset,
    );
    const middle: [number, number] | undefined = found ? [this.#result(0), this.#result(1)] : undefined;
    return { longestGap, squares: used, middle };
  }

  /** First and last of each run of bad pixels among those `from` up to `to`, one after the other. */
  badRuns(from: number, to: number): Int32Array {
    const runs = this.#loops.badRuns(this.bad.byteOffset, from, to, this.#runs.byteOffset);
    return this.#runs.subarray(0, 2 * runs);
  }

  /** The grid points `from` up to `to`, all of which lie between two pixels with a flux, into `values`. */
  interpolate({ left, fraction }: KernelBrackets, offset: number, from: number, to: number): void {
    this.#loops.interpolate(
      left.byteOffset,
      fraction.byteOffset,
      this.flux.byteOffset,
      offset,
      from,
      to,
      this.values.byteOffset,
    );
  }

  /** Least and greatest of `values`, NaN passed over; Infinity and -Infinity where there is nothing else. */
  extent(): { low: number; high: number } {
    this.#loops.extent(this.values.byteOffset, this.values.length);
    return { low: this.#result(0), high: this.#result(1) };
  }

  /** (value − centre)·gain + shift of all `values`, into `row`. */
  scale(centre: number, gain: number, shift: number, row: Float32Array): void {
    const { byteOffset, length } = this.values;
    this.#loops.scale(byteOffset, length, centre, gain, shift, this.#row.byteOffset);
    row.set(this.#row);
  }

  #result(index: 0 | 1): number {
    return this.#results[index] ?? NaN;
  }
}
