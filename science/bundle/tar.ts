const BLOCK_BYTES = 512;
/** What a name, and the octal length of a file, have room for in a ustar header. */
const MOST_NAME_BYTES = 100;
const MOST_FILE_BYTES = 8 ** 11 - 1;

/**
 * The header block of a file in a tar archive (POSIX ustar): owned by nobody, from 1970, so that equal files give equal
 * archives.
 * @throws RangeError where the name is longer than 100 bytes or the file is of 8 GiB or more
 */
export function tarHeader(name: string, bytes: number): Uint8Array {
  if (Buffer.byteLength(name) > MOST_NAME_BYTES)
    throw new RangeError(`${name} is longer than ${MOST_NAME_BYTES} bytes`);
  if (bytes > MOST_FILE_BYTES) throw new RangeError(`${name} has ${bytes} bytes, which is too many for tar`);
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  header.write(name, 0);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108); // user
  header.write(octal(0, 8), 116); // group
  header.write(octal(bytes, 12), 124);
  header.write(octal(0, 12), 136); // time
  header.write(' '.repeat(8), 148); // checksum: counted as blanks
  header.write('0', 156); // a file
  header.write('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

/** What follows the bytes of a file, up to a whole block. */
export function tarPadding(bytes: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** What ends an archive. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK_BYTES);
}
