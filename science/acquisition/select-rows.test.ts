import { describe, expect, it } from 'vitest';
import { Random } from '../cnn/random.ts';
import { AcquisitionError } from './error.ts';
import { ACQUISITION_FUNCTIONS, type AcquisitionFunctionName } from './functions.ts';
import { selectRows, type PoolBlock, type SelectOptions } from './select-rows.ts';

const CLASSES = 3;
const NAMES = [
  'entropy',
  'margin',
  'least_confidence',
  'bald',
  'density_weighted',
  'core_set',
  'badge',
  'random',
] as const;

it('is tested with every acquisition function', () => {
  expect(Object.keys(ACQUISITION_FUNCTIONS)).toEqual(NAMES);
});

function pool(rows: number, seed: number): Float32Array {
  const random = new Random(seed);
  return Float32Array.from(
    Array.from({ length: rows }, () => {
      const odds = Array.from({ length: CLASSES }, () => random.uniform() ** 4);
      const total = odds.reduce((sum, one) => sum + one, 0);
      return odds.map((one) => one / total);
    }).flat(),
  );
}

function* cut(
  probabilities: Float32Array,
  size: number,
  more: (from: number, to: number) => Partial<PoolBlock> = () => ({}),
): Generator<PoolBlock> {
  for (let firstRow = 0; firstRow * CLASSES < probabilities.length; firstRow += size) {
    const block = probabilities.subarray(firstRow * CLASSES, (firstRow + size) * CLASSES);
    yield { firstRow, probabilities: block, ...more(firstRow, firstRow + block.length / CLASSES) };
  }
}

/** An embedding of a row, the same whenever it is asked for. */
const embeddingOf = (row: number) => Array.from({ length: 40 }, (_, i) => Math.abs(Math.sin(row * 7 + i)));
const inputs = {
  embeddingsOf: (rows: Int32Array) => Promise.resolve(Float32Array.from([...rows].flatMap(embeddingOf))),
  labelledEmbeddings: () => Promise.resolve(Float32Array.from([-1, -2].flatMap(embeddingOf))),
  dropoutProbabilitiesOf: (rows: Int32Array) => {
    const draws = Array.from({ length: 4 }, (_, draw) =>
      [...rows].flatMap((row) => [...pool(1, row + draw * 1e5)]),
    );
    return Promise.resolve({ draws: 4, probabilities: Float32Array.from(draws.flat()) });
  },
};
const select = (
  blocks: Iterable<PoolBlock> | AsyncIterable<PoolBlock>,
  options: Partial<SelectOptions> & { strategy: AcquisitionFunctionName },
) => selectRows(blocks, { n: 20, classes: CLASSES, random: new Random(3), ...inputs, ...options });

describe.each(NAMES)('%s', (strategy) => {
  const probabilities = pool(500, 1);

  it('chooses the same rows however the pool is cut into blocks', async () => {
    const whole = await select(cut(probabilities, 500), { strategy });
    expect(new Set(whole.map(({ row }) => row)).size).toBe(20);
    expect(await select(cut(probabilities, 7), { strategy })).toEqual(whole);
  });

  it('chooses one spectrum of an object, and none that is excluded', async () => {
    const objects = Array.from({ length: 500 }, (_, row) => (row % 10 === 0 ? null : `object ${row % 30}`));
    const selected = await select(
      cut(probabilities, 64, (from, to) => ({ objects: objects.slice(from, to) })),
      { strategy, n: 500, isExcluded: ({ row, object }) => row === 20 || object === 'object 7' },
    );
    const chosen = selected.map(({ row }) => objects[row] ?? null);
    const known = chosen.filter((object) => object !== null);
    expect(known.length).toBe(26);
    expect(new Set(known).size).toBe(26);
    expect(chosen.length - known.length).toBe(49);
    expect(selected.map(({ row }) => row)).not.toContain(20);
    expect(known).not.toContain('object 7');
  });

  it('chooses what there is', async () => {
    expect((await select(cut(probabilities.subarray(0, 9), 2), { strategy })).length).toBe(3);
    expect(await select([], { strategy })).toEqual([]);
    expect(await select(cut(probabilities, 100), { strategy, n: 0 })).toEqual([]);
  });

  it('refuses blocks that do not fit', async () => {
    const bad = select([{ firstRow: 0, probabilities: new Float32Array(4) }], { strategy });
    await expect(bad).rejects.toThrow(AcquisitionError);
    const keys = select([{ firstRow: 0, probabilities: new Float32Array(6), keys: ['a'] }], { strategy });
    await expect(keys).rejects.toThrow('6 probabilities of 3 classes, 1 keys, no objects');
  });
});

it.each(NAMES.filter((name) => name !== 'random' && name !== 'core_set'))(
  '%s refuses the predictions of a network that diverged',
  async (strategy) => {
    const probabilities = pool(9, 1);
    probabilities.fill(NaN, 4 * CLASSES, 5 * CLASSES);
    await expect(select(cut(probabilities, 4), { strategy })).rejects.toThrow(
      'The score of row 4 is not a number',
    );
  },
);

it.each(['entropy', 'margin', 'least_confidence', 'bald', 'density_weighted', 'core_set'] as const)(
  '%s takes the first key of equal rows, whatever the order of the rows',
  async (strategy) => {
    const probabilities = Float32Array.from(Array.from({ length: 6 }, () => [0.5, 0.25, 0.25]).flat());
    const choose = async (keys: string[]) => {
      const selected = await select(
        cut(probabilities, 4, (from, to) => ({ keys: keys.slice(from, to) })),
        {
          strategy,
          n: 1,
          embeddingsOf: (rows) => Promise.resolve(new Float32Array(rows.length * 40).fill(1)),
          dropoutProbabilitiesOf: (rows) =>
            Promise.resolve({ draws: 1, probabilities: new Float32Array(rows.length * CLASSES).fill(1 / 3) }),
        },
      );
      return selected.map(({ row }) => keys[row]);
    };
    expect(await choose(['f', 'e', 'd', 'c', 'b', 'a'])).toEqual(['a']);
    expect(await choose(['b', 'c', 'a', 'f', 'e', 'd'])).toEqual(['a']);
  },
);

it('asks about exclusion only for rows that could be chosen', async () => {
  let asked = 0;
  const isExcluded = () => ++asked < 0;
  await select(cut(pool(20_000, 2), 1024), { strategy: 'entropy', n: 5, isExcluded });
  expect(asked).toBeLessThan(6000);
});

it('says what an acquisition function lacks before it reads the pool', async () => {
  const blocks = {
    [Symbol.iterator](): Iterator<PoolBlock> {
      throw new Error('the pool was read');
    },
  };
  const without = (strategy: AcquisitionFunctionName, given: Partial<typeof inputs>) =>
    selectRows(blocks, { strategy, n: 1, classes: CLASSES, random: new Random(1), ...given });
  await expect(without('bald', {})).rejects.toThrow('bald needs predictions with dropout');
  await expect(without('badge', {})).rejects.toThrow('badge needs embeddings');
  await expect(without('core_set', { embeddingsOf: inputs.embeddingsOf })).rejects.toThrow(
    'core_set needs embeddings of the labelled spectra',
  );
});

it('covers a pool without labelled spectra from a row that it draws', async () => {
  const firstOf = async (seed: number) => {
    const selected = await select(cut(pool(50, 1), 50), {
      strategy: 'core_set',
      random: new Random(seed),
      labelledEmbeddings: () => Promise.resolve(new Float32Array()),
    });
    expect(new Set(selected.map(({ row }) => row)).size).toBe(20);
    return selected[0]?.row;
  };
  const firsts = new Set(await Promise.all([1, 2, 3, 4, 5, 6].map(firstOf)));
  expect(firsts.size).toBeGreaterThan(2);
});
