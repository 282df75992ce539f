import { performance } from 'node:perf_hooks';
import { Random } from '../science/cnn/random.ts';
import type { DropoutProbabilities } from '../science/acquisition/acquisition-function.ts';
import { ACQUISITION_FUNCTIONS } from '../science/acquisition/functions.ts';
import { selectRows, type PoolBlock } from '../science/acquisition/select-rows.ts';

// How long each acquisition function takes to choose 100 of 4,000,000 scored rows, and the memory of the process.
// What is made up for it (names, embeddings, draws) is not counted. Run: npx tsx bench/select-rows.ts [function]
const ROWS = 4_000_000;
const BLOCK_ROWS = 65_536;
const CLASSES = 3;
const CHOSEN = 100;
const WIDTH = 512;
const LABELLED = 5_000;
const DRAWS = 20;

const pool = new Float32Array(ROWS * CLASSES);
const random = new Random(1);
for (let at = 0; at < pool.length; at += CLASSES) {
  const odds = Array.from({ length: CLASSES }, () => random.uniform() ** 8 + 1e-6);
  const total = odds.reduce((sum, one) => sum + one, 0);
  pool.set(
    odds.map((one) => one / total),
    at,
  );
}

let madeSeconds = 0;
/** Makes an input, whose cost is not that of the selection. */
function made<T>(make: () => T): T {
  const began = performance.now();
  const input = make();
  madeSeconds += (performance.now() - began) / 1000;
  return input;
}

/** The pool with the names of its files, two spectra an object. */
function* blocks(): Generator<PoolBlock> {
  for (let firstRow = 0; firstRow < ROWS; firstRow += BLOCK_ROWS)
    yield made(() => {
      const probabilities = pool.subarray(firstRow * CLASSES, (firstRow + BLOCK_ROWS) * CLASSES);
      const rows = Array.from({ length: probabilities.length / CLASSES }, (_, i) => firstRow + i);
      return {
        firstRow,
        probabilities,
        keys: rows.map((row) => `plan/spec-${String(row).padStart(9, '0')}.fits.gz`),
        objects: rows.map((row) => row >> 1),
      };
    });
}

/** Outputs of a layer of ReLU, of spectra that are much alike. */
function embeddings(rows: number): Float32Array {
  const kinds = Float32Array.from({ length: 20 * WIDTH }, () => random.uniform() - 0.5);
  const values = new Float32Array(rows * WIDTH);
  for (let row = 0; row < rows; row++) {
    const kind = random.below(20) * WIDTH;
    for (let i = 0; i < WIDTH; i++)
      values[row * WIDTH + i] = Math.max(0, (kinds[kind + i] ?? NaN) + 0.2 * (random.uniform() - 0.5));
  }
  return values;
}

const drawn = (rows: number): DropoutProbabilities => ({
  draws: DRAWS,
  probabilities: Float32Array.from({ length: DRAWS * rows * CLASSES }, () => random.uniform()),
});

const wanted = process.argv[2];
for (const strategy of Object.keys(ACQUISITION_FUNCTIONS)) {
  if (!isStrategy(strategy) || (wanted !== undefined && wanted !== strategy)) continue;
  madeSeconds = 0;
  const began = performance.now();
  const selected = await selectRows(blocks(), {
    strategy,
    n: CHOSEN,
    classes: CLASSES,
    random: new Random(2),
    embeddingsOf: (rows) => Promise.resolve(made(() => embeddings(rows.length))),
    labelledEmbeddings: () => Promise.resolve(made(() => embeddings(LABELLED))),
    dropoutProbabilitiesOf: (rows) => Promise.resolve(made(() => drawn(rows.length))),
  });
  const seconds = (performance.now() - began) / 1000 - madeSeconds;
  const megabytes = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${strategy}: ${selected.length} of ${ROWS} in ${seconds.toFixed(2)} s, at most ${megabytes.toFixed(0)} MB so far`,
  );
}

function isStrategy(name: string): name is keyof typeof ACQUISITION_FUNCTIONS {
  return name in ACQUISITION_FUNCTIONS;
}
