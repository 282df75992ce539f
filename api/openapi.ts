import { createDocument, type ZodOpenApiObject, type ZodOpenApiResponsesObject } from 'zod-openapi';
import { ApiError } from '../contracts/error.ts';
import { VERSION } from '../contracts/version.ts';
import { isMultipart, type ResponseSpec, type Route } from './route.ts';

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
  409: 'Wrong phase, or already there',
  413: 'Too large',
  416: 'No such range',
  422: 'Not valid',
  503: 'Not ready',
};

function responseOf(
  status: number,
  spec: ResponseSpec,
): ZodOpenApiResponsesObject[`${1 | 2 | 3 | 4 | 5}${string}`] {
  const description = STATUS_TEXTS[status] ?? `Status ${status}`;
  if (spec === 'empty') return { description };
  if (!('mediaTypes' in spec)) return { description, content: { 'application/json': { schema: spec } } };
  const binary = { schema: { type: 'string' as const, format: 'binary' } };
  return {
    description: spec.description,
    content: {
      ...(spec.json ? { 'application/json': { schema: spec.json } } : {}),
      ...Object.fromEntries(spec.mediaTypes.map((mediaType) => [mediaType, binary])),
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
            required: [body.multipart],
            properties: { [body.multipart]: { type: 'string' as const, format: 'binary' } },
          },
        },
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
    for (const status of route.errors)
      responses[`${status}` as `4${string}`] ??= responseOf(status, ApiError);
    responses.default = {
      description: 'Any other error',
      content: { 'application/json': { schema: ApiError } },
    };
    paths[route.path] = {
      ...paths[route.path],
      [route.method]: {
        operationId: route.operationId,
        summary: route.summary,
        tags: [...route.tags],
        ...(route.params || route.query
          ? {
              requestParams: {
                ...(route.params ? { path: route.params } : {}),
                ...(route.query ? { query: route.query } : {}),
              },
            }
          : {}),
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
    servers: [{ url: '/' }],
    paths,
  });
}
