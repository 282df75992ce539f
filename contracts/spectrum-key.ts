/** What tells a spectrum from the others of its pool in the database: two may have one name. */
export function keyOfRow(row: number): string {
  return `#${row}`;
}

/** @returns undefined for a spectrum that is known by its name: its label was imported */
export function rowOfKey(key: string): number | undefined {
  return /^#\d+$/.test(key) ? Number(key.slice(1)) : undefined;
}
