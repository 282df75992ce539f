/** What cannot be trained or run as asked; `message` is a reason that a person understands. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError';
  /** `bad-architecture`, `bad-data`, `bad-state`, `diverged`. */
  readonly code: NetworkErrorCode;

  constructor(code: NetworkErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export type NetworkErrorCode = 'bad-architecture' | 'bad-data' | 'bad-state' | 'diverged';
