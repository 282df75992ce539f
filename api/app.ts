import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import express, { type ErrorRequestHandler, type Express, type Request, type RequestHandler } from 'express';
import type { Logger } from 'pino';
// Not the package's own module: it would load all of the page's code into the server.
import swaggerUiPath from 'swagger-ui-dist/absolute-path.js';
import type { ApiError } from '../contracts/error.ts';
import type { Database } from '../db/connection.ts';
import { createEventsRepository } from '../db/repositories/events.ts';
import { createJobsRepository } from '../db/repositories/jobs.ts';
import { createLabellingsRepository } from '../db/repositories/labellings.ts';
import { createOutboxRepository } from '../db/repositories/outbox.ts';
import { createUwsJobsRepository } from '../db/repositories/uws-jobs.ts';
import { createWorkerBackendsRepository } from '../db/repositories/worker-backends.ts';
import type { FileStore } from '../storage/file-store.ts';
import { HttpError, invalid } from './errors.ts';
import { createJobCommands } from './job-commands.ts';
import type { JobEventHub } from './job-event-hub.ts';
import type { SpectrumReader } from './spectrum-reader.ts';
import { type ApiMetrics, createApiMetrics } from './metrics.ts';
import { observeRequests } from './observe-requests.ts';
import { createOpenApiDocument } from './openapi.ts';
import type { Route } from './route.ts';
import { candidateRoutes } from './routes/candidates.ts';
import { eventRoutes } from './routes/events.ts';
import { fileRoutes } from './routes/files.ts';
import { jobStepRoutes } from './routes/job-steps.ts';
import { jobRoutes } from './routes/jobs.ts';
import { labellingRoutes } from './routes/labellings.ts';
import { spectraFileRoutes } from './routes/spectra-files.ts';
import { spectraRoutes } from './routes/spectra.ts';
import { systemRoutes } from './routes/system.ts';
import { uwsRoutes } from './routes/uws.ts';
import { answerUwsError } from './uws/error-text.ts';

export interface AppDependencies {
  db: Database;
  fileStore: FileStore;
  spectrumReader: SpectrumReader;
  temporal: Client;
  hub: JobEventHub;
  log: Logger;
  temporalUiUrl?: string;
  /** Names beside `localhost` that a request's `Host` may have. */
  allowedHosts: readonly string[];
  /** Other origins whose pages may call the API. */
  corsOrigins: readonly string[];
  /** The built dashboard. */
  webRoot: string;
}

const LOOPBACK_HOSTS = ['localhost', '127.0.0.1', '[::1]'];
const CORS_METHODS = 'GET, POST, PATCH, DELETE';
const CORS_HEADERS = 'Content-Type, Last-Event-ID, Range, If-None-Match';
const EXPOSED_HEADERS = 'X-Request-Id, ETag, Content-Disposition';

const DOCS_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spectrolabe API</title>
<link rel="stylesheet" href="/api/docs/assets/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/assets/swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({ url: '/api/openapi.json', dom_id: '#swagger-ui', deepLinking: true });</script>
</body>
</html>
`;

/** Every route of the API, in the order in which they are tried. */
export function createRoutes(dependencies: AppDependencies, metrics: ApiMetrics): Route[] {
  const { db, fileStore } = dependencies;
  const jobs = createJobsRepository(db);
  const events = createEventsRepository(db);
  const labellings = createLabellingsRepository(db);
  const commands = createJobCommands({ jobs, fileStore });
  const workerBackends = createWorkerBackendsRepository(db);
  return [
    ...fileRoutes({ db, files: fileStore }),
    ...spectraFileRoutes({ files: fileStore }),
    ...spectraRoutes({ db, files: fileStore, reader: dependencies.spectrumReader }),
    ...jobRoutes({ jobs, events, commands }),
    ...jobStepRoutes({ jobs, temporal: dependencies.temporal }),
    ...labellingRoutes({ labellings, jobs, fileStore }),
    ...candidateRoutes({ jobs, labellings, files: fileStore }),
    ...eventRoutes({ jobs, events, hub: dependencies.hub }),
    ...systemRoutes({ ...dependencies, metrics, workerBackends }),
    ...uwsRoutes({ jobs, uwsJobs: createUwsJobsRepository(db), commands, hub: dependencies.hub }),
  ];
}

/** Gives every request an id, in its log lines and in `X-Request-Id`. */
function identify(log: Logger): RequestHandler {
  return (request, response, next) => {
    const requestId = randomUUID();
    const begunAt = performance.now();
    request.log = log.child({ requestId });
    response.setHeader('X-Request-Id', requestId);
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.once('finish', () => {
      const { method, path } = request;
      const milliseconds = Math.round(performance.now() - begunAt);
      const line = { method, path, status: response.statusCode, milliseconds };
      // Who changed what is worth a line; who looked is not.
      if (method === 'GET' || method === 'HEAD') request.log.debug(line, 'answered');
      else request.log.info(line, 'answered');
    });
    next();
  };
}

/**
 * Keeps strangers out: without users, the browser's own rules are the door. A page of another site reaches us by
 * rebinding its name to 127.0.0.1 (its Host is not ours) or by a form post (its Origin is not ours).
 */
function guard({ allowedHosts, corsOrigins }: AppDependencies): RequestHandler {
  const ours = new Set([...LOOPBACK_HOSTS, ...allowedHosts.map((name) => name.toLowerCase())]);
  return (request, response, next) => {
    const { host, origin } = request.headers;
    const isAllowed = origin !== undefined && corsOrigins.includes(origin);
    response.vary('Origin');
    if (isAllowed) {
      response.setHeader('Access-Control-Allow-Origin', origin);
      response.setHeader('Access-Control-Expose-Headers', EXPOSED_HEADERS);
    }
    if (host === undefined || !ours.has(host.replace(/:\d+$/, '').toLowerCase()))
      throw new HttpError(
        403,
        'host_not_allowed',
        'This server answers as localhost, and by the names that ALLOWED_HOSTS has',
      );
    if (request.method === 'OPTIONS') {
      if (isAllowed) {
        response.setHeader('Access-Control-Allow-Methods', CORS_METHODS);
        response.setHeader('Access-Control-Allow-Headers', CORS_HEADERS);
        response.setHeader('Access-Control-Max-Age', '600');
      }
      response.status(204).end();
      return;
    }
    const isReading = request.method === 'GET' || request.method === 'HEAD';
    if (
      !isReading &&
      origin !== undefined &&
      !isAllowed &&
      ![`http://${host}`, `https://${host}`].includes(origin)
    )
      throw new HttpError(403, 'origin_not_allowed', `Pages of ${origin} may not change anything here`);
    next();
  };
}

/** Scripts and styles as the build has compressed them (web/first-load.ts), to whom takes them so. */
function compressedAssets(webRoot: string): RequestHandler {
  return (request, response, next) => {
    const [path, ending] = /^\/assets\/[\w.-]+\.(js|css)$/.exec(request.path) ?? [];
    if (path === undefined || ending === undefined) return next();
    response.vary('Accept-Encoding');
    if (request.acceptsEncodings('gzip', 'identity') === 'gzip' && existsSync(join(webRoot, `${path}.gz`))) {
      response.type(ending).setHeader('Content-Encoding', 'gzip');
      request.url = `${path}.gz`;
    }
    next();
  };
}

/** Serves the built dashboard: hashed assets for good, and its page for every path that is a room of it. */
function dashboard(webRoot: string): RequestHandler[] {
  const indexFile = join(webRoot, 'index.html');
  return [
    compressedAssets(webRoot),
    express.static(webRoot, {
      index: false,
      redirect: false,
      setHeaders: (response, path) => {
        const isHashed = path.startsWith(join(webRoot, 'assets'));
        response.setHeader('Cache-Control', isHashed ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    }),
    (request, response, next) => {
      const isPage = /^\/(?!api(\/|$)|uws(\/|$)|assets\/|metrics\/?$)/.test(request.path);
      if (!isPage || (request.method !== 'GET' && request.method !== 'HEAD')) return next();
      if (existsSync(indexFile))
        return response.sendFile(indexFile, {
          headers: { 'Cache-Control': 'no-cache' },
          cacheControl: false,
        });
      return response
        .status(404)
        .type('text/plain')
        .send('The dashboard is not built: run `npm run build`. The API is at /api/docs.\n');
    },
  ];
}

/** What body-parser and Express say of a request that they cannot read. */
function fromExpress(error: unknown): HttpError | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  const type = 'type' in error ? error.type : undefined;
  if (error.status === 413) return new HttpError(413, 'too_large', 'The body is too large');
  if (error.status === 404) return new HttpError(404, 'absent', 'There is nothing at this address');
  if (type === 'entity.parse.failed') return invalid(`The body is not valid JSON: ${error.message}`);
  return error.status < 500 ? invalid(error.message) : undefined;
}

const answerError: ErrorRequestHandler = (error: unknown, request, response, next) => {
  if (response.headersSent) {
    request.log.error({ err: error }, 'an error after the answer had begun');
    next(error);
    return;
  }
  const known = error instanceof HttpError ? error : fromExpress(error);
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  // Of a body that nobody read more may be coming: the connection can't carry another request.
  if (!request.complete && (encoding !== undefined || Number(length ?? 0) > 0))
    response.setHeader('Connection', 'close');
  const isUws = /^\/uws(\/|$)/.test(request.path);
  if (known) {
    request.log.debug({ status: known.status, code: known.code, detail: known.message }, 'refused');
    if (isUws) answerUwsError(response, known.status, known.toBody());
    else response.status(known.status).json(known.toBody());
    return;
  }
  request.log.error({ err: error, method: request.method, path: request.path }, 'unexpected error');
  const body: ApiError = {
    detail: 'Something went wrong on our side; the log has it under the X-Request-Id of this answer',
    code: 'internal',
  };
  if (isUws) answerUwsError(response, 500, body);
  else response.status(500).json(body);
};

/** The whole HTTP application; it listens nowhere by itself. */
export function createApp(dependencies: AppDependencies): Express {
  const { db, hub, temporal, log } = dependencies;
  const metrics = createApiMetrics({
    jobs: createJobsRepository(db),
    outbox: createOutboxRepository(db),
    labellings: createLabellingsRepository(db),
    ...{ hub, temporal, log },
  });
  const routes = createRoutes(dependencies, metrics);
  const app = express();
  app.disable('x-powered-by');
  app.set('case sensitive routing', true);
  app.use(identify(log), observeRequests(metrics.requestSeconds), guard(dependencies));

  const methods = new Map<string, string[]>();
  const expressPath = (route: Route): string => route.path.replaceAll(/\{(\w+)\}/g, ':$1');
  const register = (route: Route): void => {
    const path = expressPath(route);
    app[route.method](path, ...route.handlers);
    methods.set(path, [...(methods.get(path) ?? []), route.method.toUpperCase()]);
  };
  const refuseMethod = (request: Request): never => {
    throw new HttpError(405, 'method_not_allowed', `${request.method} is not possible here`);
  };
  // A path without parameters is that one only: `labellings/batch` is no labelling's id.
  routes.filter((route) => expressPath(route) === route.path).forEach(register);
  for (const [path, allowed] of methods)
    app.all(path, (request, response) => {
      response.setHeader('Allow', allowed);
      refuseMethod(request);
    });
  routes.filter((route) => expressPath(route) !== route.path).forEach(register);
  const openApi = createOpenApiDocument(routes);
  app.get('/api/openapi.json', (_request, response) => {
    response.json(openApi);
  });
  app.get('/api/docs', (_request, response) => {
    response.type('html').send(DOCS_PAGE);
  });
  app.use('/api/docs/assets', express.static(swaggerUiPath(), { index: false, redirect: false }));
  // A path may fit several patterns (`directories` is a file's name too): each adds its methods.
  for (const [path, allowed] of methods)
    app.all(path, (_request, response, next) => {
      response.append('Allow', allowed);
      next();
    });
  app.use(...dashboard(dependencies.webRoot));
  app.use((request, response) => {
    if (response.hasHeader('Allow')) refuseMethod(request);
    throw new HttpError(404, 'absent', 'There is nothing at this address');
  });
  app.use(answerError);
  return app;
}
