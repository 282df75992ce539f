import { Command, CommanderError, Option } from 'commander';
import { EnvironmentError } from '../contracts/environment.ts';
import { VERSION } from '../contracts/version.ts';
import { ApiUnreachable } from './api-client.ts';
import { config } from './config.ts';
import { demo } from './demo.ts';
import { doctor } from './doctor.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { listJobs } from './jobs.ts';
import { label } from './label.ts';
import { scan } from './scan.ts';
import { submit } from './submit.ts';
import { up } from './up.ts';
import { watch } from './watch.ts';
import { worker } from './worker.ts';

const DEFAULT_API = 'http://127.0.0.1:10000';

/** Runs one command line. @returns the exit code */
export async function main(args: string[]): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const program = new Command('spectrolabe')
    .description('Machine learning on large spectral surveys, as durable workflows')
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError('(--help tells more)')
    .addHelpText(
      'after',
      `
Exit codes: 0 all went well · 1 the job or the command failed · 2 wrong usage · 3 the API cannot be reached

Examples:
  spectrolabe up                                      start everything, as npm start does
  spectrolabe submit DATA_PREPROCESSING config.json --wait
  spectrolabe watch 3f0c…                             follow a job; Ctrl-C leaves it running
  spectrolabe jobs --json`,
    );
  const api = () =>
    new Option('--api <url>', 'address of the API').env('SPECTROLABE_API').default(DEFAULT_API);
  const json = () => new Option('--json', 'print JSON only');

  program
    .command('up')
    .description('start PostgreSQL, Temporal, API, dashboard and workers on this machine')
    .option('--data <dir>', 'where all state lies', './data')
    .option('--port <n>', 'of dashboard and API', '10000')
    .option(
      '--host <address>',
      'address to listen on; only this machine’s own until there are users',
      '127.0.0.1',
    )
    .option('--spectra <dir>', 'an existing archive of FITS files, used in place and read-only')
    .option('--empty', 'do not load the sample spectra')
    .option('--postgres-port <n>', 'of the embedded PostgreSQL (default: a free one)')
    .option('--temporal-port <n>', 'of the embedded Temporal (default: a free one)')
    .option('--temporal-ui-port <n>', 'of its web UI (default: 10001 if free)')
    .addHelpText(
      'after',
      '\nEnvironment: DATABASE_URL, TEMPORAL_ADDRESS, OBJECTS_URL use services that exist instead of our own.',
    )
    .action(async (options) => {
      code = await up(options);
    });
  program
    .command('worker')
    .description('run one more cpu worker beside a running `up`, until Ctrl-C')
    .option('--data <dir>', 'the data directory of that `up`', './data')
    .option('--threads <n>', 'how many spectra it reads at once (default: the machine’s cores)')
    .addHelpText(
      'after',
      '\nOn another machine: DATABASE_URL, TEMPORAL_ADDRESS, FILES_URL, TEMP_DIR, OBJECTS_URL and SPECTRA_URL\nin the environment name the services and the shared disk.',
    )
    .action(async (options) => {
      code = await worker(options);
    });
  program
    .command('config')
    .description('print the configuration that API and workers get from the environment, secrets masked')
    .option('--data <dir>', 'the data directory of a running `up`, which sets much of it', './data')
    .addOption(json())
    .action(async (options) => {
      code = await config(options);
    });
  program
    .command('doctor')
    .description('say what this machine has of what is needed, and what is missing')
    .option('--data <dir>', 'the data directory whose disk is looked at', './data')
    .option('--set-up', 'fetch what is missing: Temporal and native TensorFlow, into the cache')
    .addOption(json())
    .action(async (options) => {
      code = await doctor(options);
    });
  program
    .command('demo')
    .description('preprocess the sample spectra in a temporary directory, learn from them, print tables')
    .addOption(json())
    .option('--out <file>', 'keep result.h5 as this file')
    .action(async (options) => {
      code = await demo(options);
    });
  program
    .command('submit')
    .description('create a job from a configuration and run it')
    .argument('<type>', 'DATA_PREPROCESSING, TRAINING or ACTIVE_ML')
    .argument('<config>', 'configuration, a JSON file; - reads standard input')
    .option('--label <text>', 'what to call it (default: the file’s name)')
    .option('--description <text>', 'more about it')
    .option('--wait', 'follow it to its end')
    .addOption(json())
    .addOption(api())
    .action(async (type, config, options) => {
      code = await submit(type, config, options);
    });
  program
    .command('watch')
    .description('follow a job to its end: progress and log')
    .argument('<job>', 'the job’s id')
    .addOption(json())
    .addOption(api())
    .action(async (job, options) => {
      code = await watch(job, options);
    });
  program
    .command('label')
    .description('stand in for the people who label: answer a job’s batches from known labels, until it ends')
    .argument('<job>', 'the job’s id')
    .requiredOption('--oracle <file>', 'CSV with the columns filename and label')
    .option('--error-rate <p>', 'fraction of the answers that is wrong on purpose', '0')
    .option('--delay <s>', 'seconds before each answer (default: a batch at once)', '0')
    .option('--seed <n>', 'which answers are wrong', '0')
    .option('--labelled-by <name>', 'who the answers are from', 'simulated oracle')
    .addOption(api())
    .action(async (job, options) => {
      code = await label(job, options);
    });
  program
    .command('jobs')
    .description('list jobs, newest first')
    .option('--phase <phase>', 'PENDING, PROCESSING, COMPLETED, ERROR or ABORTED')
    .option('--limit <n>', 'how many', '20')
    .addOption(json())
    .addOption(api())
    .action(async (options) => {
      code = await listJobs(options);
    });
  program
    .command('scan')
    .description('read the spectra archive into the catalogue')
    .option('--dir <path>', 'only this directory of the archive', '/')
    .addOption(json())
    .addOption(api())
    .action(async (options) => {
      code = await scan(options);
    });

  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    if (error instanceof ApiUnreachable) return EXIT.unreachable;
    if (error instanceof EnvironmentError) return EXIT.usage;
    return EXIT.failed;
  }
}
