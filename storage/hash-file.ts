import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** What a file's bytes are known by. */
export interface FileHash {
  bytes: number;
  sha256: string;
}

/** Length and SHA-256 of a file of this machine. @throws what `signal` is aborted with */
export function hashFile(hostPath: string, signal?: AbortSignal): Promise<FileHash> {
  return hashBytes(createReadStream(hostPath, { highWaterMark: 1 << 20 }), signal);
}

/** Length and SHA-256 of bytes as they come. @throws what `signal` is aborted with */
export async function hashBytes(chunks: AsyncIterable<unknown>, signal?: AbortSignal): Promise<FileHash> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a file was not read as bytes');
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
