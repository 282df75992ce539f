import Table from 'cli-table3';
import { effectiveEnvironment, EnvironmentError, readEnvironment } from '../contracts/environment.ts';
import { readSecret } from '../storage/process-environment.ts';
import { readServices } from '../deploy/embedded/data-directory.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

/**
 * Prints the configuration that API and workers would start with: the environment's, with what a running `up` sets
 * where the environment names no database. @returns failed where they would not start
 */
export async function config(options: { data: string; json?: boolean }): Promise<ExitCode> {
  const services = process.env.DATABASE_URL ? undefined : await readServices(options.data);
  const variables = { ...process.env, ...services };
  const rows = effectiveEnvironment(variables).map(({ name, value, source }) => ({
    name,
    value,
    source: services && name in services ? ('up' as const) : source,
  }));
  const problems = problemsOf(variables);
  if (options.json) console.log(JSON.stringify({ ok: problems.length === 0, variables: rows, problems }));
  else {
    const table = new Table({ head: ['variable', 'value', 'from'], style: { head: [], border: [] } });
    for (const { name, value, source } of rows) table.push([name, value ?? '', source]);
    console.log(table.toString());
    if (problems.length > 0) {
      const hint = services || process.env.DATABASE_URL ? '' : '\n(`spectrolabe up` sets these itself.)';
      process.stderr.write(`API and workers would not start:\n${problems.join('\n')}${hint}\n`);
    }
  }
  return problems.length === 0 ? EXIT.ok : EXIT.failed;
}

function problemsOf(variables: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    readEnvironment(variables, readSecret);
    return [];
  } catch (error) {
    if (error instanceof EnvironmentError) return error.problems;
    throw error;
  }
}
