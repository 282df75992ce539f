import { readServices } from '../deploy/embedded/data-directory.ts';
import { WORKER_ENVIRONMENT } from '../deploy/embedded/stack.ts';
import { type ExitCode, usage } from './exit-codes.ts';

export interface WorkerOptions {
  data: string;
  threads?: string;
}

/**
 * Runs one more worker on queue `cpu` until Ctrl-C: beside a running `up` of this machine, or with the services that
 * the environment names.
 */
export async function worker(options: WorkerOptions): Promise<ExitCode> {
  const { threads } = options;
  if (threads !== undefined && !/^[1-9]\d{0,2}$/.test(threads))
    return usage('--threads is a number from 1 to 999');
  const services = process.env.DATABASE_URL ? {} : await readServices(options.data);
  if (!services)
    return usage(
      `Nothing runs in ${options.data}: start it there first (spectrolabe up --data ${options.data}), or name the services in the environment (DATABASE_URL, TEMPORAL_ADDRESS, FILES_URL, TEMP_DIR, OBJECTS_URL).`,
    );
  Object.assign(
    process.env,
    WORKER_ENVIRONMENT,
    services,
    threads === undefined ? {} : { CPU_THREADS: threads },
  );
  // It runs in this process, handles its signals and ends it.
  await import('../workers/cpu.ts');
  return await new Promise<never>(() => undefined);
}
