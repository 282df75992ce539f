import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '../../contracts/job.ts';
import { describeArtifact } from '../artifact.ts';

/** Written anew at the end, and listed then. */
const NOT_LISTED = ['log.txt', 'config.json'];

/** All files of a job's directory. @throws what `signal` is aborted with */
export async function describeJobFiles(directory: string, signal: AbortSignal): Promise<Artifact[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .filter((name) => !NOT_LISTED.includes(name))
    .sort();
  const artifacts: Artifact[] = [];
  for (const name of names) artifacts.push(await describeArtifact(join(directory, name), name, signal));
  return artifacts;
}
