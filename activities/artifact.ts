import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { Artifact } from '../contracts/job.ts';

const MEDIA_TYPES = {
  'result.h5': 'application/x-hdf5',
  'preview.json': 'application/json',
  'log.txt': 'text/plain',
} as const;

/**
 * Length and SHA-256 of a file at host path `path`, which is `name` in the job's directory.
 * @throws what `signal` is aborted with
 */
export async function describeArtifact(
  path: string,
  name: keyof typeof MEDIA_TYPES,
  signal?: AbortSignal,
): Promise<Artifact> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    hash.update(chunk);
  }
  return {
    path: name,
    media_type: MEDIA_TYPES[name],
    bytes: (await stat(path)).size,
    sha256: hash.digest('hex'),
  };
}
