import { gunzipSync } from 'node:zlib';
import { MAX_SPECTRUM_BYTES } from '../../contracts/limits.ts';
import { FitsError } from './error.ts';

/** Output is collected in pieces of this size: a LAMOST spectrum unpacks in one. */
const CHUNK_BYTES = 128 * 1024;

/**
 * The bytes of a file, unpacked when they are gzip. Told by the magic bytes 1f 8b: names lie.
 * @throws FitsError `too-large`, `truncated` or `garbled`
 */
export function gunzipIfPacked(bytes: Uint8Array): Uint8Array {
  if (bytes.length > MAX_SPECTRUM_BYTES) throw tooLarge();
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_SPECTRUM_BYTES, chunkSize: CHUNK_BYTES });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    if (code === 'Z_BUF_ERROR') throw new FitsError('truncated', 'the gzip data end too early');
    if (typeof code === 'string' && code.startsWith('Z_')) {
      throw new FitsError(
        'garbled',
        `the gzip data are damaged (${error instanceof Error ? error.message : code})`,
      );
    }
    throw error;
  }
}

function tooLarge(): FitsError {
  return new FitsError('too-large', `larger than ${MAX_SPECTRUM_BYTES / 1024 / 1024} MiB unpacked`);
}
