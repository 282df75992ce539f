/** State of a {@link Random}: four whole numbers of 32 bits. It goes into checkpoints. */
export type RandomState = readonly [number, number, number, number];

/**
 * Random numbers from a seed, the same on every machine: xoshiro128** (Blackman & Vigna 2018), seeded by splitmix32.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed a whole number, or the state of another generator, which then goes on from there */
  constructor(seed: number | RandomState) {
    const [a, b, c, d] = typeof seed === 'number' ? scattered(seed) : seed;
    this.#a = a | 0;
    this.#b = b | 0;
    this.#c = c | 0;
    this.#d = d | 0;
  }

  get state(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  /** A whole number of 0 … 2³² − 1. */
  uint32(): number {
    const scrambled = Math.imul(this.#b, 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }

  /** A number of 0 ≤ x < 1. */
  uniform(): number {
    return this.uint32() / 2 ** 32;
  }

  /** A whole number of 0 … `bound` − 1, all equally likely to within `bound` / 2⁵³. */
  below(bound: number): number {
    const fine = ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
    return Math.floor(fine * bound);
  }

  /**
   * Fills with 1 of the given probability, else 0; a number of {@link uint32} each, in a loop that keeps the state at
   * hand, for dropout draws tens of thousands a step.
   */
  fillOnes(values: Uint8Array, probability: number): void {
    const zeroBelow = (1 - probability) * 2 ** 32;
    let [a, b, c, d] = [this.#a, this.#b, this.#c, this.#d];
    for (let i = 0; i < values.length; i++) {
      const scrambled = Math.imul(b, 5);
      values[i] = Math.imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0 >= zeroBelow ? 1 : 0;
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
    }
    [this.#a, this.#b, this.#c, this.#d] = [a, b, c, d];
  }

  /** Puts the values into a random order, in place (Fisher & Yates). */
  shuffle<T extends Int32Array | number[] | string[]>(values: T): T {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const kept = values[i];
      const other = values[j];
      if (kept === undefined || other === undefined) throw new RangeError('shuffle: index out of range');
      values[i] = other;
      values[j] = kept;
    }
    return values;
  }
}

function scattered(seed: number): RandomState {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return [next(), next(), next(), next()];
}
