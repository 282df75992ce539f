import type { Artifact } from '../../contracts/job.ts';
import type { FileStore } from '../../storage/file-store.ts';
import { describeArtifact } from '../artifact.ts';

/** Written anew at the end, and listed then. */
const NOT_LISTED = ['log.txt', 'config.json'];

/** All files of a job's directory. @throws what `signal` is aborted with */
export async function describeJobFiles(
  fileStore: FileStore,
  job: { dirPath: string },
  signal: AbortSignal,
): Promise<Artifact[]> {
  const names = (await fileStore.listBelow(job.dirPath)).filter((name) => !NOT_LISTED.includes(name));
  const artifacts: Artifact[] = [];
  for (const name of names) artifacts.push(await describeArtifact(fileStore, job, name, signal));
  return artifacts;
}
