import { MAX_SPECTRUM_BYTES } from '../contracts/limits.ts';
import type { CataloguedFile, Reading } from '../db/repositories/spectra.ts';
import { FitsError } from '../science/fits/error.ts';
import { readSpectrum } from '../science/spectra/read-spectrum.ts';
import type { RawSpectrum } from '../science/spectra/spectrum.ts';
import { ARCHIVE_PATH, FileStoreError, type FileStore } from '../storage/file-store.ts';

/** A file of the archive, read: its spectrum, or why there is none. */
export interface ArchiveSpectrum {
  file: CataloguedFile;
  reading: RawSpectrum | Extract<Reading, { unreadableReason: string }>;
}

/** Store path of an archive path. */
export const storePath = (archivePath: string): string => `${ARCHIVE_PATH}/${archivePath}`;

/** Reads a file of the archive as a spectrum. @throws FileStoreError where there is no such file */
export async function readArchiveSpectrum(files: FileStore, archivePath: string): Promise<ArchiveSpectrum> {
  const info = await files.statArchiveFile(archivePath);
  const file = { path: archivePath, size: info.size, modifiedAt: info.modifiedAt };
  try {
    const bytes = await files.readFile(storePath(archivePath), { maxBytes: MAX_SPECTRUM_BYTES });
    return { file, reading: readSpectrum(bytes) };
  } catch (error) {
    if (error instanceof FitsError || (error instanceof FileStoreError && error.code === 'too-large'))
      return { file, reading: { unreadableReason: error.message } };
    throw error;
  }
}
