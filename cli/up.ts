import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { startStack, type Stack } from '../deploy/embedded/stack.ts';
import { EXIT, type ExitCode, usage } from './exit-codes.ts';

export interface UpOptions {
  data: string;
  port: string;
  host: string;
  spectra?: string;
  empty?: boolean;
}

/** Starts everything and stays until Ctrl-C, SIGTERM or the terminal's end; a second Ctrl-C does not wait. */
export async function up(options: UpOptions): Promise<ExitCode> {
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) return usage('--port is a number from 0 to 65535');
  if (!['127.0.0.1', 'localhost', '::1'].includes(options.host))
    return usage(
      `--host ${options.host} is refused: there are no users and no passwords yet, so everybody there could read and delete everything. Use 127.0.0.1, and a tunnel (ssh -L) from other machines.`,
    );
  const spectra = options.spectra === undefined ? undefined : resolve(options.spectra);
  if (spectra !== undefined && !(await isDirectory(spectra)))
    return usage(`--spectra ${spectra} is not a directory`);

  const say = (message: string) => process.stderr.write(`${message}\n`);
  const interrupt = new AbortController();
  const interrupted = new Promise<'interrupted'>((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        if (interrupt.signal.aborted && signal === 'SIGINT') {
          say('Stopping at once. The next start recovers what was under way.');
          process.exit(EXIT.failed);
        }
        if (!interrupt.signal.aborted) say('\nStopping … (the next start goes on, running jobs included)');
        interrupt.abort(new Error('stopped before it was ready'));
        done('interrupted');
      });
  });
  let stack: Stack;
  try {
    stack = await startStack({
      data: options.data,
      port,
      spectra,
      empty: options.empty,
      databaseUrl: process.env.DATABASE_URL || undefined,
      temporalAddress: process.env.TEMPORAL_ADDRESS || undefined,
      say,
      signal: interrupt.signal,
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

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // absent or unreadable: either way not a directory for us
  }
}
