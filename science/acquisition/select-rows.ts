import type { Random } from '../cnn/random.ts';
import {
  candidateLimit,
  type AcquisitionFunction,
  type Candidates,
  type Choice,
  type DropoutProbabilities,
  type Matrix,
  type ScoreRows,
  type SecondStep,
} from './acquisition-function.ts';
import { AcquisitionError } from './error.ts';
import { ACQUISITION_FUNCTIONS, type AcquisitionFunctionName } from './functions.ts';
import { TopRows, type ScoredRow } from './top-rows.ts';

/** Predictions of consecutive rows of a pool. */
export interface PoolBlock {
  readonly firstRow: number;
  /** Rows × classes. */
  readonly probabilities: Matrix;
  /** Of each row; they decide between equal scores. Without them the row number does. */
  readonly keys?: readonly string[];
  /** What each spectrum is of; null where that is not known. Without them every row is an object of its own. */
  readonly objects?: ArrayLike<string | number | null>;
}

export interface SelectOptions {
  readonly strategy: AcquisitionFunctionName;
  /** How many rows to choose. */
  readonly n: number;
  readonly classes: number;
  readonly random: Random;
  /**
   * Rows that cannot be chosen: labelled, skipped, of an object that is in the batch already. Asked only for rows whose
   * score is high enough, so it may look things up.
   */
  isExcluded?(row: ScoredRow): boolean;
  /** Outputs of the layer before the last, rows × width. For density-weighted, core-set and BADGE. */
  embeddingsOf?(rows: Int32Array): Promise<Matrix>;
  /** Those of the spectra that have labels, in any order; empty where none has. For core-set. */
  labelledEmbeddings?(): Promise<Matrix>;
  /** For BALD. */
  dropoutProbabilitiesOf?(rows: Int32Array): Promise<DropoutProbabilities>;
}

export interface SelectedRow {
  readonly row: number;
  /** What it was chosen by; its meaning is the acquisition function's. */
  readonly score: number;
}

interface Candidate extends ScoredRow {
  readonly probabilities: Float64Array;
}

/**
 * Chooses the rows of a pool that a person is to label, at most one spectrum of an object, in the order in which they
 * were chosen; fewer than n where the pool has no more. Reads the pool once; memory does not grow with it. Equal input
 * gives equal rows, however the pool is cut into blocks.
 * @throws AcquisitionError `bad-data` where sizes do not fit or a score is not a number (as of a diverged network);
 *   `missing-input` where the function needs what the options do not provide
 */
export async function selectRows(
  blocks: Iterable<PoolBlock> | AsyncIterable<PoolBlock>,
  options: SelectOptions,
): Promise<SelectedRow[]> {
  const { scoreRows, secondStep }: AcquisitionFunction = ACQUISITION_FUNCTIONS[options.strategy];
  if (secondStep === undefined) {
    const best = await bestRows(blocks, options, scoreRows, new TopRows(options.n), (row) => row);
    return best.map(({ row, score }) => ({ row, score }));
  }
  const chooseAmong = prepared(secondStep, options);
  const limit = candidateLimit(options.n);
  const best = await bestRows(blocks, options, scoreRows, new TopRows<Candidate>(limit), withProbabilities);
  if (best.length === 0) return [];
  // In the order of their keys, so that of equal candidates a second step takes the one whose key is first.
  best.sort((a, b) => (a.key === b.key ? a.row - b.row : a.key < b.key ? -1 : 1));
  const rows = Int32Array.from(best, ({ row }) => row);
  const probabilities = new Float64Array(best.length * options.classes);
  best.forEach((row, i) => probabilities.set(row.probabilities, i * options.classes));
  const scores = Float64Array.from(best, ({ score }) => score);
  const choices = await chooseAmong(rows, { scores, probabilities, classes: options.classes });
  return choices.map(({ candidate, score }) => {
    const row = rows[candidate];
    if (row === undefined || Number.isNaN(score))
      throw new AcquisitionError('bad-data', `The score of row ${row} is not a number`);
    return { row, score };
  });
}

/** The second step with its inputs; looked for before the pool is read, so that a missing one costs nothing. */
function prepared(
  step: SecondStep,
  options: SelectOptions,
): (rows: Int32Array, candidates: Candidates) => Promise<Choice[]> {
  const { n, random, strategy, embeddingsOf, labelledEmbeddings, dropoutProbabilitiesOf } = options;
  const missing = (what: string): AcquisitionError =>
    new AcquisitionError('missing-input', `${strategy} needs ${what}`);
  if (step.needs === 'dropout') {
    if (dropoutProbabilitiesOf === undefined) throw missing('predictions with dropout');
    return async (rows, candidates) => step.choose(candidates, await dropoutProbabilitiesOf(rows), n);
  }
  if (embeddingsOf === undefined) throw missing('embeddings');
  if (step.needsLabelled && labelledEmbeddings === undefined)
    throw missing('embeddings of the labelled spectra');
  return async (rows, candidates) => {
    const embeddings = await embeddingsOf(rows);
    const labelled = (step.needsLabelled ? await labelledEmbeddings?.() : undefined) ?? new Float32Array();
    const width = embeddings.length / rows.length;
    if (!Number.isInteger(width) || width === 0 || labelled.length % width !== 0)
      throw new AcquisitionError(
        'bad-data',
        `${embeddings.length} numbers in the embeddings of ${rows.length} candidates, ` +
          `${labelled.length} in those of the labelled spectra`,
      );
    return step.choose(candidates, { width, candidates: embeddings, labelled }, n, random);
  };
}

function withProbabilities(row: ScoredRow, probabilities: Matrix): Candidate {
  return { ...row, probabilities: Float64Array.from(probabilities) };
}

async function bestRows<Row extends ScoredRow>(
  blocks: Iterable<PoolBlock> | AsyncIterable<PoolBlock>,
  { classes, random, isExcluded }: SelectOptions,
  scoreRows: ScoreRows,
  top: TopRows<Row>,
  rowOf: (row: ScoredRow, probabilities: Matrix) => Row,
): Promise<Row[]> {
  let memory = new Float64Array();
  for await (const { firstRow, probabilities, keys, objects } of blocks) {
    const rows = probabilities.length / classes;
    if (!Number.isInteger(rows) || [keys, objects].some((given) => given && given.length !== rows))
      throw new AcquisitionError(
        'bad-data',
        `${probabilities.length} probabilities of ${classes} classes, ` +
          `${keys?.length ?? 'no'} keys, ${objects?.length ?? 'no'} objects`,
      );
    if (memory.length < rows) memory = new Float64Array(rows);
    const scores = memory.subarray(0, rows);
    scoreRows(probabilities, classes, scores, random);
    for (let i = 0; i < rows; i++) {
      const score = scores[i] ?? NaN;
      if (score < top.threshold) continue;
      const row = firstRow + i;
      if (Number.isNaN(score))
        throw new AcquisitionError('bad-data', `The score of row ${row} is not a number`);
      const scored: ScoredRow = { row, score, key: keys?.[i] ?? '', object: objects?.[i] ?? null };
      if (isExcluded?.(scored)) continue;
      top.add(rowOf(scored, probabilities.subarray(i * classes, (i + 1) * classes)));
    }
  }
  return top.result();
}
