import { MAX_SPECTRUM_BYTES } from '../contracts/limits.ts';
import type { CataloguedFile, Reading } from '../db/repositories/spectra.ts';
import { FitsError } from '../science/fits/error.ts';
import { readSpectrum } from '../science/spectra/read-spectrum.ts';
import type { RawSpectrum } from '../science/spectra/spectrum.ts';
import { ARCHIVE_PATH, FileStoreError, type FileStore } from '../storage/file-store.ts';

/** A file of the archive: its bytes, or why they are not those of a spectrum. */
export type ArchiveFileContent = { file: CataloguedFile } & (
  { bytes: Buffer } | { unreadableReason: string }
);

/** A file of the archive, read: its spectrum, or why there is none. */
export interface ArchiveSpectrum {
  file: CataloguedFile;
  reading: RawSpectrum | Extract<Reading, { unreadableReason: string }>;
}

/** Store path of an archive path. */
export const storePath = (archivePath: string): string => `${ARCHIVE_PATH}/${archivePath}`;

/** Reads a file of the archive. @throws FileStoreError where there is no such file */
export async function readArchiveFile(files: FileStore, archivePath: string): Promise<ArchiveFileContent> {
  const { size, modifiedAt } = await files.statArchiveFile(archivePath);
  const file = { path: archivePath, size, modifiedAt };
  try {
    return { file, bytes: await files.readFile(storePath(archivePath), { maxBytes: MAX_SPECTRUM_BYTES }) };
  } catch (error) {
    if (error instanceof FileStoreError && error.code === 'too-large')
      return { file, unreadableReason: error.message };
    throw error;
  }
}

/** As readArchiveFile, and reads the spectrum. */
export async function readArchiveSpectrum(files: FileStore, archivePath: string): Promise<ArchiveSpectrum> {
  const { file, ...content } = await readArchiveFile(files, archivePath);
  if ('unreadableReason' in content) return { file, reading: content };
  try {
    return { file, reading: readSpectrum(content.bytes) };
  } catch (error) {
    if (error instanceof FitsError) return { file, reading: { unreadableReason: error.message } };
    throw error;
  }
}
