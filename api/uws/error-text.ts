import type { Response } from 'express';
import type { ApiError } from '../../contracts/error.ts';
import type { ContentSpec } from '../route.ts';

/** What UWS answers instead of `ApiError`, in the OpenAPI document. */
export const UWS_ERROR: ContentSpec = {
  mediaTypes: ['text/plain'],
  description: 'What went wrong, as text',
};

/** Answers an error as DALI 1.1 has it: text, a line a problem; what is not valid is a bad request there. */
export function answerUwsError(response: Response, status: number, { detail, errors = [] }: ApiError): void {
  const lines = [
    detail,
    ...errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)),
  ];
  response
    .status(status === 422 ? 400 : status)
    .type('text/plain')
    .send(`${lines.join('\n')}\n`);
}
