import type { Artifact } from '../contracts/job.ts';
import { TABLE_FORMATS } from '../contracts/table-format.ts';
import type { FileStore } from '../storage/file-store.ts';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  h5: 'application/x-hdf5',
  json: 'application/json',
  txt: 'text/plain',
  ...Object.fromEntries(
    Object.values(TABLE_FORMATS).map(({ extension, mediaType }) => [extension, mediaType]),
  ),
};

/** A file of a job's directory as clients are told of it. @throws what `signal` is aborted with */
export async function describeArtifact(
  fileStore: FileStore,
  { dirPath }: { dirPath: string },
  name: string,
  signal?: AbortSignal,
): Promise<Artifact> {
  const extension = name.slice(name.lastIndexOf('.') + 1);
  return {
    path: name,
    media_type: MEDIA_TYPES[extension] ?? 'application/octet-stream',
    ...(await fileStore.hash(`${dirPath}/${name}`, signal)),
  };
}
