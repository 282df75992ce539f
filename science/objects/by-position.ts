import { numbered, type ObjectGroups } from './groups.ts';
import { sortRowsBy } from './sorting.ts';

const RADIANS = Math.PI / 180;
const ARCSEC = RADIANS / 3600;
/** A turn in right ascension, in units that wrap by themselves in 32 bits. */
const TURN = 2 ** 32;
/** Least height of a zone [deg]: lower ones are only more. */
const LEAST_ZONE_DEG = 30 / 3600;
/** A zone is higher than the radius by so much that rounding puts no neighbour into the zone after the next. */
const MARGIN = 1.001;
const MOST_ARCSEC = 3600;

/** sin² of half the angle between two directions (haversine), exact for small angles too; NaN where one is not known. */
export function haversine(ra1Deg = NaN, dec1Deg = NaN, ra2Deg = NaN, dec2Deg = NaN): number {
  const sinDec = Math.sin(((dec1Deg - dec2Deg) * RADIANS) / 2);
  const sinRa = Math.sin(((ra1Deg - ra2Deg) * RADIANS) / 2);
  return sinDec * sinDec + Math.cos(dec1Deg * RADIANS) * Math.cos(dec2Deg * RADIANS) * sinRa * sinRa;
}

/**
 * Groups rows whose positions are no farther apart than a radius, and those that such neighbours connect (friends of
 * friends): the groups do not depend on the order of the rows. The sky is cut into zones of declination, in each of which
 * rows are sorted by right ascension (Gray, Nieto-Santisteban & Szalay 2007, arXiv:cs/0701171).
 * @param raDeg right ascension, in any turn; NaN where not known
 * @param decDeg declination; NaN, or beyond ±90, where not known
 * @param radiusArcsec above 0, up to 3600
 */
export function groupByPosition(
  raDeg: Float64Array,
  decDeg: Float64Array,
  radiusArcsec: number,
): ObjectGroups {
  if (decDeg.length !== raDeg.length)
    throw new RangeError(`${decDeg.length} declinations for ${raDeg.length} right ascensions`);
  if (!(radiusArcsec > 0 && radiusArcsec <= MOST_ARCSEC))
    throw new RangeError(`a radius of ${radiusArcsec}″`);
  const firstRow = Int32Array.from(raDeg, (_, row) => row);
  const { order, ra, zoneStarts, unknown } = sortSky(raDeg, decDeg, {
    zoneDeg: Math.max(LEAST_ZONE_DEG, (MARGIN * radiusArcsec) / 3600),
    firstRow,
  });
  const most = Math.sin((radiusArcsec * ARCSEC) / 2) ** 2;
  const compare = (one: number, other: number) => {
    if (haversine(raDeg[one], decDeg[one], raDeg[other], decDeg[other]) <= most) join(firstRow, one, other);
  };
  for (let zone = 0; zone + 1 < zoneStarts.length; zone++) {
    const [start = 0, end = 0, above = end] = zoneStarts.subarray(zone, zone + 3);
    for (let at = start; at < end; at++) {
      const row = order[at] ?? 0;
      const here = ra[at] ?? 0;
      const reach = reachInRa(decDeg[row] ?? NaN, radiusArcsec);
      // Eastwards in this zone: who is to the west has looked already.
      for (let step = 1; step < end - start; step++) {
        const other = at + step < end ? at + step : at + step - end + start;
        if (((ra[other] ?? 0) - here) >>> 0 > reach) break;
        compare(row, order[other] ?? 0);
      }
      // Both ways in the zone above.
      const west = (here - reach) >>> 0;
      const first = reach === TURN ? end : firstFrom(west, ra, { start: end, end: above });
      for (let step = 0; step < above - end; step++) {
        const other = first + step < above ? first + step : first + step - above + end;
        if (((ra[other] ?? 0) - west) >>> 0 > 2 * reach) break;
        compare(row, order[other] ?? 0);
      }
    }
  }
  for (let row = 0; row < firstRow.length; row++) firstRow[row] = rootOf(firstRow, row);
  return numbered(firstRow, unknown);
}

interface SortedSky {
  /** Rows with a position, by zone, then right ascension; of rows at one and the same position the first. */
  order: Int32Array;
  /** Right ascension of each of them [2⁻³² turns]. */
  ra: Uint32Array;
  /** Where each zone begins in `order`, and the last one ends. */
  zoneStarts: Int32Array;
  /** Rows without a position. */
  unknown: number;
}

function sortSky(
  raDeg: Float64Array,
  decDeg: Float64Array,
  { zoneDeg, firstRow }: { zoneDeg: number; firstRow: Int32Array },
): SortedSky {
  const ra = new Uint32Array(raDeg.length);
  const zones = new Uint32Array(raDeg.length);
  const rows = new Int32Array(raDeg.length);
  let known = 0;
  for (let row = 0; row < raDeg.length; row++) {
    const turns = (raDeg[row] ?? NaN) / 360;
    const fromPole = (decDeg[row] ?? NaN) + 90;
    if (!Number.isFinite(turns) || !(fromPole >= 0 && fromPole <= 180)) continue;
    ra[row] = Math.floor((turns - Math.floor(turns)) * TURN);
    zones[row] = Math.floor(fromPole / zoneDeg);
    rows[known++] = row;
  }
  const order = rows.subarray(0, known);
  for (const keys of [ra, zones]) sortRowsBy(order, keys);

  // Thousands of rows at one and the same position would all be compared with each other.
  let kept = 0;
  for (const row of order) {
    const before = order[kept - 1];
    if (before !== undefined && raDeg[row] === raDeg[before] && decDeg[row] === decDeg[before])
      firstRow[row] = before;
    else order[kept++] = row;
  }
  const places = order.subarray(0, kept);
  const zoneStarts = new Int32Array(Math.floor(180 / zoneDeg) + 2);
  for (const row of places) {
    const next = (zones[row] ?? 0) + 1;
    zoneStarts[next] = (zoneStarts[next] ?? 0) + 1;
  }
  for (let zone = 1; zone < zoneStarts.length; zone++)
    zoneStarts[zone] = (zoneStarts[zone] ?? 0) + (zoneStarts[zone - 1] ?? 0);
  const placeRa = Uint32Array.from(places, (row) => ra[row] ?? 0);
  return { order: places, ra: placeRa, zoneStarts, unknown: raDeg.length - known };
}

/** How far in right ascension what is within the radius can be [2⁻³² turns]; near a pole, anywhere. */
function reachInRa(decDeg: number, radiusArcsec: number): number {
  const sine = Math.sin(radiusArcsec * ARCSEC) / Math.cos(decDeg * RADIANS);
  // Two more, for both are rounded.
  return sine < 1 ? Math.ceil((Math.asin(sine) / (2 * Math.PI)) * TURN) + 2 : TURN;
}

/** The first place of a zone from a right ascension on; its end where there is none. */
function firstFrom(west: number, ra: Uint32Array, { start, end }: { start: number; end: number }): number {
  let [low, high] = [start, end];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ra[middle] ?? 0) < west) low = middle + 1;
    else high = middle;
  }
  return low;
}

function rootOf(firstRow: Int32Array, row: number): number {
  let root = row;
  for (;;) {
    const above = firstRow[root] ?? root;
    if (above === root) return root;
    const next = firstRow[above] ?? above;
    firstRow[root] = next;
    root = next;
  }
}

/** Puts two groups together, under the first row of both. */
function join(firstRow: Int32Array, one: number, other: number): void {
  const [a, b] = [rootOf(firstRow, one), rootOf(firstRow, other)];
  firstRow[Math.max(a, b)] = Math.min(a, b);
}
