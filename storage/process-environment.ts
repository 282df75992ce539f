import { readFileSync } from 'node:fs';
import { type Environment, readEnvironment, type Variables } from '../contracts/environment.ts';

/**
 * The environment of this server process. What a file of secrets holds for S3 is put into `process.env` besides: its client
 * and the processes that are started from here look there.
 * @throws EnvironmentError
 */
export function readProcessEnvironment(variables: Variables = process.env): Environment {
  const environment = readEnvironment(variables, readSecret);
  if (environment.AWS_SECRET_ACCESS_KEY !== undefined)
    process.env['AWS_SECRET_ACCESS_KEY'] = environment.AWS_SECRET_ACCESS_KEY;
  return environment;
}

/** A file of one secret. @throws where it can't be read */
export function readSecret(path: string): string {
  return readFileSync(path, 'utf8');
}
