// The wire format of protocol buffers: fields of a number and a value, one after another. Written by hand, because
// a graph needs four kinds of value and no reading, whereas a package would bring a schema compiler and its own types.

const WIRE_VARINT = 0;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
const text = new TextEncoder();

/** Encoded fields, in pieces. A message is one to its parent. */
export type Message = readonly Uint8Array[];

/** A message from its fields; `undefined` and `[]` add nothing. */
export function message(...fields: readonly Message[]): Message {
  return fields.flat();
}

/** A whole number; negative ones take ten bytes, as int64 does. */
export function varintField(field: number, value: number | bigint | boolean): Message {
  return [varint((field << 3) | WIRE_VARINT), varint(BigInt.asUintN(64, BigInt(value)))];
}

/** A 32-bit floating point number. */
export function floatField(field: number, value: number): Message {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [varint((field << 3) | WIRE_FIXED32), bytes];
}

/** A string (UTF-8), bytes or a message within a message. */
export function bytesField(field: number, value: string | Uint8Array | Message): Message {
  const pieces =
    typeof value === 'string' ? [text.encode(value)] : value instanceof Uint8Array ? [value] : value;
  return [varint((field << 3) | WIRE_BYTES), varint(byteLength(pieces)), ...pieces];
}

/** An entry of a map with string keys. */
export function mapField(field: number, key: string, value: Message): Message {
  return bytesField(field, message(bytesField(1, key), bytesField(2, value)));
}

/** All pieces in one. */
export function encoded(pieces: Message): Uint8Array {
  const bytes = new Uint8Array(byteLength(pieces));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

function byteLength(pieces: Message): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
