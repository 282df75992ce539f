/** What early stopping knows after an epoch; it goes into checkpoints. */
export interface EarlyStoppingState {
  /** Lowest value so far; no number before the first epoch. */
  readonly best?: number;
  /** 0 before the first epoch. */
  readonly bestEpoch: number;
  /** Epochs since the best one. */
  readonly waited: number;
}

/** Ends a training whose loss does not fall any more, as Keras' EarlyStopping with mode `min`. */
export class EarlyStopping {
  readonly #minDelta: number;
  readonly #patience: number;
  #state: EarlyStoppingState;

  constructor(
    { min_delta, patience }: { min_delta: number; patience: number },
    state: EarlyStoppingState = { bestEpoch: 0, waited: 0 },
  ) {
    this.#minDelta = min_delta;
    this.#patience = patience;
    this.#state = state;
  }

  get state(): EarlyStoppingState {
    return this.#state;
  }

  get stopped(): boolean {
    return this.#state.waited >= this.#patience;
  }

  /** @returns whether this epoch is the best so far, by more than `min_delta` */
  observe(epoch: number, value: number): boolean {
    const { best } = this.#state;
    const isBest = best === undefined || value + this.#minDelta < best;
    this.#state = isBest
      ? { best: value, bestEpoch: epoch, waited: 0 }
      : { ...this.#state, waited: this.#state.waited + 1 };
    return isBest;
  }
}
