import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Environment } from '../contracts/environment.ts';
import { NAMESPACE } from '../contracts/task-queues.ts';
import { readProcessEnvironment } from '../storage/process-environment.ts';
import { createLog } from '../telemetry/log.ts';
import { startTracing } from '../telemetry/tracing.ts';
import { activityIds } from './activity-ids.ts';
import { startProcessMetrics } from './process-metrics.ts';
import { traced } from './traced.ts';

export interface WorkerContext {
  environment: Environment;
  log: Logger;
  /** Of this process in Temporal and in `/api/workers`. */
  identity: string;
  /** Resolves once its workers take tasks. */
  started: Promise<void>;
}

interface WorkerPlan {
  /** One for each task queue that the process serves. */
  workers: Omit<WorkerOptions, 'connection' | 'namespace'>[];
  /** Runs after the last task has ended. */
  close: () => Promise<void>;
}

/** The bundle that the build makes, beside the compiled workers. */
export const workflowBundlePath = fileURLToPath(new URL('../workflow-bundle.js', import.meta.url));

/** The names that Prometheus asks for: seconds, and counters that end in `_total`. */
const PROMETHEUS_NAMES = { countersTotalSuffix: true, unitSuffix: true, useSecondsForDurations: true };

/**
 * What the SDK says, with the ids of the workflow or activity it says it of; at `debug` each activity's start and end too.
 */
function sdkLogger(log: Logger): DefaultLogger {
  return new DefaultLogger(log.isLevelEnabled('debug') ? 'DEBUG' : 'WARN', ({ level, message, meta }) => {
    const { error, ...ids } = meta ?? {};
    const line = error === undefined ? ids : { ...ids, err: error };
    if (level === 'ERROR') log.error(line, message);
    else if (level === 'WARN') log.warn(line, message);
    else log.debug(line, message);
  });
}

/**
 * Runs one worker process until SIGTERM or SIGINT: polling stops, running activities are told and given `shutdownGraceTime`,
 * then the process ends. What did not finish is retried elsewhere.
 */
export async function runWorker(
  name: string,
  plan: (context: WorkerContext) => Promise<WorkerPlan>,
): Promise<void> {
  const environment = readProcessEnvironment();
  const log = createLog({ name, level: environment.LOG_LEVEL, ids: activityIds });
  const tracing = startTracing(name, environment.OTEL_EXPORTER_OTLP_ENDPOINT);
  Runtime.install({
    logger: sdkLogger(log),
    telemetryOptions: {
      logging: { filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
      ...(environment.METRICS_ADDRESS === undefined
        ? {}
        : { metrics: { prometheus: { ...PROMETHEUS_NAMES, bindAddress: environment.METRICS_ADDRESS } } }),
    },
    // The first one makes `/api/ready` true.
    workerHeartbeatInterval: '1s',
    // Signals are handled here, so that `close` runs last.
    shutdownSignals: [],
  });
  const identity = `${process.pid}@${hostname()}`;
  let begin: () => void = () => undefined;
  const started = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const { workers: plans, close } = await plan({ environment, log, identity, started });
  const connection = await NativeConnection.connect({ address: environment.TEMPORAL_ADDRESS });
  const workers: Worker[] = [];
  for (const options of plans)
    workers.push(
      await Worker.create({
        shutdownGraceTime: '3s',
        shutdownForceTime: '15s',
        ...(tracing === undefined ? options : traced(options, tracing)),
        connection,
        namespace: NAMESPACE,
        identity,
        // Cancellation reaches an activity through its heartbeat: within half a second.
        maxHeartbeatThrottleInterval: '500ms',
        defaultHeartbeatThrottleInterval: '500ms',
      }),
    );
  const stopProcessMetrics = startProcessMetrics();
  const shutdown = () => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      log.info(`${signal}: draining`);
      shutdown();
    });
  log.info({ taskQueues: plans.map(({ taskQueue }) => taskQueue) }, 'worker is ready');
  const running = workers.map((worker) => worker.run().finally(shutdown));
  begin();
  // Where one fails the others drain too, and the process ends.
  await Promise.all(running);
  stopProcessMetrics();
  await connection.close();
  await close();
  await tracing?.stop();
  log.info('worker has ended');
}

/** Starts an entry point: an error on the way is logged, and ends the process so that its supervisor sees it. */
export function startWorker(name: string, plan: (context: WorkerContext) => Promise<WorkerPlan>): void {
  runWorker(name, plan).then(
    () => process.exit(0),
    (error: unknown) => {
      createLog({ name }).fatal({ err: error }, 'worker failed');
      process.exit(1);
    },
  );
}

export function hasWorkflowBundle(): boolean {
  return existsSync(workflowBundlePath);
}
