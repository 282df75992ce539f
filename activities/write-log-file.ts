import type { Artifact } from '../contracts/job.ts';
import { describeArtifact } from './artifact.ts';
import type { ControlDependencies } from './dependencies.ts';

/** Writes the job's log lines to log.txt in its directory, a line each: time, level, message. */
export async function writeLogFile(
  { jobs, fileStore }: ControlDependencies,
  job: { id: string; dirPath: string },
): Promise<Artifact> {
  const path = `${job.dirPath}/log.txt`;
  async function* lines(): AsyncGenerator<Uint8Array> {
    for await (const line of jobs.readLog(job.id))
      yield Buffer.from(`${line.at.toISOString()} ${line.level.toUpperCase().padEnd(7)} ${line.message}\n`);
  }
  await fileStore.writeFile(path, lines());
  return describeArtifact(fileStore, job, 'log.txt');
}
