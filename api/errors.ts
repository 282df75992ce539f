import type { ApiError } from '../contracts/error.ts';

/** An answer other than success, thrown by handlers; `code` is for programs, `detail` for people. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string;
  readonly errors: ApiError['errors'];

  constructor(status: number, code: string, detail: string, errors?: ApiError['errors']) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = errors;
  }

  /** The body of the answer. */
  toBody(): ApiError {
    return { detail: this.message, code: this.code, ...(this.errors ? { errors: this.errors } : {}) };
  }
}

/** 404 `absent`. */
export const absent = (what: string): HttpError => new HttpError(404, 'absent', `There is no ${what}`);

/** 422 `invalid`: where in the request, and why. */
export const invalid = (detail: string, errors?: ApiError['errors']): HttpError =>
  new HttpError(422, 'invalid', detail, errors);
