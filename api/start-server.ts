import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { OpenTelemetryWorkflowClientInterceptor } from '@temporalio/interceptors-opentelemetry/lib/client/index.js';
import type { Logger } from 'pino';
import type { Environment } from '../contracts/environment.ts';
import { NAMESPACE } from '../contracts/task-queues.ts';
import { connect } from '../db/connection.ts';
import { listen } from '../db/notifications.ts';
import { createJobsRepository } from '../db/repositories/jobs.ts';
import { createOutboxRepository } from '../db/repositories/outbox.ts';
import { createUwsJobsRepository } from '../db/repositories/uws-jobs.ts';
import { openFileStore } from '../storage/open-file-store.ts';
import { createApp } from './app.ts';
import { answerBrokenRequests } from './broken-requests.ts';
import { packageRoot } from '../storage/package-root.ts';
import { JobEventHub } from './job-event-hub.ts';
import { createJobCommands } from './job-commands.ts';
import { startJobLimits } from './job-limits.ts';
import { startOutboxDispatcher } from './outbox-dispatcher.ts';
import { startRunReconciler } from './run-reconciler.ts';
import { createSpectrumReader } from './spectrum-reader.ts';

/** How long requests under way (a big upload) may take after we were asked to stop. */
const DRAIN_MS = 10_000;
const KEEP_ALIVE_MS = 75_000;
/** A path of a few thousand characters, each of them escaped, still gets an answer that says what is wrong. */
const MAX_HEADER_BYTES = 65_536;

async function startListening(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

/** Ends when every request has been answered, or after DRAIN_MS. */
async function stopListening(server: Server, log: Logger): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A browser keeps its connections; each goes once its answer is out.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const force = setTimeout(() => {
    log.warn('requests under way are cut off');
    server.closeAllConnections();
  }, DRAIN_MS);
  await closed;
  clearInterval(idle);
  clearTimeout(force);
}

export interface RunningServer {
  url: string;
  /** No new requests, the running ones end, event streams close, the delivery under way ends. */
  stop: () => Promise<void>;
}

/** Starts the API and the outbox dispatcher. The database's schema must be up to date (db/migrate-command). */
export async function startServer(environment: Environment, log: Logger): Promise<RunningServer> {
  const fileStore = await openFileStore(environment);
  const { db, close } = connect(environment.DATABASE_URL);
  // Lazy: the API answers, and commands are kept, while Temporal is away.
  const connection = Connection.lazy({
    address: environment.TEMPORAL_ADDRESS,
    connectTimeout: '2s',
    // Without the client's own retries: the outbox tries again, readiness says what is, and a retry that outlives
    // this connection would throw out of a timer.
    interceptors: [],
  });
  const temporal = new Client({
    connection,
    namespace: NAMESPACE,
    interceptors:
      environment.OTEL_EXPORTER_OTLP_ENDPOINT === undefined
        ? {}
        : { workflow: [new OpenTelemetryWorkflowClientInterceptor()] },
  });
  const hub = new JobEventHub();
  const spectrumReader = createSpectrumReader();
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES },
    createApp({
      db,
      fileStore,
      spectrumReader,
      temporal,
      hub,
      log,
      ...(environment.TEMPORAL_UI_URL === undefined ? {} : { temporalUiUrl: environment.TEMPORAL_UI_URL }),
      allowedHosts: environment.ALLOWED_HOSTS ?? [],
      corsOrigins: environment.CORS_ORIGINS,
      webRoot: join(packageRoot(), 'dist', 'web'),
    }),
  );
  // The default of five minutes would cut a 5 GB upload over a slow line; one that stands still is cut all the same, and
  // so is a reader that takes nothing.
  server.requestTimeout = 0;
  // A client that is about to ask again must not meet a connection that is about to close: not the default of 5 s.
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.timeout = 1000 * environment.STALL_SECONDS;
  answerBrokenRequests(server);
  const port = await startListening(server, environment.HOST, environment.PORT);
  const dispatcher = startOutboxDispatcher({ outbox: createOutboxRepository(db), client: temporal, log });
  const jobs = createJobsRepository(db);
  const reconciler = startRunReconciler({ db, jobs, client: temporal, log });
  const limits = startJobLimits({
    jobs,
    uwsJobs: createUwsJobsRepository(db),
    commands: createJobCommands({ jobs, fileStore }),
    log,
  });
  const listener = listen(environment.DATABASE_URL, {
    onNotification: (channel, payload) => {
      if (channel === 'outbox') dispatcher.wake();
      else hub.wake(payload);
    },
    onConnected: () => {
      dispatcher.wake();
      hub.wakeAll();
    },
    onError: (error) => log.warn({ err: error }, 'the listening connection to the database broke'),
  });
  const host = environment.HOST.includes(':') ? `[${environment.HOST}]` : environment.HOST;
  return {
    url: `http://${host}:${port}`,
    stop: async () => {
      hub.close();
      await stopListening(server, log);
      await spectrumReader.close();
      await dispatcher.stop();
      await reconciler.stop();
      await limits.stop();
      await listener.close();
      await connection.close();
      await close();
    },
  };
}
