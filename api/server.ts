import { readProcessEnvironment } from '../storage/process-environment.ts';
import { createLog } from '../telemetry/log.ts';
import { startTracing } from '../telemetry/tracing.ts';
import { startServer } from './start-server.ts';

// `node dist/api/server.js`: the API until SIGTERM or SIGINT.
const log = createLog({ name: 'api' });
try {
  const environment = readProcessEnvironment();
  log.level = environment.LOG_LEVEL;
  const tracing = startTracing('api', environment.OTEL_EXPORTER_OTLP_ENDPOINT);
  const server = await startServer(environment, log);
  log.info({ url: server.url }, 'api is ready');
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      log.info(`${signal}: stopping`);
      const stop = async () => {
        await server.stop();
        await tracing?.stop();
      };
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          log.fatal({ err: error }, 'the api did not stop cleanly');
          process.exit(1);
        },
      );
    });
} catch (error) {
  log.fatal({ err: error }, 'the api could not start');
  process.exit(1);
}
