import { numbered, type ObjectGroups } from './groups.ts';
import { sortRowsBy } from './sorting.ts';

/** JHHMMSS.ss±DDMMSS.s, with or without the survey's name in front. */
const DESIGNATION = /(?:^|\s)J(\d{6})\.(\d{2})([+-])(\d{6})\.(\d)$/;
/** What is written where there is none. */
const NO_DESIGNATION = /^(|none|null|nan|unknown|-9+)$/i;

/**
 * Groups rows with the same designation. Names of positions (JHHMMSS.ss±DDMMSS.s) are compared without the survey's name
 * in front; anything else must be the same text.
 * @param blocks designations of all rows, in blocks
 * @param rows how many there are
 */
export function groupByDesignation(blocks: Iterable<readonly string[]>, rows: number): ObjectGroups {
  // Two numbers a row rather than millions of strings. Texts of another form get numbers beyond all right ascensions.
  const right = new Uint32Array(rows);
  const declination = new Uint32Array(rows);
  const others = new Map<string, number>();
  const known = new Int32Array(rows);
  let knownCount = 0;
  let row = 0;
  for (const block of blocks)
    for (const designation of block) {
      const text = designation.trim();
      if (!NO_DESIGNATION.test(text)) {
        const [, hours, hundredths, sign, degrees, tenth] = DESIGNATION.exec(text) ?? [];
        if (hours === undefined) {
          right[row] = OTHER_TEXT;
          const number = others.get(text) ?? others.size;
          others.set(text, number);
          declination[row] = number;
        } else {
          right[row] = Number(`${hours}${hundredths}`);
          declination[row] = 2 * Number(`${degrees}${tenth}`) + (sign === '-' ? 1 : 0);
        }
        known[knownCount++] = row;
      }
      row++;
    }
  if (row !== rows) throw new RangeError(`${row} designations for ${rows} rows`);

  const sorted = known.subarray(0, knownCount);
  sortRowsBy(sorted, declination);
  sortRowsBy(sorted, right);
  const firstRow = Int32Array.from({ length: rows }, (_, i) => i);
  for (let at = 1; at < knownCount; at++) {
    const [one, before] = [sorted[at] ?? 0, sorted[at - 1] ?? 0];
    if (right[one] === right[before] && declination[one] === declination[before])
      firstRow[one] = firstRow[before] ?? before;
  }
  return numbered(firstRow, rows - knownCount);
}

/** Right ascensions in a designation are below 99999999. */
const OTHER_TEXT = 0xffffffff;
