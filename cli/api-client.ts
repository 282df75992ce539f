import { fetch, type RequestInit } from 'undici';
import type { z } from 'zod';
import { ApiError } from '../contracts/error.ts';

/** Nobody answers at the address. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
}
/** The API answered with an error; the message is its own. */
export class ApiRefused extends Error {
  override readonly name = 'ApiRefused';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Calls the API; the answer is checked against its schema. @throws ApiUnreachable, ApiRefused */
export async function call<T>(
  api: string,
  schema: z.ZodType<T>,
  method: 'GET' | 'POST' | 'PATCH',
  path: string,
  body?: unknown,
): Promise<T> {
  const answer = await request(`${api.replace(/\/$/, '')}/api${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return schema.parse(await answer.json());
}

/** The raw answer of a successful request. */
export async function request(url: string, init: RequestInit) {
  let answer;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    throw new ApiUnreachable(
      `The API does not answer at ${url} (${why}). Is it running (npm start)? --api gives another address.`,
    );
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  const parsed = ApiError.safeParse(parseJson(text));
  if (!parsed.success)
    throw new ApiRefused(answer.status, `${url} answered ${answer.status}: ${text.slice(0, 500)}`);
  const problems = (parsed.data.errors ?? []).map(({ path, message }) => `\n  ${path}: ${message}`);
  throw new ApiRefused(answer.status, `${parsed.data.detail}${problems.join('')}`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not ours, then: the caller shows the text
  }
}
