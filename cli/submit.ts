import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import { Job, JobType, JsonObject } from '../contracts/job.ts';
import { call } from './api-client.ts';
import { EXIT, type ExitCode, usage } from './exit-codes.ts';
import { follow } from './watch.ts';

export async function submit(
  typeName: string,
  configFile: string,
  options: { label?: string; description?: string; wait?: boolean; json?: boolean; api: string },
): Promise<ExitCode> {
  const type = JobType.safeParse(typeName.toUpperCase().replaceAll('-', '_'));
  if (!type.success) return usage(`${typeName} is no job type; there are ${JobType.options.join(', ')}`);
  let source: string;
  try {
    source = configFile === '-' ? await text(process.stdin) : await readFile(configFile, 'utf8');
  } catch (error) {
    return usage(`${configFile} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  let config;
  try {
    config = JsonObject.parse(JSON.parse(source));
  } catch (error) {
    return usage(
      `${configFile} is not a JSON object: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const label = options.label ?? basename(configFile, '.json').slice(0, 50);
  const created = await call(options.api, Job, 'POST', '/jobs', {
    type: type.data,
    label,
    ...(options.description === undefined ? {} : { description: options.description }),
    config,
  });
  const job = await call(options.api, Job, 'POST', `/jobs/${created.job_id}/process/RUN`);
  if (!options.wait) {
    console.log(options.json ? JSON.stringify(job) : `${job.job_id} ${job.phase}`);
    return EXIT.ok;
  }
  if (!options.json) console.log(job.job_id);
  return follow(options.api, job.job_id, { json: options.json });
}
