import type { ObjectReference } from '../contracts/reference.ts';

/** Bytes by key. Every write is whole or absent: a reader never sees half an object. */
export interface ObjectStore {
  /** Writes an object beside and renames it over any earlier one. The reference holds its SHA-256 and length. */
  put(key: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<ObjectReference>;
  /** Bytes `start` (inclusive) to `end` (exclusive) of an object, or all of them. @throws ObjectNotFound */
  read(uri: string, range?: { start: number; end: number }): Promise<Uint8Array>;
  /** Deletes every object whose key starts with `prefix`; silent where there is none. */
  deletePrefix(prefix: string): Promise<void>;
}

export class ObjectNotFound extends Error {
  override readonly name = 'ObjectNotFound';
  constructor(uri: string) {
    super(`no object at ${uri}`);
  }
}
