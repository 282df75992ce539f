import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { Resource } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { VERSION } from '../contracts/version.ts';

export interface Tracing {
  resource: Resource;
  spanProcessor: SpanProcessor;
  /** Sends what has not been sent; a collector that is away is not waited for longer than the exporter's timeout. */
  stop: () => Promise<void>;
}

/**
 * Sends the spans of this process to an OpenTelemetry collector, as OTLP over HTTP; without an endpoint spans cost
 * nothing and go nowhere. `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER` and their like hold.
 * @param endpoint the collector's base URL, `http://localhost:4318`
 */
export function startTracing(service: string, endpoint: string | undefined): Tracing | undefined {
  if (endpoint === undefined) return undefined;
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const spanProcessor = new BatchSpanProcessor(exporter);
  const resource = Resource.default().merge(
    new Resource({ 'service.name': `spectrolabe-${service}`, 'service.version': VERSION }),
  );
  const provider = new NodeTracerProvider({ resource, spanProcessors: [spanProcessor] });
  // Context follows asynchronous calls, and travels as W3C trace context.
  provider.register();
  return { resource, spanProcessor, stop: () => provider.shutdown() };
}
