import type { z } from 'zod';
import { ApiError } from '../../contracts/error.ts';

/** Why a call to the API gave nothing usable. `status` is 0 where no answer came at all. */
export class ApiFailure extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors: readonly { path: string; message: string }[];
  readonly requestId: string | undefined;

  constructor(failure: {
    status: number;
    code: string;
    detail: string;
    errors?: readonly { path: string; message: string }[];
    requestId?: string | undefined;
  }) {
    super(failure.detail);
    this.name = 'ApiFailure';
    this.status = failure.status;
    this.code = failure.code;
    this.detail = failure.detail;
    this.errors = failure.errors ?? [];
    this.requestId = failure.requestId;
  }
}

type QueryValue = string | number | boolean | undefined | null;
export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  query?: Record<string, QueryValue>;
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** `/api` + path + query; what is undefined, null or '' is left out. */
export function apiUrl(path: string, query: Record<string, QueryValue> = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== null && value !== '') parameters.set(name, String(value));
  const text = parameters.toString();
  return `/api${path}${text ? `?${text}` : ''}`;
}

type ReachabilityListener = (reachable: boolean) => void;
const listeners = new Set<ReachabilityListener>();

/** Calls `listener` after every request with whether the API answered; returns how to stop. */
export function onReachability(listener: ReachabilityListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A proxy in front of an API that is down answers 502-504: to the user that is the same as no answer. */
export function countsAsReachable(status: number): boolean {
  return status !== 0 && (status < 502 || status > 504);
}

export function reportReachability(reachable: boolean): void {
  for (const listener of listeners) listener(reachable);
}

/** An error answer as an `ApiFailure`, also where its body is not the API's own (a proxy's page, say). */
export function failureOf(status: number, statusText: string, body: string, requestId?: string): ApiFailure {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const apiError = ApiError.safeParse(parsed);
  if (apiError.success) return new ApiFailure({ status, requestId, ...apiError.data });
  return new ApiFailure({
    status,
    code: `http_${status}`,
    detail: statusText || `HTTP ${status}`,
    requestId,
  });
}

async function answer(path: string, options: RequestOptions): Promise<Response> {
  const { method = 'GET', query, body, signal } = options;
  let response: Response;
  try {
    response = await fetch(apiUrl(path, query), {
      method,
      signal: signal ?? null,
      headers: {
        accept: 'application/json',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    reportReachability(false);
    throw new ApiFailure({
      status: 0,
      code: 'unreachable',
      detail: error instanceof Error ? error.message : String(error),
    });
  }
  reportReachability(countsAsReachable(response.status));
  if (response.ok) return response;
  throw failureOf(
    response.status,
    response.statusText,
    await response.text(),
    response.headers.get('x-request-id') ?? undefined,
  );
}

/**
 * Calls the API and returns its JSON answer, checked by `schema`.
 * @throws ApiFailure for every answer that is not a 2xx of that shape, and for none
 */
export async function requestJson<S extends z.ZodType>(
  schema: S,
  path: string,
  options: RequestOptions = {},
): Promise<z.infer<S>> {
  const response = await answer(path, options);
  const requestId = response.headers.get('x-request-id') ?? undefined;
  const text = await response.text();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiFailure({
      status: response.status,
      code: 'unexpected_answer',
      detail: `${path}: the answer is not JSON`,
      requestId,
    });
  }
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ApiFailure({
    status: response.status,
    code: 'unexpected_answer',
    detail: `${path}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'unexpected answer'}`,
    requestId,
  });
}

/** A call whose answer has no body (204), or one that nobody reads. @throws ApiFailure */
export async function requestNothing(path: string, options: RequestOptions): Promise<void> {
  await answer(path, options);
}

/** The bytes of a file or a binary answer. @throws ApiFailure */
export async function requestBytes(path: string, options: RequestOptions = {}): Promise<ArrayBuffer> {
  return (await answer(path, options)).arrayBuffer();
}
