import { storableText } from './text.ts';

/** Object identifiers of the element types; the same in every PostgreSQL (its pg_type.dat). */
const TYPE_OIDS = { text: 25, int8: 20, float8: 701, timestamptz: 1184 } as const;
export type ElementType = keyof typeof TYPE_OIDS;

const HEADER_BYTES = 20;
const NULL_LENGTH = 0xffffffff;
/** PostgreSQL counts time from the year 2000. */
const EPOCH_MS = Date.UTC(2000, 0, 1);
const TWO_TO_32 = 2 ** 32;
const FIRST_BYTES = 1 << 14;
const encoder = new TextEncoder();

/** A parameter for `$n::type[]`: `count` elements in pieces of an ElementWriter, as one array in the binary format. */
export function arrayParameter(type: ElementType, count: number, pieces: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  // One dimension, nulls allowed, the type; the dimension's length and its first index.
  for (const [index, word] of [1, 1, TYPE_OIDS[type], count, 1].entries())
    header.writeInt32BE(word, 4 * index);
  return Buffer.concat([header, ...pieces]);
}

/**
 * Writes array elements in PostgreSQL's binary format (array_send in its arrayfuncs.c): of each its length and its
 * bytes, big endian. Every value is mixed into `hash` too, which its user may set before.
 */
export class ElementWriter {
  private bytes = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.bytes.buffer);
  private readonly double = new Float64Array(1);
  private readonly doubleWords = new Uint32Array(this.double.buffer);
  private end = 0;
  hash = 0;

  get length(): number {
    return this.end;
  }

  clear(): void {
    this.end = 0;
  }

  /** What was written since `clear`: a view, which the next write may change. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.end);
  }

  writeNull(): void {
    this.reserve(4);
    this.view.setUint32(this.end, NULL_LENGTH);
    this.end += 4;
    this.hash = mix(this.hash, NULL_LENGTH);
  }

  writeText(text: string): void {
    this.reserve(4 + 3 * text.length);
    const { bytes } = this;
    const start = this.end + 4;
    let { hash } = this;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === 0 || code > 127) {
        this.writeTextBeyondAscii(text);
        return;
      }
      bytes[start + i] = code;
      hash = mix(hash, code);
    }
    this.endText(text.length, hash);
  }

  writeFloat8(value: number): void {
    this.reserve(12);
    this.view.setUint32(this.end, 8);
    this.view.setFloat64(this.end + 4, value);
    this.end += 12;
    this.double[0] = value;
    this.hash = mix(mix(this.hash, this.doubleWords[0] ?? 0), this.doubleWords[1] ?? 0);
  }

  /** A whole number of at most 53 bits. */
  writeInt8(value: number): void {
    const high = Math.floor(value / TWO_TO_32);
    this.writeInt8Words(high, value - high * TWO_TO_32);
  }

  /** The two halves of a 64-bit number. */
  writeInt8Words(high: number, low: number): void {
    this.reserve(12);
    this.view.setUint32(this.end, 8);
    this.view.setInt32(this.end + 4, high);
    this.view.setUint32(this.end + 8, low);
    this.end += 12;
    this.hash = mix(mix(this.hash, high), low);
  }

  writeTimestamptz(time: Date): void {
    this.writeInt8((time.getTime() - EPOCH_MS) * 1000);
  }

  private writeTextBeyondAscii(text: string): void {
    const start = this.end + 4;
    const { written } = encoder.encodeInto(storableText(text), this.bytes.subarray(start));
    let { hash } = this;
    for (let i = start; i < start + written; i++) hash = mix(hash, this.bytes[i] ?? 0);
    this.endText(written, hash);
  }

  private endText(byteCount: number, hash: number): void {
    this.view.setUint32(this.end, byteCount);
    this.end += 4 + byteCount;
    this.hash = mix(hash, byteCount);
  }

  private reserve(byteCount: number): void {
    if (this.end + byteCount <= this.bytes.length) return;
    const larger = new Uint8Array(2 * this.bytes.length + byteCount);
    larger.set(this.bytes);
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}

/** A step of MurmurHash3 (32 bits, public domain): unlike FNV it carries a word's high bits down. */
function mix(hash: number, word: number): number {
  const k = Math.imul(word, 0xcc9e2d51);
  const h = hash ^ Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}
