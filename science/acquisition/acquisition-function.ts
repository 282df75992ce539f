import type { Random } from '../cnn/random.ts';

/** Probabilities or embeddings, row by row. */
export type Matrix = Float32Array | Float64Array;

/**
 * Decides which spectra are worth a person's time. Every function scores all rows by their probabilities alone. Those
 * without a second step choose the rows of the highest scores. For the others, the scores choose the candidates (at
 * most {@link candidateLimit} of them), and the second step, which needs more than probabilities, chooses among these.
 */
export interface AcquisitionFunction {
  readonly scoreRows: ScoreRows;
  readonly secondStep?: SecondStep;
}

/**
 * Scores a block of rows: the higher the score, the sooner the row is chosen.
 * @param probabilities rows × classes
 * @param scores one a row, written
 * @param random of the functions that draw; they draw once a row, so a pool's scores do not depend on its blocks
 */
export type ScoreRows = (
  probabilities: Matrix,
  classes: number,
  scores: Float64Array,
  random: Random,
) => void;

export type SecondStep =
  | {
      readonly needs: 'dropout';
      choose(candidates: Candidates, dropout: DropoutProbabilities, n: number): Choice[];
    }
  | {
      readonly needs: 'embeddings';
      /** Whether it also needs the embeddings of the spectra that have labels. */
      readonly needsLabelled: boolean;
      choose(candidates: Candidates, embeddings: Embeddings, n: number, random: Random): Choice[];
    };

/** Rows that the second step chooses from, in the order of their keys: of equal rows it takes the first. */
export interface Candidates {
  /** Of the first step, one a candidate. */
  readonly scores: Float64Array;
  /** Candidates × classes. */
  readonly probabilities: Float64Array;
  readonly classes: number;
}

export interface Embeddings {
  /** Numbers a spectrum: the units of the layer before the last. */
  readonly width: number;
  /** Candidates × width. */
  readonly candidates: Matrix;
  /** Labelled spectra × width; only where the function needs it. */
  readonly labelled: Matrix;
}

/** Predictions of a network that drops units as it does in training, several times over. */
export interface DropoutProbabilities {
  readonly draws: number;
  /** Draws × candidates × classes. */
  readonly probabilities: Matrix;
}

/** A chosen candidate by its number, and what it was chosen by. */
export interface Choice {
  readonly candidate: number;
  readonly score: number;
}

/** The n highest scores, the highest first; of equal ones the first. */
export function highest(scores: Float64Array, n: number): Choice[] {
  return Array.from(scores, (score, candidate) => ({ candidate, score }))
    .sort((a, b) => b.score - a.score || a.candidate - b.candidate)
    .slice(0, n);
}

/**
 * How many candidates a second step gets: 10,000, or as many as are to be chosen. Their embeddings (512 numbers each)
 * then take 20 MB, and a pool that is not larger is searched whole, which is the function as published.
 */
export function candidateLimit(n: number): number {
  return Math.max(n, 10_000);
}
