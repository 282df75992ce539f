import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ObjectReference } from '../contracts/reference.ts';
import { type ObjectStore, objectUri } from './object-store.ts';

/** The key of bytes that are kept by what they are: the same bytes are stored once, and never change. */
export function contentKey(sha256: string): string {
  return `content/${sha256.slice(0, 2)}/${sha256}`;
}

/**
 * Brings a file to the store, by its content; not a byte of it moves where it is there already.
 * @throws Error where the file changes meanwhile
 */
export async function putFile(store: ObjectStore, hostPath: string): Promise<ObjectReference> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(hostPath)) {
    if (!(chunk instanceof Buffer)) throw new Error(`${hostPath} was not read as bytes`);
    hash.update(chunk);
    bytes += chunk.length;
  }
  const sha256 = hash.digest('hex');
  const key = contentKey(sha256);
  if ((await store.find(key)) === bytes) return { uri: objectUri(key), sha256, bytes };
  const stored = await store.put(key, createReadStream(hostPath));
  if (stored.sha256 !== sha256) {
    await store.deletePrefix(key);
    throw new Error(`${hostPath} changed while it was stored`);
  }
  return stored;
}
