import { describe, expect, it } from 'vitest';
import { readFilenameRows, readFluxRows, readProbabilityRows } from './read-rows.ts';

const POINTS = 140;
/** Rows whose values say which row they are, and how often a file is read. */
function source(width: number) {
  let reads = 0;
  const read = (first: number, end: number) => {
    reads++;
    return Float32Array.from({ length: (end - first) * width }, (_, i) => first + Math.floor(i / width));
  };
  return { read, reads: () => reads };
}

describe('rows of a file', () => {
  it('come in the order asked for, each with all its points', () => {
    const { read } = source(POINTS);
    const rows = Int32Array.of(3, 4, 90, 100_000, 2, 2);
    const fluxes = readFluxRows({ points: POINTS, readFluxes: read }, rows);
    expect(fluxes).toHaveLength(rows.length * POINTS);
    rows.forEach((row, i) =>
      expect([...new Set(fluxes.subarray(i * POINTS, (i + 1) * POINTS))]).toEqual([row]),
    );
  });

  it('are read at once where they lie near each other, and apart where they do not', () => {
    const near = source(POINTS);
    readFluxRows({ points: POINTS, readFluxes: near.read }, Int32Array.of(1, 50, 400));
    expect(near.reads()).toBe(1);
    const far = source(POINTS);
    readFluxRows({ points: POINTS, readFluxes: far.read }, Int32Array.of(1, 50_000, 100_000));
    expect(far.reads()).toBe(3);
  });

  it('are read in pieces that fit into memory', () => {
    const longest: number[] = [];
    const readFluxes = (first: number, end: number) => {
      longest.push((end - first) * 4 * POINTS);
      return new Float32Array((end - first) * POINTS);
    };
    readFluxRows(
      { points: POINTS, readFluxes },
      Int32Array.from({ length: 30_000 }, (_, row) => row),
    );
    expect(Math.max(...longest)).toBeLessThanOrEqual(4 << 20);
  });

  it('have names and probabilities', () => {
    const rows = Int32Array.of(70_000, 5, 9000);
    const readFilenames = (first: number, end: number) =>
      Array.from({ length: end - first }, (_, i) => `spec-${first + i}`);
    expect(readFilenameRows({ readFilenames }, rows)).toEqual(['spec-70000', 'spec-5', 'spec-9000']);
    const { read } = source(2);
    expect([...readProbabilityRows({ classes: ['a', 'b'], readProbabilities: read }, rows)]).toEqual([
      70_000, 70_000, 5, 5, 9000, 9000,
    ]);
  });
});
