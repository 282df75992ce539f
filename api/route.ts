import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDeepStrictEqual } from 'node:util';
import express, { type Request, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { problemsOf } from '../contracts/error.ts';
import { MAX_JSON_BYTES } from '../contracts/limits.ts';
import { HttpError, invalid } from './errors.ts';
import { type Form, formOf, receiveForm } from './form.ts';
import { depthProblems, storableProblems } from './storable.ts';

export type Method = 'get' | 'post' | 'patch' | 'delete';

/** A body that is not JSON: its media types, the first of which is sent unless the answer's headers say otherwise. */
export interface ContentSpec {
  readonly mediaTypes: readonly [string, ...string[]];
  readonly description: string;
  /** Schema of the same answer as JSON, where the client has the choice. */
  readonly json?: z.ZodType;
  /** Of an event stream: schema of one event. */
  readonly event?: z.ZodType;
}
/** What a route answers with one status: JSON by its schema, nothing, or other content. */
export type ResponseSpec = z.ZodType | 'empty' | ContentSpec;
/** `multipart/form-data` with one file in `field`; the handler reads it from `request`. */
export interface MultipartSpec {
  readonly multipart: string;
}
/** A form without files; the schema describes its fields in the OpenAPI document, the handler checks them. */
export interface FormSpec {
  readonly form: z.ZodObject;
}
type BodySpec = z.ZodType | MultipartSpec | FormSpec;

type Headers = Readonly<Record<string, string | number>>;

/** What a handler returns, by the route's `responses`: `{status, body}`, `{status}` or `{status, content}`. */
export type AnswerOf<R extends Record<number, ResponseSpec>> = {
  [S in keyof R & number]: R[S] extends z.ZodType
    ? { status: S; body: z.output<R[S]>; headers?: Headers }
    : R[S] extends 'empty'
      ? { status: S; headers?: Headers }
      : | { status: S; content: Readable | Uint8Array | string; headers?: Headers }
        | (R[S] extends { json: infer J extends z.ZodType }
            ? { status: S; body: z.output<J>; headers?: Headers }
            : never);
}[keyof R & number];

type ParsedBody<B> = B extends z.ZodType ? z.output<B> : B extends FormSpec ? Form : undefined;

/** What a handler gets: the validated parts, and the raw request for what is not JSON. */
export interface HandlerInput<P extends z.ZodObject, Q extends z.ZodObject, B> {
  params: z.output<P>;
  query: z.output<Q>;
  body: ParsedBody<B>;
  request: Request;
  log: Logger;
  /** Aborted when the client has gone, or the answer is complete. */
  signal: AbortSignal;
}

export interface RouteDefinition<
  P extends z.ZodObject,
  Q extends z.ZodObject,
  B extends BodySpec | undefined,
  R extends Record<number, ResponseSpec>,
  A extends AnswerOf<R> = AnswerOf<R>,
> {
  method: Method;
  /** In OpenAPI form, from the server's root: `/api/jobs/{job_id}`. A trailing slash is accepted too. */
  path: string;
  operationId: string;
  summary: string;
  tags: [string, ...string[]];
  params?: P;
  query?: Q;
  /** Headers that the handler reads (and checks) itself, for the OpenAPI document. */
  headers?: z.ZodObject;
  /** A schema that accepts `undefined` (`.default({})`) makes the body optional. */
  body?: B;
  responses: R;
  /** Error statuses the handler may throw; 422 for the request's validation need not be listed. */
  errors?: readonly number[];
  /** UWS: names of query parameters in any case, errors as text with 400 for 422 (see uws/error-text.ts). */
  protocol?: 'uws';
  handler: (input: HandlerInput<P, Q, B>) => Promise<A>;
}

/** A route without its types: what the application registers and the OpenAPI document describes. */
export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly params: z.ZodObject | undefined;
  readonly query: z.ZodObject | undefined;
  readonly headers: z.ZodObject | undefined;
  readonly body: BodySpec | undefined;
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  readonly errors: readonly number[];
  readonly protocol: 'rest' | 'uws';
  /** Express handlers: body parser where there is a JSON body, then the route itself. */
  readonly handlers: readonly RequestHandler[];
}

interface ErasedAnswer {
  status: number;
  body?: unknown;
  content?: Readable | Uint8Array | string;
  headers?: Headers;
}

/** Outside production what a route answers must be what it documents. */
const CHECKS_ANSWERS = process.env['NODE_ENV'] !== 'production';
const isContent = (spec: ResponseSpec | undefined): spec is ContentSpec =>
  typeof spec === 'object' && 'mediaTypes' in spec;
export const isMultipart = (body: Route['body']): body is MultipartSpec =>
  body !== undefined && 'multipart' in body;
export const isForm = (body: Route['body']): body is FormSpec => body !== undefined && 'form' in body;

// Any content type: a client that forgot the header still sends JSON, and is told so if it does not.
const receiveJson = express.raw({ limit: MAX_JSON_BYTES, type: () => true });

/** The JSON of a request that `receiveJson` has read; undefined where there is no body. @throws HttpError 422 */
function jsonOf(request: Request): unknown {
  const bytes: unknown = request.body;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) return undefined;
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) throw invalid(`The body is not valid JSON: ${error.message}`);
    if (error instanceof TypeError) throw invalid('The body is not UTF-8 text');
    throw error;
  }
}

/** @throws HttpError 422 with every problem, each path led by the part of the request it is in */
function validate<S extends z.ZodType>(
  schema: S,
  value: unknown,
  part: 'path' | 'query' | 'body',
): z.output<S> {
  const refuse = (problems: { path: string; message: string }[]) => {
    if (problems.length > 0) throw invalid(`The ${part} is not valid`, problems);
  };
  refuse(depthProblems(value));
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw invalid(`The ${part} is not valid`, problemsOf(parsed.error));
  // Of what the schema knows: fields that it does not know are not kept anywhere.
  refuse(storableProblems(parsed.data));
  return parsed.data;
}

/** As validate, and no parameter that is a number is empty: coercion would have it as 0. @throws HttpError 422 */
function validateQuery<S extends z.ZodObject>(schema: S, given: Record<string, unknown>): z.output<S> {
  const query = validate(schema, given, 'query');
  const empty = Object.entries(query).filter(
    ([name, value]) => typeof value === 'number' && given[name] === '',
  );
  if (empty.length === 0) return query;
  throw invalid(
    'The query is not valid',
    empty.map(([path]) => ({ path, message: 'must be a number' })),
  );
}

function queryOf(request: Request, protocol: Route['protocol']): Record<string, unknown> {
  const entries = Object.entries(request.query);
  return Object.fromEntries(
    protocol === 'uws' ? entries.map(([name, value]) => [name.toUpperCase(), value]) : entries,
  );
}

/** @throws HttpError 415, 422 */
async function bodyOf(request: Request, body: Route['body']): Promise<unknown> {
  if (body === undefined || isMultipart(body)) return undefined;
  return isForm(body) ? formOf(request) : validate(body, jsonOf(request), 'body');
}

async function sendContent(
  response: Response,
  content: Readable | Uint8Array | string,
  isHead: boolean,
  log: Logger,
): Promise<void> {
  if (typeof content === 'string' || content instanceof Uint8Array) {
    response.end(isHead ? undefined : content);
    return;
  }
  if (isHead) {
    content.destroy();
    response.end();
    return;
  }
  response.flushHeaders();
  // Who observes a request and the pipeline itself make eleven; Node warns of a leak from eleven on.
  response.setMaxListeners(20);
  try {
    await pipeline(content, response);
  } catch (error) {
    // The status line has gone: all that is left is to cut the connection, so that the client sees a broken body.
    const goneAway = error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (!goneAway && !response.destroyed) log.error({ err: error }, 'the body broke off');
    response.destroy();
  }
}

const isJson = (response: Response): boolean =>
  String(response.getHeader('content-type')).startsWith('application/json');

/** @throws Error where an answer is not as its route's document says */
function checkAnswer(route: Route, schema: z.ZodType, body: unknown): void {
  const parsed = schema.safeParse(body);
  if (!parsed.success)
    throw new Error(`${route.operationId} answered against its schema: ${z.prettifyError(parsed.error)}`);
  if (!isDeepStrictEqual(parsed.data, body))
    throw new Error(`${route.operationId} answered with fields that its schema does not know`);
}

async function send(route: Route, request: Request, response: Response, answer: ErasedAnswer): Promise<void> {
  const spec = route.responses[answer.status];
  if (spec === undefined)
    throw new Error(`${route.operationId} answered ${answer.status}, which it does not document`);
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value);
  response.status(answer.status);
  if (spec === 'empty') {
    response.end();
    return;
  }
  const json = isContent(spec) ? spec.json : spec;
  if (isContent(spec) && (json === undefined || answer.content !== undefined)) {
    if (answer.content === undefined) throw new Error(`${route.operationId} answered without content`);
    if (!response.hasHeader('content-type')) response.setHeader('content-type', spec.mediaTypes[0]);
    if (json !== undefined && answer.content instanceof Uint8Array && isJson(response)) {
      const text = Buffer.from(answer.content.buffer, answer.content.byteOffset, answer.content.byteLength);
      if (CHECKS_ANSWERS) checkAnswer(route, json, JSON.parse(text.toString()));
      response.send(text);
      return;
    }
    await sendContent(response, answer.content, request.method === 'HEAD', request.log);
    return;
  }
  if (json !== undefined && CHECKS_ANSWERS) checkAnswer(route, json, answer.body);
  response.json(answer.body);
}

/**
 * Defines a route once for Express and for the OpenAPI document. Params, query and body are validated before the
 * handler runs; a failure answers 422. Outside production every JSON answer is checked against its schema.
 */
export function defineRoute<
  R extends Record<number, ResponseSpec>,
  P extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Q extends z.ZodObject = z.ZodObject<Record<never, never>>,
  B extends BodySpec | undefined = undefined,
  // const: the status of an answer stays a literal while R is still being inferred.
  const A extends AnswerOf<R> = AnswerOf<R>,
>(definition: RouteDefinition<P, Q, B, R, A>): Route {
  const { params, query, body, protocol = 'rest' } = definition;
  const validated = params !== undefined || query !== undefined || body !== undefined;
  const errors = new Set([...(definition.errors ?? []), ...(validated ? [422] : [])]);
  const serve = async (request: Request, response: Response): Promise<void> => {
    const { job_id: jobId } = request.params;
    if (jobId !== undefined) request.log = request.log.child({ jobId });
    const input = {
      params: params && validate(params, { ...request.params }, 'path'),
      query: query && validateQuery(query, queryOf(request, protocol)),
      body: await bodyOf(request, body),
      request,
      log: request.log,
      // Made for who asks: most answers are out before anybody could go away.
      get signal() {
        const gone = new AbortController();
        if (response.destroyed) gone.abort();
        response.once('close', () => gone.abort());
        return gone.signal;
      },
    };
    let answer: ErasedAnswer;
    try {
      // The parts were validated by the very schemas their types come from; a generic can't show that to tsc.
      answer = await definition.handler(input as HandlerInput<P, Q, B>);
    } catch (error) {
      if (error instanceof HttpError && !errors.has(error.status) && CHECKS_ANSWERS)
        throw new Error(`${definition.operationId} threw ${error.status}, which it does not document`, {
          cause: error,
        });
      throw error;
    }
    await send(route, request, response, answer);
  };
  const route: Route = {
    method: definition.method,
    path: definition.path,
    operationId: definition.operationId,
    summary: definition.summary,
    tags: definition.tags,
    params,
    query,
    headers: definition.headers,
    body,
    responses: definition.responses,
    errors: [...errors].sort((a, b) => a - b),
    protocol,
    handlers:
      body === undefined || isMultipart(body) ? [serve] : [isForm(body) ? receiveForm : receiveJson, serve],
  };
  return route;
}
