import { expect, it } from 'vitest';
import { bytesField, encoded, floatField, mapField, type Message, message, varintField } from './protobuf.ts';

const hex = (...fields: Message[]) => Buffer.from(encoded(message(...fields))).toString('hex');

// The examples of the format's own description (protobuf.dev, Encoding), and int64's ten bytes for −1.
it('writes fields as protocol buffers do', () => {
  expect(hex(varintField(1, 150))).toBe('089601');
  expect(hex(bytesField(2, 'testing'))).toBe('120774657374696e67');
  expect(hex(bytesField(3, message(varintField(1, 150))))).toBe('1a03089601');
  expect(hex(varintField(1, -1))).toBe('08ffffffffffffffffff01');
  expect(hex(varintField(16, true), floatField(5, 1.5))).toBe('8001012d0000c03f');
  expect(hex(mapField(1, 'a', varintField(2, 3)))).toBe('0a070a016112021003');
  expect(hex(bytesField(2, 'Å'))).toBe('1202c385');
});
