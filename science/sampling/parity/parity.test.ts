import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Random } from '../../cnn/random.ts';
import { nearestNeighbours } from '../nearest-neighbours.ts';
import { smote } from '../smote.ts';

// make_fixtures.py asked imbalanced-learn about the same spectra.
const fixture = z
  .object({
    points: z.int(),
    counts: z.array(z.int()),
    counts_afterwards: z.array(z.int()),
    neighbours: z.record(z.string(), z.array(z.array(z.int()).length(5))),
  })
  .parse(JSON.parse(readFileSync(new URL('./imbalanced-learn.json', import.meta.url), 'utf8')));
const { points, counts } = fixture;
const labels = Int32Array.from(counts.flatMap((count, label) => new Array<number>(count).fill(label)));
const spectra = Float32Array.from(
  { length: labels.length * points },
  (_, i) => ((i * 2654435761) % 2 ** 32) / 2 ** 31 - 1,
);

describe('SMOTE and imbalanced-learn', () => {
  it.each(Object.entries(fixture.neighbours))('have the same neighbours in class %s', (name, expected) => {
    const ofClass = spectraOf(Number(name));
    const { rows } = nearestNeighbours(ofClass, points, 5);
    expect([...rows]).toEqual(expected.flat());
  });

  it('put as many new spectra into each class, all between a spectrum and one of those neighbours', () => {
    const made = smote({ spectra, labels }, { points, random: new Random(1) });
    expect(counts.map((_, label) => made.labels.filter((one) => one === label).length)).toEqual(
      fixture.counts_afterwards,
    );
    expect(made.spectra.subarray(0, spectra.length)).toEqual(spectra);
    for (let row = labels.length; row < made.labels.length; row++) {
      const label = made.labels[row] ?? NaN;
      const ofClass = spectraOf(label);
      const spectrum = made.spectra.subarray(row * points, (row + 1) * points);
      const isBetween = fixture.neighbours[label]?.some((others, base) =>
        others.some((other) => liesBetween(spectrum, at(ofClass, base), at(ofClass, other))),
      );
      expect(isBetween, `new spectrum ${row}`).toBe(true);
    }
  });
});

function spectraOf(label: number): Float32Array {
  const first = labels.indexOf(label);
  return spectra.slice(first * points, (first + (counts[label] ?? NaN)) * points);
}

function at(rows: Float32Array, row: number): Float32Array {
  return rows.subarray(row * points, (row + 1) * points);
}

/** Whether a spectrum is one + share · (other − one), 0 ≤ share ≤ 1. */
function liesBetween(spectrum: Float32Array, one: Float32Array, other: Float32Array): boolean {
  const share = ((spectrum[0] ?? NaN) - (one[0] ?? NaN)) / ((other[0] ?? NaN) - (one[0] ?? NaN));
  return (
    share >= -1e-6 &&
    share <= 1 + 1e-6 &&
    spectrum.every((value, i) => {
      const from = one[i] ?? NaN;
      return Math.abs(from + share * ((other[i] ?? NaN) - from) - value) < 1e-5;
    })
  );
}
