import type { StorageLocations } from '../contracts/environment.ts';
import { createFileStore, type FileStore } from './file-store.ts';

/**
 * Opens the users' file store where the environment has it.
 * @throws Error where that cannot serve as one
 */
export async function openFileStore(
  { files, spectra }: Pick<StorageLocations, 'files' | 'spectra'>,
  { tempDir }: { tempDir: string },
): Promise<FileStore> {
  if ('directory' in files && (spectra === undefined || 'directory' in spectra))
    return createFileStore({ root: files.directory, tempDir, spectraDir: spectra?.directory });
  throw new Error('a file store on S3 is not served yet: FILES_URL and SPECTRA_URL must be directories');
}
