import { createDocument, type ZodOpenApiObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { ApiError } from '../contracts/error.ts';
import { VERSION } from '../contracts/version.ts';
import { isForm, isMultipart, type ResponseSpec, type Route } from './route.ts';
import { UWS_ERROR } from './uws/error-text.ts';

type ResponseStatus = `${1 | 2 | 3 | 4 | 5}${string}`;

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'Done, no content',
  206: 'A part',
  304: 'Not modified',
  400: 'Does not fit together',
  403: 'Not allowed',
  404: 'Absent',
  406: 'In no format that the client takes',
  409: 'Wrong phase, or already there',
  413: 'Too large',
  415: 'Not a form',
  416: 'No such range',
  422: 'Not valid',
  500: 'Something went wrong on our side',
  503: 'Not ready',
};

const ERROR_EXAMPLES: Readonly<Record<number, ApiError>> = {
  400: { detail: 'There are 2 labelling_ids, but 1 entries in batch', code: 'lengths_differ' },
  403: {
    detail: 'This server answers as localhost, and by the names that ALLOWED_HOSTS has',
    code: 'host_not_allowed',
  },
  404: { detail: 'There is no job 7f9c24e8-3b12-4fef-91e0-56a5d5a0a0a0', code: 'absent' },
  406: { detail: 'The answer is there as application/json, application/fits', code: 'not_acceptable' },
  409: { detail: 'The job is COMPLETED: only a pending job can be run', code: 'wrong_phase' },
  413: { detail: 'The body is too large', code: 'too_large' },
  416: { detail: 'The file has 5120 bytes', code: 'range_not_satisfiable' },
  422: {
    detail: 'The body is not valid',
    code: 'invalid',
    errors: [{ path: 'label', message: 'must be 1 to 50 characters, none NUL' }],
  },
  500: {
    detail: 'Something went wrong on our side; the log has it under the X-Request-Id of this answer',
    code: 'internal',
  },
  503: { detail: 'Temporal does not say: no connection', code: 'temporal_unavailable' },
};

const TAGS = {
  files: 'The users’ file store',
  spectra: 'The archive of raw spectra and its catalogue',
  jobs: 'Jobs: what is computed',
  labellings: 'What people say about spectra',
  system: 'How the server itself is',
  uws: 'IVOA UWS 1.1: the same jobs for clients of the Virtual Observatory',
};

/** What any call may answer: a Host or an Origin that is not ours, and our own faults. */
const ERRORS_OF_ALL = [403, 500];

const REQUEST_ID = 'X-Request-Id';
const headers = { [REQUEST_ID]: { $ref: `#/components/headers/${REQUEST_ID}` } };

function responseOf(status: number, spec: ResponseSpec): ZodOpenApiResponsesObject[ResponseStatus] {
  const description = STATUS_TEXTS[status] ?? `Status ${status}`;
  if (spec === 'empty') return { description, headers };
  if (!('mediaTypes' in spec)) {
    const example = spec === ApiError ? ERROR_EXAMPLES[status] : undefined;
    return {
      description,
      headers,
      content: { 'application/json': { schema: spec, ...(example ? { example } : {}) } },
    };
  }
  return {
    description: spec.description,
    headers,
    content: {
      ...(spec.json ? { 'application/json': { schema: spec.json } } : {}),
      // Bytes have no schema in OpenAPI 3.1.
      ...Object.fromEntries(
        spec.mediaTypes.map((mediaType) => [mediaType, spec.event ? { schema: spec.event } : {}]),
      ),
    },
  };
}

function requestBodyOf(body: NonNullable<Route['body']>) {
  if (isMultipart(body))
    return {
      required: true,
      content: {
        'multipart/form-data': {
          schema: {
            type: 'object' as const,
            additionalProperties: false,
            required: [body.multipart],
            properties: { [body.multipart]: { type: 'string' as const, format: 'binary' } },
          },
        },
      },
    };
  if (isForm(body))
    return {
      required: !body.form.safeParse({}).success,
      content: {
        'application/x-www-form-urlencoded': { schema: body.form },
        'multipart/form-data': { schema: body.form },
      },
    };
  return {
    required: !body.safeParse(undefined).success,
    content: { 'application/json': { schema: body } },
  };
}

/** The OpenAPI 3.1 document, from the very routes that are served. */
export function createOpenApiDocument(routes: readonly Route[]): ReturnType<typeof createDocument> {
  const paths: NonNullable<ZodOpenApiObject['paths']> = {};
  for (const route of routes) {
    const responses: ZodOpenApiResponsesObject = {};
    for (const [status, spec] of Object.entries(route.responses))
      responses[`${Number(status)}` as `2${string}`] = responseOf(Number(status), spec);
    const isUws = route.protocol === 'uws';
    const errorSpec = isUws ? UWS_ERROR : ApiError;
    const errors = [...route.errors, ...ERRORS_OF_ALL, ...(route.body ? [413] : [])];
    for (const error of errors) {
      const status = isUws && error === 422 ? 400 : error;
      responses[`${status}` as ResponseStatus] ??= responseOf(status, errorSpec);
    }
    responses.default = { ...responseOf(500, errorSpec), description: 'Any other error' };
    paths[route.path] = {
      ...paths[route.path],
      [route.method]: {
        operationId: route.operationId,
        summary: route.summary,
        tags: [...route.tags],
        requestParams: {
          ...(route.params ? { path: route.params } : {}),
          ...(route.query ? { query: route.query } : {}),
          ...(route.headers ? { header: route.headers } : {}),
        },
        ...(route.body ? { requestBody: requestBodyOf(route.body) } : {}),
        responses,
      },
    };
  }
  return createDocument({
    openapi: '3.1.0',
    info: {
      title: 'Spectrolabe',
      version: VERSION,
      description:
        'Preprocessing and learning on spectral surveys. A trailing slash is accepted on every path.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The server that this document comes from' }],
    // There are no users: it listens on this machine only.
    security: [],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    components: {
      headers: {
        [REQUEST_ID]: {
          description: 'Of this answer; the log has it on every line about the request',
          required: true,
          schema: { type: 'string', format: 'uuid' },
        },
      },
    },
    paths,
  });
}
