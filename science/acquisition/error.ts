/** What cannot be selected as asked; `message` is a reason that a person understands. */
export class AcquisitionError extends Error {
  override readonly name = 'AcquisitionError';
  /**
   * `bad-data`: sizes that do not fit, numbers that are not finite. `missing-input`: the acquisition function needs
   * embeddings or predictions with dropout, which the caller does not provide.
   */
  readonly code: AcquisitionErrorCode;

  constructor(code: AcquisitionErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export type AcquisitionErrorCode = 'bad-data' | 'missing-input';
