import type { Random } from '../cnn/random.ts';

/**
 * Numbers of 0 ≤ x < 1 that look drawn, but follow from a key: the rows of the smallest are a uniform sample, whatever
 * the order or the blocks in which they are met. (Permanent random numbers; Ohlsson 1995.)
 */
export class Priorities {
  readonly #first: number;
  readonly #second: number;

  constructor(random: Random) {
    this.#first = random.uint32();
    this.#second = random.uint32();
  }

  of(key: string | number): number {
    const [low, high] = typeof key === 'number' ? wordsOfNumber(key) : wordsOfText(key);
    const one = mixed(mixed(low ^ this.#first) ^ high);
    const other = mixed(mixed(one + this.#second) ^ low);
    return ((one >>> 5) * 2 ** 26 + (other >>> 6)) / 2 ** 53;
  }
}

function wordsOfNumber(key: number): readonly [number, number] {
  return [key | 0, Math.floor(key / 2 ** 32) | 0];
}

/** Two hashes of FNV's kind, with different primes. */
function wordsOfText(key: string): readonly [number, number] {
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < key.length; i++) {
    const unit = key.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b);
  }
  return [low, high];
}

/** Wellons' finaliser "lowbias32": a bijection in which every bit of the input moves every bit of the output. */
function mixed(word: number): number {
  let z = word;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}
