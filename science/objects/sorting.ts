const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;

/** Sorts rows by a whole number each, keeping the order of equal ones; in place, by digits (LSD radix sort). */
export function sortRowsBy(rows: Int32Array, keyOfRow: Uint32Array): void {
  const other = new Int32Array(rows.length);
  sortByDigit(rows, other, keyOfRow, 0);
  const isOneDigit = rows.every((row) => (keyOfRow[row] ?? 0) < DIGITS);
  if (isOneDigit) rows.set(other);
  else sortByDigit(other, rows, keyOfRow, DIGIT_BITS);
}

function sortByDigit(from: Int32Array, to: Int32Array, keyOfRow: Uint32Array, shift: number): void {
  const next = new Int32Array(DIGITS + 1);
  const digitOf = (row: number) => ((keyOfRow[row] ?? 0) >>> shift) & (DIGITS - 1);
  for (const row of from) {
    const above = digitOf(row) + 1;
    next[above] = (next[above] ?? 0) + 1;
  }
  for (let digit = 0; digit < DIGITS; digit++) next[digit + 1] = (next[digit + 1] ?? 0) + (next[digit] ?? 0);
  for (const row of from) {
    const digit = digitOf(row);
    const at = next[digit] ?? 0;
    to[at] = row;
    next[digit] = at + 1;
  }
}
