/** Bytes of one element by TFORM letter (FITS 4.0, table 18); X is counted in bits. */
export const ELEMENT_BYTES = {
  L: 1,
  X: 0.125,
  B: 1,
  I: 2,
  J: 4,
  K: 8,
  A: 1,
  E: 4,
  D: 8,
  C: 8,
  M: 16,
  P: 8,
  Q: 16,
} as const;
export type ElementType = keyof typeof ELEMENT_BYTES;

/** A column of a binary table. */
export interface Column {
  name: string;
  /** P and Q are variable-length arrays of `elements`. */
  type: ElementType;
  /** Element type of a variable-length array. */
  elements?: ElementType;
  /** Elements in a row. */
  repeat: number;
  /** Offset in the row [bytes]. */
  offset: number;
  unit?: string;
  scale: number;
  zero: number;
  /** Raw integer that means "no value". */
  nullValue?: number;
}
