import type { SpectrumMetadata } from '../../contracts/spectrum.ts';

/** How a spectrum is to be read. */
export interface ReadOptions {
  /**
   * Vacuum wavelengths [Å] that will be looked at, asked once the header's metadata are known. An arm then holds at least
   * its pixels in this range and, beyond either end of it, everything up to and with the next two good pixels. Absent: the
   * whole spectrum.
   */
  neededRange?: (metadata: SpectrumMetadata) => readonly [fromAngstrom: number, toAngstrom: number];
  /**
   * The spectrum's arrays are memory that the next reading with this option in the same thread uses again, and some are
   * shared with it: they must not be written to. Absent: every spectrum has arrays of its own.
   */
  reuseMemory?: boolean;
}

/** Where the arrays of a spectrum are made. What they hold at first is not said. */
export interface Memory {
  floats(length: number): Float64Array;
  flags(length: number): Uint8Array;
  /** Whether arrays that more than one spectrum uses may be handed out. */
  isReused: boolean;
}

/** What a loader is given beside the file. */
export interface Reading {
  neededRange: ReadOptions['neededRange'];
  memory: Memory;
}

export const OWN_MEMORY: Memory = {
  floats: (length) => new Float64Array(length),
  flags: (length) => new Uint8Array(length),
  isReused: false,
};

/** Arrays of one block each, handed out anew after `clear`; what does not fit gets an array of its own. */
export class ReusedMemory implements Memory {
  readonly isReused = true;
  readonly #floats: Float64Array;
  readonly #flags: Uint8Array;
  #floatsUsed = 0;
  #flagsUsed = 0;

  constructor(values: number) {
    this.#floats = new Float64Array(values);
    this.#flags = new Uint8Array(values);
  }

  clear(): this {
    this.#floatsUsed = 0;
    this.#flagsUsed = 0;
    return this;
  }

  floats(length: number): Float64Array {
    if (this.#floatsUsed + length > this.#floats.length) return new Float64Array(length);
    const array = new Float64Array(this.#floats.buffer, 8 * this.#floatsUsed, length);
    this.#floatsUsed += length;
    return array;
  }

  flags(length: number): Uint8Array {
    if (this.#flagsUsed + length > this.#flags.length) return new Uint8Array(length);
    const array = new Uint8Array(this.#flags.buffer, this.#flagsUsed, length);
    this.#flagsUsed += length;
    return array;
  }
}
