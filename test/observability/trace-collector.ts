import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';

const Value = z.object({ stringValue: z.string().optional() });
/** OTLP's JSON, as far as a test looks into it. */
const Batch = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(z.object({ key: z.string(), value: Value })) }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              name: z.string(),
              startTimeUnixNano: z.coerce.bigint(),
              endTimeUnixNano: z.coerce.bigint(),
            }),
          ),
        }),
      ),
    }),
  ),
});

export interface CollectedSpan {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string | undefined;
  name: string;
}

/** Takes what OpenTelemetry exporters send by OTLP over HTTP, and keeps it. */
export async function startTraceCollector() {
  const spans: CollectedSpan[] = [];
  const refused: unknown[] = [];
  const server = createServer((request, response) => {
    const take = async () => {
      const { resourceSpans } = Batch.parse(await json(request));
      for (const { resource, scopeSpans } of resourceSpans) {
        const name = resource.attributes.find(({ key }) => key === 'service.name');
        for (const scope of scopeSpans)
          for (const span of scope.spans) {
            if (span.endTimeUnixNano < span.startTimeUnixNano) throw new Error(`${span.name} ends too early`);
            spans.push({ service: name?.value.stringValue ?? '', ...span });
          }
      }
    };
    take().then(
      () => response.setHeader('content-type', 'application/json').end('{}'),
      (error: unknown) => {
        refused.push(error);
        response.writeHead(400).end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the collector has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    spans,
    /** What came and was no OTLP. */
    refused,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
