import type { ObjectReference } from '../contracts/reference.ts';

/** Bytes by key. Every write is whole or absent: a reader never sees half an object. */
export interface ObjectStore {
  /** Writes an object beside and renames it over any earlier one. The reference holds its SHA-256 and length. */
  put(key: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<ObjectReference>;
  /**
   * Like `put`, for what can be made again: neither hashed nor synced to disk. After a power failure such an object may
   * be damaged, so its reader has to check it.
   */
  putScratch(key: string, chunks: readonly Uint8Array[]): Promise<void>;
  /** Length [bytes] of the object of this key; undefined where there is none. */
  find(key: string): Promise<number | undefined>;
  /** The objects below a key (`key/…`), in no order. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /**
   * Bytes `start` (inclusive) to `end` (exclusive, or as far as there are bytes), or all.
   * @param memory may be used for them, where it is large enough
   * @throws ObjectNotFound
   */
  read(uri: string, range?: { start: number; end: number }, memory?: Uint8Array): Promise<Uint8Array>;
  /** Deletes the object of this key and all below it (`key/…`); silent where there is none. */
  deletePrefix(prefix: string): Promise<void>;
}

export interface StoredObject {
  key: string;
  bytes: number;
  writtenAt: Date;
}

/**
 * Keys are made by our own code: names with `/` between. One that climbs out of the store, or means nothing in it, must
 * never be followed.
 * @throws Error
 */
export function checkKey(key: string): void {
  const isName = (name: string) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0');
  if (!key.split('/').every(isName)) throw new Error(`not an object key: ${key}`);
}

const SCHEME = 'store:';

/** The key in a URI that `objectUri` made. */
export function keyOf(uri: string): string {
  if (!uri.startsWith(SCHEME)) throw new Error(`not an object's URI: ${uri}`);
  return uri.slice(SCHEME.length);
}

/** The URI of a key, whether or not there is such an object. */
export function objectUri(key: string): string {
  return SCHEME + key;
}

export class ObjectNotFound extends Error {
  override readonly name = 'ObjectNotFound';
  constructor(uri: string) {
    super(`no object at ${uri}`);
  }
}
