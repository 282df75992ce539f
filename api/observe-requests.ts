import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Request, RequestHandler } from 'express';
import type { Histogram } from 'prom-client';

export type RequestLabel = 'method' | 'route' | 'status';

/** Asked every few seconds by machines: their spans would hide all others. */
const UNTRACED = new Set(['/api/health', '/api/ready']);
const tracer = trace.getTracer('api');

/** The pattern that the request's path fits, `/api/jobs/{job_id}`; `other`: a file of the dashboard, or nothing. */
function routeOf(request: Request): string {
  const route: unknown = request.route;
  const path = typeof route === 'object' && route !== null && 'path' in route ? route.path : undefined;
  return typeof path === 'string' ? path.replaceAll(/:(\w+)/g, '{$1}') : 'other';
}

/**
 * Measures each request, and gives those of API and UWS a span: the client's own trace goes on in it where the request
 * names one (`traceparent`), and that of a job begins in it.
 * @param seconds of an answer, whole; event streams, which last as long as somebody looks, are left out
 */
export function observeRequests(seconds: Histogram<RequestLabel>): RequestHandler {
  return (request, response, next) => {
    const { method, path } = request;
    const begunAt = performance.now();
    response.once('close', () => {
      if (String(response.getHeader('content-type')).startsWith('text/event-stream')) return;
      const labels = { method, route: routeOf(request), status: String(response.statusCode) };
      seconds.observe(labels, (performance.now() - begunAt) / 1000);
    });
    if (!/^\/(api|uws)\//.test(path) || UNTRACED.has(path)) return next();

    const parent = propagation.extract(context.active(), request.headers);
    const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, parent);
    response.once('close', () => {
      const route = routeOf(request);
      span.updateName(`${method} ${route}`);
      span.setAttributes({
        'http.request.method': method,
        'http.route': route,
        'url.path': path,
        'http.response.status_code': response.statusCode,
      });
      if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
    });
    context.with(trace.setSpan(parent, span), next);
  };
}
