const BLOCK_BYTES = 512;
/** What a name, and the octal length of a file, have room for in a ustar header. */
const MOST_NAME_BYTES = 100;
/** And what its folders have, where the whole is longer. */
const MOST_FOLDER_BYTES = 155;
const MOST_FILE_BYTES = 8 ** 11 - 1;

/**
 * The header block of a file in a tar archive (POSIX ustar): owned by nobody, from 1970, so that equal files give equal
 * archives.
 * @throws RangeError where the name is too long (100 bytes, after folders of 155) or the file has 8 GiB or more
 */
export function tarHeader(name: string, bytes: number): Uint8Array {
  const { folders, rest } = split(name);
  if (bytes > MOST_FILE_BYTES) throw new RangeError(`${name} has ${bytes} bytes, which is too many for tar`);
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  header.write(rest, 0);
  header.write(octal(0o644, 8), 100);
  header.write(octal(0, 8), 108); // user
  header.write(octal(0, 8), 116); // group
  header.write(octal(bytes, 12), 124);
  header.write(octal(0, 12), 136); // time
  header.write(' '.repeat(8), 148); // checksum: counted as blanks
  header.write('0', 156); // a file
  header.write('ustar\u000000', 257);
  header.write(folders, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return header;
}

function split(name: string): { folders: string; rest: string } {
  if (Buffer.byteLength(name) <= MOST_NAME_BYTES) return { folders: '', rest: name };
  for (let slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
    const [folders, rest] = [name.slice(0, slash), name.slice(slash + 1)];
    if (Buffer.byteLength(folders) <= MOST_FOLDER_BYTES && Buffer.byteLength(rest) <= MOST_NAME_BYTES)
      return { folders, rest };
  }
  throw new RangeError(`${name} is too long for tar`);
}

/** What follows the bytes of a file, up to a whole block. */
export function tarPadding(bytes: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** What ends an archive. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * BLOCK_BYTES);
}
