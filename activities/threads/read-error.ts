import { FitsError } from '../../science/fits/error.ts';

/** Why a file is not a readable spectrum, in words for people who know archive paths only: never the host's path. */
export function reasonOf(error: unknown): string {
  return error instanceof FitsError ? error.message : `cannot be read: ${messageOf(error)}`;
}

/** An error without the host's path in it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? error.code : `${error.name}: ${error.message}`;
}
