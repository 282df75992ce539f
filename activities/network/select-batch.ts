import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SpectrumSet } from '../../contracts/labelling.ts';
import { type PoolBlock, selectRows } from '../../science/acquisition/select-rows.ts';
import { rowEntropies } from '../../science/acquisition/entropy.ts';
import { cohenKappa } from '../../science/metrics/kappa.ts';
import { PoolSummarizer } from '../../science/metrics/pool-summary.ts';
import { type ScoredRow, TopRows } from '../../science/acquisition/top-rows.ts';
import { createIterationResult, type IterationSets } from '../../science/artifacts/iteration-result.ts';
import { writePreparedSpectra } from '../../science/artifacts/json-files.ts';
import { openPredictions, type Predictions } from '../../science/artifacts/predictions.ts';
import { predictedClasses } from '../../science/cnn/evaluation.ts';
import { planNetwork } from '../../science/cnn/architecture.ts';
import { initialState } from '../../science/cnn/initialize.ts';
import { readModelFiles } from '../../science/cnn/model-files.ts';
import { createOpByOpTrainer, type OpByOpTrainer } from '../../science/cnn/op-by-op-trainer.ts';
import { Random } from '../../science/cnn/random.ts';
import { readFilenameRows, readFluxRows, readProbabilityRows } from '../../science/hdf5/read-rows.ts';
import { openSpectra, type SpectraFile } from '../../science/hdf5/spectra-blocks.ts';
import { diverseSample } from '../../science/sampling/diverse-sample.ts';
import { performanceSample } from '../../science/sampling/performance-sample.ts';
import { randomSample } from '../../science/sampling/random-sample.ts';
import { ExcludedSpectra, type Selection, type SelectTask, type Tell } from './messages.ts';
import { rowsOfNames } from './pool-names.ts';
import { readPreparedRows } from './prepared-rows.ts';
import type { Computer } from './train-network.ts';

const BLOCK_ROWS = 65_536;
/** Spectra of a block of the pool are in memory at once. */
const SPECTRA_BLOCK_BYTES = 32 << 20;
const DROPOUT_DRAWS = 20;
const HISTOGRAM_BINS = 50;
/** Not in the pool at all: cut out, or with values that are no numbers. */
const CUT_OUT = 2;

/**
 * Chooses the spectra of a batch: those that estimate the performance first, uniformly among what the model takes for
 * candidates, then the oracle's from the rest. Without a model the oracle's are drawn from the spectra alone. Leaves
 * result.h5, prep_spectra.json and selection.json. Equal input and seed give equal files.
 */
export async function selectBatch(
  computer: () => Promise<Computer>,
  task: SelectTask,
  tell: Tell,
): Promise<void> {
  const pool = await openSpectra(task.poolPath);
  try {
    const excluded = await excludedRows(pool, task.excludedPath);
    const { cut, objects } = await readPreparedRows(task.preparedDir);
    cut?.forEach((isCut, row) => {
      if (isCut === 1) excluded[row] = CUT_OUT;
    });
    const selection = await (task.scored
      ? selectScored(computer, task, { pool, excluded, objects, scored: task.scored })
      : selectUnscored(task, { pool, excluded, objects }));
    const rows = Int32Array.from(selection.spectra, ({ row }) => row);
    const filenames = selection.spectra.map(({ filename }) => filename);
    await writePreparedSpectra(join(task.targetDir, 'prep_spectra.json'), { spectra: pool, rows, filenames });
    await writeFile(join(task.targetDir, 'selection.json'), JSON.stringify(selection));
    tell({ kind: 'selected', spectra: selection.spectra.filter(({ set }) => set !== 'CANDIDATE').length });
  } finally {
    pool.close();
  }
}

function headOf({ iteration, classListVersion, classes, candidateClasses }: SelectTask) {
  return { iteration, classListVersion, classes, candidateClasses };
}

/** Not 0 for each row that cannot be chosen. */
async function excludedRows(pool: SpectraFile, path: string): Promise<Uint8Array> {
  const { rows, names } = ExcludedSpectra.parse(JSON.parse(await readFile(path, 'utf8')));
  const excluded = new Uint8Array(pool.rows);
  for (const row of [...rows, ...rowsOfNames(pool, new Set(names)).values()]) excluded[row] = 1;
  return excluded;
}

async function selectUnscored(
  task: SelectTask,
  { pool, excluded, objects }: { pool: SpectraFile; excluded: Uint8Array; objects: Int32Array | undefined },
): Promise<Selection> {
  const random = randomOf(task, 'oracle');
  const isExcluded = (row: number) => excluded[row] !== 0;
  const n = task.oracleSize;
  const oracle =
    task.firstBatch === 'diverse'
      ? await diverseSample(spectraBlocks(pool, excluded, objects), {
          n,
          points: pool.points,
          random,
          isExcluded,
        })
      : await randomSample([{ firstRow: 0, rows: pool.rows, ...objectsOf(objects, 0, pool.rows) }], {
          n,
          random,
          isExcluded,
        });
  await writeResult(task, pool, undefined, {
    oracle,
    performanceEstimation: new Int32Array(0),
    candidates: new Int32Array(0),
  });
  const chosen = chosenRows(pool, oracle);
  return {
    ...headOf(task),
    strategy: task.firstBatch,
    spectra: [...oracle].map((row) => ({
      row,
      filename: chosen.filename(row),
      set: 'ORACLE',
      ...(objects === undefined ? {} : { object: String(objects[row]) }),
    })),
    candidates: 0,
  };
}

/** Blocks of spectra; one with a value that is no finite number is excluded. */
function* spectraBlocks(pool: SpectraFile, excluded: Uint8Array, objects: Int32Array | undefined) {
  const blockRows = Math.max(1, Math.floor(SPECTRA_BLOCK_BYTES / (4 * pool.points)));
  for (let firstRow = 0; firstRow < pool.rows; firstRow += blockRows) {
    const spectra = pool.readFluxes(firstRow, Math.min(pool.rows, firstRow + blockRows));
    for (let at = 0; at < spectra.length; at++)
      if (!Number.isFinite(spectra[at])) {
        const row = Math.floor(at / pool.points);
        excluded[firstRow + row] = 1;
        spectra.fill(0, row * pool.points, (row + 1) * pool.points);
        at = (row + 1) * pool.points - 1;
      }
    yield { firstRow, spectra, ...objectsOf(objects, firstRow, spectra.length / pool.points) };
  }
}

async function selectScored(
  computer: () => Promise<Computer>,
  task: SelectTask,
  {
    pool,
    excluded,
    objects,
    scored,
  }: {
    pool: SpectraFile;
    excluded: Uint8Array;
    objects: Int32Array | undefined;
    scored: NonNullable<SelectTask['scored']>;
  },
): Promise<Selection> {
  const { classes } = task;
  const candidateClasses = task.candidateClasses.map((name) => classes.indexOf(name));
  const predictions = await openPredictions(scored.predictionsPath);
  const previous = scored.previousPath === undefined ? undefined : await openPredictions(scored.previousPath);
  let model: Promise<ModelFunctions> | undefined;
  const functions = () => (model ??= modelFunctions(computer, task, scored, pool));
  try {
    const look = lookAt(predictions, previous, {
      excluded,
      candidateClasses,
      shown: task.candidatesShown,
    });
    const isExcluded = (row: number) => excluded[row] !== 0;
    const performance = await performanceSample(blocksOf(predictions, objects), {
      n: task.performanceSize,
      classes: classes.length,
      candidateClasses,
      random: randomOf(task, 'performance'),
      isExcluded,
    });
    const drawn = new Set(performance.map(({ row }) => objects?.[row] ?? row));
    const oracle = await selectRows(blocksOf(predictions, objects), {
      strategy: task.strategy,
      n: task.oracleSize,
      classes: classes.length,
      random: randomOf(task, 'oracle'),
      // Drawn before: the oracle chooses from the other objects.
      isExcluded: ({ row }) => excluded[row] !== 0 || drawn.has(objects?.[row] ?? row),
      embeddingsOf: async (rows) => (await functions()).embed(readFluxRows(pool, rows)),
      labelledEmbeddings: async () => (await functions()).labelledEmbeddings(),
      dropoutProbabilitiesOf: async (rows) => (await functions()).withDropout(readFluxRows(pool, rows)),
    });
    const sets: [SpectrumSet, readonly number[]][] = [
      ['ORACLE', oracle.map(({ row }) => row)],
      ['PERFORMANCE_ESTIMATION', performance.map(({ row }) => row)],
      ['CANDIDATE', look.shown],
    ];
    await writeResult(task, pool, predictions, {
      oracle: Int32Array.from(sets[0]?.[1] ?? []),
      performanceEstimation: Int32Array.from(sets[1]?.[1] ?? []),
      candidates: look.candidates,
    });
    const chosen = chosenRows(pool, Int32Array.from(sets.flatMap(([, rows]) => rows)), predictions);
    return {
      ...headOf(task),
      strategy: task.audit ? 'audit' : task.strategy,
      spectra: sets.flatMap(([set, rows]) =>
        rows.map((row) => {
          const probabilities = chosen.probabilities(row);
          return {
            row,
            filename: chosen.filename(row),
            set,
            prediction: classes[predictedClasses(probabilities, classes.length)[0] ?? -1] ?? '',
            probabilities: [...probabilities],
            ...(objects === undefined ? {} : { object: String(objects[row]) }),
          };
        }),
      ),
      candidates: look.candidates.length,
      ...(task.audit
        ? {
            audit: Object.fromEntries(
              task.candidateClasses.map((name, i) => [name, look.population[i] ?? 0]),
            ),
          }
        : { predictions: look.predictions }),
    };
  } finally {
    predictions.close();
    previous?.close();
    await model?.then((made) => made.dispose());
  }
}

/** Blocks of the predictions; what could not be classified has equal probabilities, and is excluded by {@link lookAt}. */
function* blocksOf(predictions: Predictions, objects: Int32Array | undefined): Generator<PoolBlock> {
  for (let firstRow = 0; firstRow < predictions.rows; firstRow += BLOCK_ROWS) {
    const end = Math.min(predictions.rows, firstRow + BLOCK_ROWS);
    const probabilities = predictions.readProbabilities(firstRow, end);
    for (let at = 0; at < probabilities.length; at++)
      if (Number.isNaN(probabilities[at])) probabilities[at] = 1 / predictions.classes.length;
    yield { firstRow, probabilities, ...objectsOf(objects, firstRow, end - firstRow) };
  }
}

/** One pass over the predictions: their figures, and the candidates. What could not be classified becomes excluded. */
function lookAt(
  predictions: Predictions,
  previous: Predictions | undefined,
  {
    excluded,
    candidateClasses,
    shown,
  }: { excluded: Uint8Array; candidateClasses: readonly number[]; shown: number },
): {
  predictions: NonNullable<Selection['predictions']>;
  candidates: Int32Array;
  shown: number[];
  population: number[];
} {
  const classes = predictions.classes.length;
  const population = candidateClasses.map(() => 0);
  const summarizer = new PoolSummarizer(classes, HISTOGRAM_BINS);
  const candidates: number[] = [];
  const best = new TopRows<ScoredRow>(shown);
  const isComparable =
    previous?.rows === predictions.rows && previous.classes.join('\n') === predictions.classes.join('\n');
  const now = new Int32Array(isComparable ? predictions.rows : 0);
  const before = new Int32Array(now.length);
  let compared = 0;
  for (let first = 0; first < predictions.rows; first += BLOCK_ROWS) {
    const end = Math.min(predictions.rows, first + BLOCK_ROWS);
    const all = predictions.readProbabilities(first, end);
    for (let row = first; row < end; row++) {
      if (Number.isNaN(all[(row - first) * classes])) excluded[row] = CUT_OUT;
      else if (excluded[row] === CUT_OUT) all.fill(NaN, (row - first) * classes, (row - first + 1) * classes);
    }
    const fit = classifiedRows(all, classes);
    const probabilities = fit.length === end - first ? all : gathered(all, fit, classes);
    summarizer.add(probabilities);
    const predicted = predictedClasses(probabilities, classes);
    fit.forEach((at, i) => {
      const one = predicted[i] ?? -1;
      if (!candidateClasses.includes(one) || excluded[first + at] !== 0) return;
      candidates.push(first + at);
      const which = candidateClasses.indexOf(one);
      population[which] = (population[which] ?? 0) + 1;
      const score = probabilities[i * classes + one] ?? NaN;
      if (score >= best.threshold)
        best.add({ row: first + at, score, key: String(first + at).padStart(10, '0') });
    });
    if (!isComparable) continue;
    const earlier = previous.readProbabilities(first, end);
    const earlierPredicted = predictedClasses(
      earlier.map((value) => (Number.isNaN(value) ? 0 : value)),
      classes,
    );
    fit.forEach((at, i) => {
      if (Number.isNaN(earlier[at * classes])) return;
      now[compared] = predicted[i] ?? -1;
      before[compared++] = earlierPredicted[at] ?? -1;
    });
  }
  const { n, predicted, meanEntropy, entropyHistogram } = summarizer.summary;
  const [a, b] = [before.subarray(0, compared), now.subarray(0, compared)];
  return {
    predictions: {
      perClass: [...predicted],
      unclassified: predictions.rows - n,
      meanEntropy,
      entropyHistogram: [...entropyHistogram.counts],
      ...(compared > 0 && {
        kappa: cohenKappa(a, b, classes),
        changed: a.reduce((sum, one, i) => sum + (one === b[i] ? 0 : 1), 0) / compared,
      }),
    },
    candidates: Int32Array.from(candidates),
    shown: best.result().map(({ row }) => row),
    population,
  };
}

/** Rows of a block that have probabilities. */
function classifiedRows(probabilities: Float32Array, classes: number): Int32Array {
  const rows = new Int32Array(probabilities.length / classes);
  let count = 0;
  for (let row = 0; row < rows.length; row++)
    if (!Number.isNaN(probabilities[row * classes])) rows[count++] = row;
  return rows.subarray(0, count);
}

function gathered(values: Float32Array, rows: Int32Array, width: number): Float32Array {
  const some = new Float32Array(rows.length * width);
  rows.forEach((row, i) => some.set(values.subarray(row * width, (row + 1) * width), i * width));
  return some;
}

async function writeResult(
  { targetDir, classes, iteration }: SelectTask,
  pool: SpectraFile,
  predictions: Predictions | undefined,
  sets: IterationSets,
): Promise<void> {
  const result = await createIterationResult(join(targetDir, 'result.h5'), {
    rows: pool.rows,
    classes,
    attributes: { iteration: String(iteration) },
  });
  let isClosed = false;
  try {
    for (let first = 0; first < pool.rows; first += BLOCK_ROWS) {
      const end = Math.min(pool.rows, first + BLOCK_ROWS);
      const rows = end - first;
      const probabilities =
        predictions?.readProbabilities(first, end) ?? new Float32Array(rows * classes.length).fill(NaN);
      const labels = new Int32Array(rows).fill(-1);
      const entropies = new Float64Array(rows).fill(NaN);
      const fit = classifiedRows(probabilities, classes.length);
      const some = gathered(probabilities, fit, classes.length);
      const someEntropies = new Float64Array(fit.length);
      rowEntropies(some, classes.length, someEntropies);
      predictedClasses(some, classes.length).forEach((predicted, i) => {
        labels[fit[i] ?? -1] = predicted;
        entropies[fit[i] ?? -1] = someEntropies[i] ?? NaN;
      });
      result.append({ filenames: pool.readFilenames(first, end), labels, probabilities, entropies });
    }
    result.close(sets);
    isClosed = true;
  } finally {
    if (!isClosed) result.discard();
  }
}

interface ModelFunctions {
  embed(spectra: Float32Array): Float32Array;
  labelledEmbeddings(): Promise<Float32Array>;
  withDropout(spectra: Float32Array): { draws: number; probabilities: Float32Array };
  dispose(): void;
}

/** What some acquisition functions ask of the model itself. */
async function modelFunctions(
  computer: () => Promise<Computer>,
  task: SelectTask,
  { modelDir, trainingDataPath }: NonNullable<SelectTask['scored']>,
  { points }: SpectraFile,
): Promise<ModelFunctions> {
  const { tf } = await computer();
  const { architecture, weights } = await readModelFiles(modelDir);
  const plan = planNetwork(architecture, { points, classes: task.classes.length });
  const network: OpByOpTrainer = createOpByOpTrainer(tf, plan, {
    initial: { ...initialState(plan, 0), weights },
    dropoutSeed: task.seed,
  });
  return {
    embed: (spectra) => network.embed(spectra),
    labelledEmbeddings: async () => {
      const labelled = await openSpectra(trainingDataPath);
      try {
        return network.embed(labelled.readFluxes(0, labelled.rows));
      } finally {
        labelled.close();
      }
    },
    withDropout: (spectra) => {
      const size = (spectra.length / points) * plan.classes;
      const probabilities = new Float32Array(DROPOUT_DRAWS * size);
      for (let draw = 0; draw < DROPOUT_DRAWS; draw++)
        probabilities.set(network.predictWithDropout(spectra, draw), draw * size);
      return { draws: DROPOUT_DRAWS, probabilities };
    },
    dispose: () => network.dispose(),
  };
}

function objectsOf(objects: Int32Array | undefined, first: number, rows: number): { objects?: Int32Array } {
  return objects === undefined ? {} : { objects: objects.subarray(first, first + rows) };
}

/** What the files say of the chosen rows, read as they lie there. */
function chosenRows(pool: SpectraFile, rows: Int32Array, predictions?: Predictions) {
  const rising = rows.toSorted();
  const filenames = readFilenameRows(pool, rising);
  const probabilities = predictions && readProbabilityRows(predictions, rising);
  const classes = predictions?.classes.length ?? 0;
  const at = new Map([...rising].map((row, i) => [row, i]));
  const index = (row: number): number => at.get(row) ?? -1;
  return {
    filename: (row: number) => filenames[index(row)] ?? '',
    probabilities: (row: number) =>
      probabilities?.subarray(index(row) * classes, (index(row) + 1) * classes) ?? new Float32Array(),
  };
}

/** Independent draws for each iteration and purpose of one seed. */
function randomOf({ seed, iteration }: SelectTask, purpose: string): Random {
  return new Random(createHash('sha256').update(`${seed}/${iteration}/${purpose}`).digest().readUInt32LE());
}
