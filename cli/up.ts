import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readEnvironmentOfUp, storageProblems, type Variables } from '../contracts/environment.ts';
import { parseS3Url } from '../contracts/storage-location.ts';
import { readSecret } from '../storage/process-environment.ts';
import { startStack, type Stack, type StackOptions, type StoreVariables } from '../deploy/embedded/stack.ts';
import { EXIT, type ExitCode, usage } from './exit-codes.ts';

export interface UpOptions {
  data: string;
  port: string;
  host: string;
  spectra?: string;
  empty?: boolean;
  postgresPort?: string;
  temporalPort?: string;
  temporalUiPort?: string;
}

/** From a terminal npm passes a Ctrl-C on that the terminal has sent us already; one this soon is the same one. */
const SAME_CTRL_C_MS = 1000;

/** Starts everything and stays until Ctrl-C, SIGTERM or the terminal's end; a second Ctrl-C does not wait. */
export async function up(options: UpOptions): Promise<ExitCode> {
  if (options.data === '') return usage('--data names no directory');
  const ports = Ports.safeParse(options);
  if (!ports.success) return usage(ports.error.issues.map(({ message }) => message).join('\n'));
  if (!['127.0.0.1', 'localhost', '::1'].includes(options.host))
    return usage(
      `--host ${options.host} is refused: there are no users and no passwords yet, so everybody there could read and delete everything. Use 127.0.0.1, and a tunnel (ssh -L) from other machines.`,
    );
  const spectra = options.spectra === undefined ? undefined : absolute(options.spectra);
  if (spectra !== undefined && !parseS3Url(spectra) && !(await isDirectory(spectra)))
    return usage(`--spectra ${spectra} is not a directory`);

  const { databaseUrl, temporalAddress, stores } = servicesOf(process.env);
  const files = stores.FILES_URL ?? options.data;
  const problems = storageProblems({ ...stores, FILES_URL: files, SPECTRA_URL: spectra });
  if (problems.length > 0) return usage(problems.join('\n'));

  const say = (message: string) => process.stderr.write(`${message}\n`);
  // A terminal that was closed takes no more words; the parts are stopped in order all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const interrupt = new AbortController();
  const force = new AbortController();
  let firstInterruptAt = 0;
  const interrupted = new Promise<'interrupted'>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        if (!interrupt.signal.aborted) {
          firstInterruptAt = Date.now();
          say('\nStopping … (the next start goes on, running jobs included; Ctrl-C again does not wait)');
          interrupt.abort(new Error('Stopped before it was ready.'));
          done('interrupted');
        } else if (signal === 'SIGINT' && Date.now() - firstInterruptAt > SAME_CTRL_C_MS) {
          say('Stopping at once. The next start recovers what was under way.');
          force.abort();
        }
      });
  });
  let stack: Stack;
  try {
    stack = await startStack({
      data: options.data,
      ...ports.data,
      host: options.host,
      spectra,
      empty: options.empty,
      databaseUrl,
      temporalAddress,
      stores,
      say,
      signal: interrupt.signal,
      forceSignal: force.signal,
    });
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return EXIT.failed;
  }
  console.log(
    [
      '',
      'Spectrolabe is ready.',
      '',
      `  Dashboard      ${stack.url}`,
      `  API            ${stack.url}/api/docs`,
      ...(stack.temporalUrl ? [`  Temporal       ${stack.temporalUrl}`] : []),
      `  Data           ${stack.dataDirectory}`,
      '',
      'Ctrl-C stops everything in order; the next start goes on.',
    ].join('\n'),
  );
  try {
    await Promise.race([interrupted, stack.failed]);
    return EXIT.ok;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    return EXIT.failed;
  } finally {
    await stack.stop();
    say('Stopped.');
  }
}

/** Services and stores that exist, as the environment names them. */
function servicesOf(
  variables: Variables,
): Pick<StackOptions, 'databaseUrl' | 'temporalAddress'> & { stores: StoreVariables } {
  const environment = readEnvironmentOfUp(variables, readSecret);
  const { DATABASE_URL, TEMPORAL_ADDRESS, OBJECTS_URL, FILES_URL } = environment;
  const { S3_ENDPOINT, S3_REGION, S3_DOWNLOAD_ENDPOINT, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } =
    environment;
  return {
    databaseUrl: DATABASE_URL,
    temporalAddress: TEMPORAL_ADDRESS,
    stores: {
      ...(OBJECTS_URL === undefined ? {} : { OBJECTS_URL: absolute(OBJECTS_URL) }),
      ...(FILES_URL === undefined ? {} : { FILES_URL: absolute(FILES_URL) }),
      S3_ENDPOINT,
      S3_REGION,
      S3_DOWNLOAD_ENDPOINT,
      AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY,
    },
  };
}

/** The parts run in another directory. */
function absolute(url: string): string {
  return parseS3Url(url) ? url : resolve(url);
}

function port(option: string, lowest = 1) {
  const error = `${option} is a number from ${lowest} to 65535`;
  return z.coerce.number({ error }).int({ error }).min(lowest, { error }).max(65535, { error });
}
/** Of the services that are not given one a free port is chosen. */
const Ports = z.object({
  port: port('--port', 0),
  postgresPort: port('--postgres-port').optional(),
  temporalPort: port('--temporal-port').optional(),
  temporalUiPort: port('--temporal-ui-port').optional(),
});

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // absent or unreadable: either way not a directory for us
  }
}
