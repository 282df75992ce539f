import { type Environment, storageLocations } from '../contracts/environment.ts';
import { createDiskFileStore } from './disk-file-store.ts';
import type { FileStore } from './file-store.ts';

/**
 * Opens the users' file store where the environment has it.
 * @throws Error where that cannot serve as one
 */
export async function openFileStore(environment: Environment): Promise<FileStore> {
  const { files, spectra } = storageLocations(environment);
  const { TEMP_DIR: tempDir, CACHE_BYTES: cacheBytes, S3_DOWNLOAD_ENDPOINT: endpoint } = environment;
  if ('directory' in files) {
    if (spectra && !('directory' in spectra)) throw new Error(MIXED);
    return createDiskFileStore({ root: files.directory, tempDir, spectraDir: spectra?.directory });
  }
  if (spectra && 'directory' in spectra) throw new Error(MIXED);
  // Loading it takes 0.2 s and 28 MB.
  const { createS3FileStore } = await import('./s3-file-store.ts');
  return createS3FileStore({
    files,
    tempDir,
    cacheBytes,
    ...(spectra ? { spectra } : {}),
    ...(endpoint === undefined ? {} : { downloadEndpoint: endpoint }),
  });
}

const MIXED = 'the archive and the file store must both be directories, or both be on S3';
