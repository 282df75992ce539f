import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Artifact } from '../contracts/job.ts';
import { TABLE_FORMATS } from '../contracts/table-format.ts';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  h5: 'application/x-hdf5',
  json: 'application/json',
  txt: 'text/plain',
  ...Object.fromEntries(
    Object.values(TABLE_FORMATS).map(({ extension, mediaType }) => [extension, mediaType]),
  ),
};

/**
 * Length and SHA-256 of a file at host path `path`, which is `name` in the job's directory.
 * @throws what `signal` is aborted with
 */
export async function describeArtifact(path: string, name: string, signal?: AbortSignal): Promise<Artifact> {
  const extension = name.slice(name.lastIndexOf('.') + 1);
  return {
    path: name,
    media_type: MEDIA_TYPES[extension] ?? 'application/octet-stream',
    ...(await hashFile(path, signal)),
  };
}

/** Length and SHA-256 of a file. @throws what `signal` is aborted with */
export async function hashFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return { bytes: (await stat(path)).size, sha256: hash.digest('hex') };
}
