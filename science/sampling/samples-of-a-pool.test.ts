import { describe, expect, it } from 'vitest';
import { Random } from '../cnn/random.ts';
import { diverseSample } from './diverse-sample.ts';
import { kMeansPlusPlus } from './k-means-plus-plus.ts';
import { performanceSample } from './performance-sample.ts';
import { randomSample } from './random-sample.ts';

/** A pool cut into blocks: of how many rows each. */
function* cut<Block>(
  rows: number,
  size: number,
  block: (first: number, end: number) => Block,
): Generator<Block> {
  for (let first = 0; first < rows; first += size) yield block(first, Math.min(rows, first + size));
}

/** Chi squared per degree of freedom of counts that should all be equal. */
function spreadOf(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0) / (counts.length - 1);
}

describe('a random sample', () => {
  const blocks = (rows: number, size: number, objects?: (number | null)[]) =>
    cut(rows, size, (firstRow, end) => ({
      firstRow,
      rows: end - firstRow,
      objects: objects?.slice(firstRow, end),
    }));

  it('does not depend on the blocks, and is another for another seed', async () => {
    const draw = (size: number, seed: number) =>
      randomSample(blocks(5000, size), { n: 20, random: new Random(seed) });
    expect(await draw(7, 1)).toEqual(await draw(5000, 1));
    expect(await draw(5000, 1)).not.toEqual(await draw(5000, 2));
  });

  it('draws every row equally often', async () => {
    const counts = new Array<number>(50).fill(0);
    for (let seed = 0; seed < 2000; seed++)
      for (const row of await randomSample(blocks(50, 50), { n: 10, random: new Random(seed) }))
        counts[row] = (counts[row] ?? 0) + 1;
    // Without replacement counts vary by less than chance: 0.8 of it here.
    expect(spreadOf(counts)).toBeGreaterThan(0.4);
    expect(spreadOf(counts)).toBeLessThan(1.3);
  });

  it('draws objects equally often, and their spectra, never two of one', async () => {
    // Object 0 has four spectra, 1 and 2 have one; the last two are of nobody knows what.
    const objects = [0, 0, 0, 0, 1, 2, null, null];
    const counts = new Array<number>(8).fill(0);
    for (let seed = 0; seed < 4000; seed++) {
      const rows = await randomSample(blocks(8, 3, objects), { n: 2, random: new Random(seed) });
      expect(rows.filter((row) => row < 4).length).toBeLessThan(2);
      for (const row of rows) counts[row] = (counts[row] ?? 0) + 1;
    }
    expect(spreadOf(counts.slice(0, 4))).toBeLessThan(4);
    const ofObjects = [counts.slice(0, 4).reduce((sum, count) => sum + count, 0), ...counts.slice(4)];
    expect(spreadOf(ofObjects)).toBeLessThan(4);
  });

  it('leaves excluded rows out and gives what there is', async () => {
    const isExcluded = (row: number) => row % 2 === 0;
    const rows = await randomSample(blocks(9, 4), { n: 100, random: new Random(0), isExcluded });
    expect([...rows].sort()).toEqual([1, 3, 5, 7]);
    expect(await randomSample([], { n: 3, random: new Random(0) })).toHaveLength(0);
  });
});

describe('a diverse sample', () => {
  const random = new Random(5);
  /** 990 spectra near 0, and ten, each of its kind. */
  const spectra = Float32Array.from(
    { length: 3000 },
    (_, i) => 0.01 * random.uniform() + (i < 30 ? (i % 7) * i : 0),
  );
  const blocks = (size: number, objects?: number[]) =>
    cut(1000, size, (firstRow, end) => ({
      firstRow,
      spectra: spectra.subarray(firstRow * 3, end * 3),
      objects: objects?.slice(firstRow, end),
    }));

  it('has the rare kinds that a random one misses', async () => {
    const rows = await diverseSample(blocks(64), { n: 12, points: 3, random: new Random(1) });
    expect(new Set(rows).size).toBe(12);
    expect(rows.filter((row) => row < 10).length).toBeGreaterThan(7);
  });

  it('does not depend on the blocks, of a pool larger than what k-means++ sees neither', async () => {
    const draw = (size: number, candidates?: number) =>
      diverseSample(blocks(size), { n: 12, points: 3, random: new Random(1), candidates });
    expect(await draw(1)).toEqual(await draw(1000));
    expect(await draw(1, 40)).toEqual(await draw(1000, 40));
    expect(await draw(1, 40)).not.toEqual(await draw(1));
  });

  it('has one spectrum of an object, and no excluded one', async () => {
    const objects = Array.from({ length: 1000 }, (_, row) => row % 6);
    const isExcluded = (row: number) => row < 10;
    const rows = await diverseSample(blocks(99, objects), {
      n: 12,
      points: 3,
      random: new Random(1),
      isExcluded,
    });
    expect([...rows].map((row) => row % 6).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(Math.min(...rows)).toBeGreaterThan(9);
  });

  it('refuses spectra that are not finite', async () => {
    const block = { firstRow: 7, spectra: Float32Array.of(0, 1, 2, NaN) };
    await expect(diverseSample([block], { n: 1, points: 2, random })).rejects.toThrow('Spectrum 8');
  });

  it('draws copies only when there is nothing else, and none twice', () => {
    const values = Float32Array.of(1, 1, 1, 5, 1);
    const rows = kMeansPlusPlus(values, 1, 9, new Random(3));
    expect(rows.indexOf(3)).toBeLessThan(2);
    expect([...rows].sort()).toEqual([0, 1, 2, 3, 4]);
  });

  it('draws the next with the squared distance as its weight', () => {
    const counts = [0, 0, 0];
    for (let seed = 0; seed < 6000; seed++) {
      const [first = NaN, second = NaN] = kMeansPlusPlus(Float32Array.of(0, 1, 3), 1, 2, new Random(seed));
      if (first === 0) counts[second] = (counts[second] ?? 0) + 1;
    }
    expect(counts[0]).toBe(0);
    // 1 : 9, of some 2,000
    expect((counts[1] ?? NaN) / ((counts[1] ?? NaN) + (counts[2] ?? NaN))).toBeCloseTo(0.1, 1);
  });
});

describe('a performance sample', () => {
  /** Rows of three classes: a third predicted as each, by the row. */
  const probabilitiesOf = (rows: number, predicted: (row: number) => number) =>
    Float32Array.from({ length: rows * 3 }, (_, i) => (i % 3 === predicted(Math.floor(i / 3)) ? 0.8 : 0.1));
  const blocks = (rows: number, size: number, predicted: (row: number) => number, objects?: number[]) => {
    const probabilities = probabilitiesOf(rows, predicted);
    return cut(rows, size, (firstRow, end) => ({
      firstRow,
      probabilities: probabilities.subarray(firstRow * 3, end * 3),
      objects: objects?.slice(firstRow, end),
    }));
  };
  const options = (seed: number, n: number) => ({
    ...{ n, classes: 3, candidateClasses: [1, 2] },
    random: new Random(seed),
  });

  it('has as many of each candidate class, none of another, whatever the blocks', async () => {
    const draw = (size: number) =>
      performanceSample(
        blocks(900, size, (row) => row % 3),
        options(4, 11),
      );
    const sample = await draw(900);
    expect(sample.map(({ predictedClass }) => predictedClass).sort()).toEqual([
      1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2,
    ]);
    expect(sample.every(({ row, predictedClass }) => row % 3 === predictedClass)).toBe(true);
    expect(new Set(sample.map(({ row }) => row)).size).toBe(11);
    expect(await draw(13)).toEqual(sample);
  });

  it('gives the places of a class that is short to the others', async () => {
    const sample = await performanceSample(
      blocks(300, 50, (row) => (row === 7 ? 2 : 1)),
      options(1, 10),
    );
    expect(sample.filter(({ predictedClass }) => predictedClass === 1)).toHaveLength(9);
    expect(sample).toContainEqual({ row: 7, predictedClass: 2 });
    expect(
      await performanceSample(
        blocks(30, 30, () => 0),
        options(1, 10),
      ),
    ).toEqual([]);
  });

  it('leaves out what has a label', async () => {
    const isExcluded = (row: number) => row < 290;
    const sample = await performanceSample(
      blocks(300, 50, () => 1),
      { ...options(1, 20), isExcluded },
    );
    expect(sample.map(({ row }) => row).sort()).toEqual(Array.from({ length: 10 }, (_, i) => 290 + i));
  });

  it('estimates the share of right predictions without a bias, with objects that are predicted as both classes', async () => {
    // 60 objects of one to three spectra; which of them are right depends on the object, and so does how many it has.
    const objects = Array.from({ length: 120 }, (_, row) => (row < 60 ? row : row % 30));
    const predicted = (row: number) => 1 + ((row % 2) ^ (row < 60 ? 0 : Math.floor(row / 60)));
    const isRight = (row: number) => (objects[row] ?? NaN) % 4 === 0;
    const truth = [1, 2].map((one) => {
      const ofClass = objects
        .map((object, row) => ({ object, row }))
        .filter(({ row }) => predicted(row) === one);
      const byObject = new Map(ofClass.map(({ object, row }) => [object, isRight(row)]));
      return [...byObject.values()].filter(Boolean).length / byObject.size;
    });
    const right = [0, 0];
    const drawn = [0, 0];
    for (let seed = 0; seed < 1500; seed++) {
      const sample = await performanceSample(blocks(120, 120, predicted, objects), options(seed, 12));
      expect(new Set(sample.map(({ row }) => objects[row])).size).toBe(12);
      for (const { row, predictedClass } of sample) {
        drawn[predictedClass - 1] = (drawn[predictedClass - 1] ?? 0) + 1;
        if (isRight(row)) right[predictedClass - 1] = (right[predictedClass - 1] ?? 0) + 1;
      }
    }
    // Standard error 0.005
    truth.forEach((share, i) =>
      expect(Math.abs((right[i] ?? NaN) / (drawn[i] ?? NaN) - share)).toBeLessThan(0.015),
    );
  });

  it('refuses a probability that is not a number', async () => {
    const block = { firstRow: 5, probabilities: Float32Array.of(0, 0.5, 0.5, 0.1, NaN, 0.2) };
    await expect(performanceSample([block], options(0, 1))).rejects.toThrow('row 6');
  });
});
