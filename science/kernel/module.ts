import { KERNEL_WASM } from './kernel-wasm.ts';

type Loop = (...parameters: number[]) => number;
/** The functions of kernel.as. */
export type Loops = Record<
  | 'quality'
  | 'middle'
  | 'interpolate'
  | 'extent'
  | 'scale'
  | 'decodeFloats'
  | 'decodeDoubles'
  | 'markBad'
  | 'badRuns',
  Loop
>;

/** Hands out memory, each piece at a multiple of 16 bytes. */
export class Layout {
  #used = 0;

  /** @returns offset of the piece [bytes] */
  take(bytes: number): number {
    const offset = this.#used;
    this.#used = Math.ceil((offset + bytes) / 16) * 16;
    return offset;
  }

  pages(): number {
    return Math.ceil(this.#used / 65_536);
  }
}

let compiled: WebAssembly.Module | undefined;

/** The kernel, compiled once a thread, at work in `memory`. */
export function instantiate(memory: WebAssembly.Memory): Loops {
  compiled ??= new WebAssembly.Module(Buffer.from(KERNEL_WASM, 'base64'));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  const numeric = (name: keyof Loops): Loop => {
    const loop = exports[name];
    if (typeof loop !== 'function') throw new Error(`the kernel has no ${name}`);
    return (...parameters) => {
      const result: unknown = loop(...parameters);
      return typeof result === 'number' ? result : NaN;
    };
  };
  return {
    quality: numeric('quality'),
    middle: numeric('middle'),
    interpolate: numeric('interpolate'),
    extent: numeric('extent'),
    scale: numeric('scale'),
    decodeFloats: numeric('decodeFloats'),
    decodeDoubles: numeric('decodeDoubles'),
    markBad: numeric('markBad'),
    badRuns: numeric('badRuns'),
  };
}
