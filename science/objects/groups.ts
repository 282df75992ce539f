/** Rows of a table that are of one object. */
export interface ObjectGroups {
  /** Object of each row. Objects are counted from 0 by their first row. */
  objects: Int32Array;
  /** How many objects there are. */
  count: number;
  /** Rows that nothing is known of to group them by: each is an object of its own. */
  unknown: number;
}

/** Numbers the groups by their first row. @param firstRow of each row's group, for each row */
export function numbered(firstRow: Int32Array, unknown: number): ObjectGroups {
  const objects = new Int32Array(firstRow.length);
  let count = 0;
  for (let row = 0; row < firstRow.length; row++) {
    const first = firstRow[row] ?? row;
    objects[row] = first === row ? count++ : (objects[first] ?? 0);
  }
  return { objects, count, unknown };
}
