/** Values by parameter name, each laid out as `Parameter.shape` says, row by row. */
export type NamedArrays = Readonly<Record<string, Float32Array>>;

/** Everything that the next step depends on, but for the batch. It does not depend on the way of running. */
export interface TrainerState {
  /** Steps taken so far. */
  readonly step: number;
  readonly weights: NamedArrays;
  /** Adam's running means of the gradients and of their squares. */
  readonly firstMoments: NamedArrays;
  readonly secondMoments: NamedArrays;
}

/** One batch. */
export interface Batch {
  /** batch × points, row by row. */
  readonly spectra: Float32Array;
  /** Class of each row: 0 … classes − 1. */
  readonly labels: Int32Array;
  /** Weight of each row in the loss; 1 where absent. */
  readonly weights?: Float32Array;
}

/** Of one batch, in training before the weights changed, dropout included. */
export interface BatchResult {
  /** Sum of weight · cross-entropy over the rows. */
  readonly lossSum: number;
  /** Rows whose most probable class is the labelled one. */
  readonly correct: number;
}

/** A network with its weights and optimiser, ready to train and to predict. All ways of running have this interface. */
export interface Trainer {
  /** `graph`: a step is one call into TensorFlow. `op-by-op`: a call for every operation, forth and back. */
  readonly way: 'graph' | 'op-by-op';
  /**
   * One step of Adam in Keras' form on the mean loss of the batch.
   * @param learningRate of this step
   * @throws NetworkError `bad-data` where sizes do not fit each other
   */
  step(batch: Batch, learningRate: number): BatchResult;
  /** Loss and correct rows without dropout and without a change. */
  evaluate(batch: Batch): BatchResult;
  /**
   * Probabilities without dropout.
   * @param spectra rows × points
   * @returns rows × classes, row by row; rows sum to 1
   */
  predict(spectra: Float32Array): Float32Array;
  /** Gradients of the mean loss of the batch with the dropout of the next step; nothing changes. */
  gradients(batch: Batch): NamedArrays;
  /** A copy of the weights alone, a third of the state. */
  getWeights(): NamedArrays;
  /** A copy of the state. */
  getState(): TrainerState;
  /** @throws NetworkError `bad-state` where an array is missing or of another size */
  setState(state: TrainerState): void;
  /** Frees all memory; the trainer is of no use afterwards. */
  dispose(): void;
}
