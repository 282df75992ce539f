import { fileURLToPath } from 'node:url';
import {
  makeWorkflowExporter,
  OpenTelemetryActivityInboundInterceptor,
} from '@temporalio/interceptors-opentelemetry/lib/worker/index.js';
import type { WorkerOptions } from '@temporalio/worker';
import type { Tracing } from '../telemetry/tracing.ts';
import { workflowsPath } from './bundle.ts';

/** Bundled with the workflows where runs are traced. */
export const WORKFLOW_INTERCEPTORS = [
  fileURLToPath(import.meta.resolve('@temporalio/interceptors-opentelemetry/lib/workflow-interceptors.js')),
];

/**
 * A worker's options, with spans of its workflows and activities, under that of the request that began the run. The bundle
 * of the build has no tracing in it, so a worker with workflows bundles them itself, which takes seconds at its start.
 */
export function traced<Options extends Omit<WorkerOptions, 'connection' | 'namespace'>>(
  options: Options,
  { resource, spanProcessor }: Tracing,
): Options {
  return {
    ...options,
    ...(options.workflowBundle === undefined ? {} : { workflowBundle: undefined, workflowsPath }),
    sinks: { exporter: makeWorkflowExporter(spanProcessor, resource) },
    interceptors: {
      workflowModules: WORKFLOW_INTERCEPTORS,
      activity: [(context) => ({ inbound: new OpenTelemetryActivityInboundInterceptor(context) })],
    },
  };
}
