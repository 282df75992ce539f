import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { Random } from '../../cnn/random.ts';
import { trustworthiness } from '../trustworthiness.ts';
import { tsne } from '../tsne.ts';

// make_fixtures.py asked scikit-learn about the same spectra. bench/tsne.ts does so for 1,500 of them.
const fixture = z
  .object({
    rows: z.int(),
    points: z.int(),
    neighbours: z.int(),
    trustworthiness: z.array(z.number()),
    trustworthiness_of_points_10_and_20: z.number(),
  })
  .parse(JSON.parse(readFileSync(new URL('./scikit-learn.json', import.meta.url), 'utf8')));
const { rows, points, neighbours } = fixture;
const spectra = Float32Array.from({ length: rows * points }, (_, i) => {
  const [row, point] = [Math.floor(i / points), i % points];
  const [centre, width] = [points * spread(2 * row + 1), 2 + 6 * spread(2 * row + 2)];
  return Math.exp(-0.5 * ((point - centre) / width) ** 2) + 0.1 * spread(i);
});

it('measures the trustworthiness of a map as scikit-learn does', () => {
  const map = Float64Array.from({ length: 2 * rows }, (_, i) => {
    const point = i % 2 === 0 ? 10 : 20;
    return spectra[Math.floor(i / 2) * points + point] ?? NaN;
  });
  expect(trustworthiness(spectra, points, map, neighbours)).toBeCloseTo(
    fixture.trustworthiness_of_points_10_and_20,
    9,
  );
});

it('makes maps as trustworthy as scikit-learn’s, to 0.001', () => {
  const ours = [1, 2, 3].map((seed) =>
    trustworthiness(spectra, points, tsne(spectra, { points, random: new Random(seed) }), neighbours),
  );
  expect(median(ours)).toBeGreaterThan(median(fixture.trustworthiness) - 0.001);
});

/** Numbers of 0 ≤ x < 1 that look random. */
function spread(index: number): number {
  return ((index * 2654435761) % 2 ** 32) / 2 ** 32;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
