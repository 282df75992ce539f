import type { StorageLocation } from '../../contracts/storage-location.ts';
import { encodeCatalogueRows } from '../../db/catalogue-encoding.ts';
import type { Reading } from '../../db/catalogue-row.ts';
import { readSpectrum } from '../../science/spectra/read-spectrum.ts';
import type { ArchiveFile } from '../../storage/file-store.ts';
import { readEach } from './file-reader.ts';
import { reasonOf } from './read-error.ts';

export interface CatalogueFilesTask {
  /** Where the archive lies. */
  archive: StorageLocation;
  files: readonly ArchiveFile[];
  /** Files that ended a thread that read them: by path, the reason. */
  deadly?: Record<string, string>;
}

/** No pixels are looked at: only what the headers say is wanted. */
const NO_PIXELS = { neededRange: (): [number, number] => [0, 0], reuseMemory: true };

/** What files say of themselves, as the catalogue takes it; read in a worker thread. */
export default async function catalogueFiles({
  archive,
  files,
  deadly,
}: CatalogueFilesTask): Promise<Uint8Array> {
  const readings = new Map<string, Reading>();
  const unreadable = (path: string, reason: string) => readings.set(path, { unreadableReason: reason });
  for (const { path, problem } of files) {
    const reason = problem ?? deadly?.[path];
    if (reason !== undefined) unreadable(path, reason);
  }
  await readEach(
    archive,
    files.map(({ path }) => (readings.has(path) ? undefined : path)),
    (index, read) => {
      const path = files[index]?.path;
      if (path === undefined) return;
      try {
        if ('error' in read) throw read.error;
        const { layout, metadata } = readSpectrum(read.bytes, NO_PIXELS);
        readings.set(path, { layout, metadata });
      } catch (error) {
        unreadable(path, reasonOf(error));
      }
    },
  );
  return encodeCatalogueRows(
    files.flatMap(({ path, size, mtimeMs }) => {
      const reading = readings.get(path);
      return reading ? [{ file: { path, size, modifiedAt: new Date(mtimeMs) }, reading }] : [];
    }),
  );
}
