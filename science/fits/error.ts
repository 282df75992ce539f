/** A file that cannot be read as FITS, or not as a spectrum; `message` is a reason that a person understands. */
export class FitsError extends Error {
  override readonly name = 'FitsError';
  /** `truncated`, `not-fits`, `garbled`, `unsupported`, `not-a-spectrum`, `too-large`. */
  readonly code: FitsErrorCode;
  /** Index of the HDU, where one is to blame. */
  readonly hdu?: number;

  constructor(code: FitsErrorCode, message: string, hdu?: number) {
    super(hdu === undefined ? message : `HDU ${hdu}: ${message}`);
    this.code = code;
    this.hdu = hdu;
  }
}

export type FitsErrorCode =
  'truncated' | 'not-fits' | 'garbled' | 'unsupported' | 'not-a-spectrum' | 'too-large';
