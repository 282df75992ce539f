import { expect, it } from 'vitest';
import { Random } from '../cnn/random.ts';
import { groupByDesignation } from './by-designation.ts';
import { groupByPosition } from './by-position.ts';

const RADIANS = Math.PI / 180;
type Vector = readonly [number, number, number];

function vectorOf(raDeg: number, decDeg: number): Vector {
  const [ra, dec] = [raDeg * RADIANS, decDeg * RADIANS];
  return [Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec)];
}

/** Angle by Kahan's formula, which shares nothing with what is tested. */
function separationArcsec(a: Vector, b: Vector): number {
  const length = (sign: number) => Math.hypot(a[0] + sign * b[0], a[1] + sign * b[1], a[2] + sign * b[2]);
  return ((2 * Math.atan2(length(-1), length(1))) / RADIANS) * 3600;
}

/** Friends of friends by comparing all with all. */
function bruteForce(ra: Float64Array, dec: Float64Array, radiusArcsec: number): number[] {
  const vectors = Array.from(ra, (one, i) => vectorOf(one, dec[i] ?? NaN));
  const objects: number[] = vectors.map(() => -1);
  let count = 0;
  vectors.forEach((_, seed) => {
    if (objects[seed] !== -1) return;
    const number = count++;
    const open = [seed];
    objects[seed] = number;
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const here = vectors[next];
      vectors.forEach((there, i) => {
        if (objects[i] !== -1 || here === undefined || separationArcsec(here, there) > radiusArcsec) return;
        objects[i] = number;
        open.push(i);
      });
    }
  });
  return objects;
}

/** Where errors hide: both poles, 0 h, the edges of zones, and everywhere. Half of the rows lie close to another. */
function sky(random: Random, rows: number, radiusArcsec: number): [Float64Array, Float64Array] {
  const ra = new Float64Array(rows);
  const dec = new Float64Array(rows);
  const radiusDeg = radiusArcsec / 3600;
  for (let i = 0; i < rows; i++) {
    const near = i > 0 && random.uniform() < 0.5 ? random.below(i) : -1;
    const place = random.below(5);
    if (near >= 0) {
      const stretch = Math.max(1e-9, Math.cos((dec[near] ?? 0) * RADIANS));
      ra[i] = (ra[near] ?? 0) + ((random.uniform() * 2 - 1) * 1.2 * radiusDeg) / stretch;
      dec[i] = (dec[near] ?? 0) + (random.uniform() * 2 - 1) * 1.2 * radiusDeg;
    } else {
      ra[i] = place === 0 ? 360 - random.uniform() * radiusDeg : random.uniform() * 360;
      dec[i] =
        place === 1
          ? 90 - random.uniform() * 2 * radiusDeg
          : place === 2
            ? -90 + random.uniform() * 2 * radiusDeg
            : place === 3
              ? Math.round(random.uniform() * 100) * Math.max(30 / 3600, 1.001 * radiusDeg)
              : random.uniform() * 180 - 90;
    }
    dec[i] = Math.max(-90, Math.min(90, dec[i] ?? 0));
  }
  return [ra, dec];
}

it.each([0.5, 3, 29, 60, 3600])('groups as comparing all with all does, within %d″', (radiusArcsec) => {
  for (let seed = 0; seed < 12; seed++) {
    const [ra, dec] = sky(new Random(seed), 150, radiusArcsec);
    const groups = groupByPosition(ra, dec, radiusArcsec);
    expect([...groups.objects]).toEqual(bruteForce(ra, dec, radiusArcsec));
    expect(groups.count).toBe(Math.max(...groups.objects) + 1);
  }
});

it('knows 0 h, turns, both poles, and rows without a position', () => {
  const ra = Float64Array.of(359.9999, 0.0001, 10, 190, -0.0001, NaN, 5, 5, 10, 190);
  const dec = Float64Array.of(0, 0, 89.9999, 89.9999, 0, 0, NaN, 99, -89.9999, -89.9999);
  const { objects, count, unknown } = groupByPosition(ra, dec, 1);
  expect([...objects]).toEqual([0, 0, 1, 1, 0, 2, 3, 4, 5, 5]);
  expect({ count, unknown }).toEqual({ count: 6, unknown: 3 });
});

it('groups a hundred thousand rows at one place before the test runs out of time', () => {
  const random = new Random(1);
  const ra = Float64Array.from({ length: 200_000 }, (_, i) => (i % 2 === 0 ? 0 : random.uniform() * 360));
  const dec = Float64Array.from(ra, (_, i) => (i % 2 === 0 ? 0 : random.uniform() * 120 - 60));
  const { objects, count } = groupByPosition(ra, dec, 3);
  expect(objects.filter((object) => object === 0)).toHaveLength(100_000);
  expect(count).toBeGreaterThan(99_000);
});

it('groups equal designations, whatever the survey writes in front', () => {
  const { objects, count, unknown } = groupByDesignation(
    [
      ['LAMOST J220928.49-015720.7', 'J220928.49-015720.7', 'J220928.49+015720.7', ''],
      ['HD 1', 'HD 1', 'HD 2', '-9999', 'None', 'J220928.49-015720.75', 'LAMOST J220928.49+015720.7 '],
    ],
    11,
  );
  expect([...objects]).toEqual([0, 0, 1, 2, 3, 3, 4, 5, 6, 7, 1]);
  expect({ count, unknown }).toEqual({ count: 8, unknown: 3 });
  expect(() => groupByDesignation([['a']], 2)).toThrow('1 designations for 2 rows');
});
