import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

/** What a file's bytes are known by. */
export interface FileHash {
  bytes: number;
  sha256: string;
}

const BLOCK_BYTES = 1024 * 1024;

/** Length and SHA-256 of a file of this machine. @throws what `signal` is aborted with */
export async function hashFile(hostPath: string, signal?: AbortSignal): Promise<FileHash> {
  const handle = await open(hostPath);
  try {
    const hash = createHash('sha256');
    // The next block is read while this one is hashed, into the same memory again and again: a stream takes new memory for
    // each, and the garbage collector lets it pile up.
    const memories = [Buffer.allocUnsafeSlow(BLOCK_BYTES), Buffer.allocUnsafeSlow(BLOCK_BYTES)] as const;
    const readInto = (memory: Buffer) => handle.read(memory, 0, BLOCK_BYTES, null);
    let bytes = 0;
    for (let block = 1, ahead = readInto(memories[0]); ; block++) {
      const { bytesRead, buffer } = await ahead;
      if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
      signal?.throwIfAborted();
      ahead = readInto(memories[block % 2 === 0 ? 0 : 1]);
      // Whoever waits for it hears of a failure; after an earlier one nobody does.
      ahead.catch(() => undefined);
      hash.update(buffer.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    await handle.close();
  }
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
