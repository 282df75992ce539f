import type { SpectrumMetadata } from '../../contracts/spectrum.ts';
import { decodeNumbers, type EncodedNumbers } from '../fits/numbers.ts';
import { instantiate, Layout, type Loops } from '../kernel/module.ts';
import { markBad } from './bad-pixels.ts';

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
  /** The numbers from `first` to before `end`, as decodeNumbers makes them. */
  decode(numbers: EncodedNumbers, first: number, end: number): Float64Array;
  /** Which pixels are bad, as markBad finds them. */
  badPixels(flux: Float64Array, ivar: Float64Array | undefined): Uint8Array;
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
  decode: (numbers, first, end) => decodeNumbers(numbers, first, end, new Float64Array(end - first)),
  badPixels: (flux, ivar) => markBad(new Uint8Array(flux.length), flux, ivar),
  isReused: false,
};

/** As many bytes of a file as are decoded at once. */
const RAW_BYTES = 128 * 1024;

/**
 * Arrays out of one block, handed out anew after `clear`; what does not fit gets an array of its own. The block is the
 * memory of the kernel, which decodes and marks what lies in it as JavaScript does elsewhere.
 */
export class ReusedMemory implements Memory {
  readonly isReused = true;
  readonly #capacity: number;
  readonly #buffer: ArrayBuffer;
  readonly #loops: Loops;
  readonly #raw: Uint8Array;
  readonly #floatsAt: number;
  readonly #flagsAt: number;
  #floatsUsed = 0;
  #flagsUsed = 0;

  constructor(values: number) {
    const layout = new Layout();
    const rawAt = layout.take(RAW_BYTES);
    this.#floatsAt = layout.take(8 * values);
    this.#flagsAt = layout.take(values);
    const memory = new WebAssembly.Memory({ initial: layout.pages() });
    this.#capacity = values;
    this.#buffer = memory.buffer;
    this.#raw = new Uint8Array(memory.buffer, rawAt, RAW_BYTES);
    this.#loops = instantiate(memory);
  }

  clear(): this {
    this.#floatsUsed = 0;
    this.#flagsUsed = 0;
    return this;
  }

  floats(length: number): Float64Array {
    if (this.#floatsUsed + length > this.#capacity) return new Float64Array(length);
    const array = new Float64Array(this.#buffer, this.#floatsAt + 8 * this.#floatsUsed, length);
    this.#floatsUsed += length;
    return array;
  }

  flags(length: number): Uint8Array {
    if (this.#flagsUsed + length > this.#capacity) return new Uint8Array(length);
    const array = new Uint8Array(this.#buffer, this.#flagsAt + this.#flagsUsed, length);
    this.#flagsUsed += length;
    return array;
  }

  decode(numbers: EncodedNumbers, first: number, end: number): Float64Array {
    const { view, type, offset, stride, scale, zero, nullValue } = numbers;
    const count = end - first;
    const into = this.floats(count);
    const size = type === 'E' ? 4 : 8;
    const isPlain =
      (type === 'E' || type === 'D') &&
      stride === size &&
      scale === 1 &&
      zero === 0 &&
      nullValue === undefined &&
      count * size <= RAW_BYTES &&
      into.buffer === this.#buffer;
    if (!isPlain) return decodeNumbers(numbers, first, end, into);
    this.#raw.set(new Uint8Array(view.buffer, view.byteOffset + offset + first * size, count * size));
    const decode = size === 4 ? this.#loops.decodeFloats : this.#loops.decodeDoubles;
    decode(this.#raw.byteOffset, count, into.byteOffset);
    return into;
  }

  badPixels(flux: Float64Array, ivar: Float64Array | undefined): Uint8Array {
    const bad = this.flags(flux.length);
    const areHere = [flux, ivar, bad].every((array) => array?.buffer === this.#buffer);
    if (!areHere || !ivar) return markBad(bad, flux, ivar);
    this.#loops.markBad(flux.byteOffset, ivar.byteOffset, flux.length, bad.byteOffset);
    return bad;
  }
}
