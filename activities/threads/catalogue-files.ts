import type { StorageLocation } from '../../contracts/storage-location.ts';
import { CatalogueEncoder } from '../../db/catalogue-encoding.ts';
import type { Reading } from '../../db/catalogue-row.ts';
import { readSpectrum } from '../../science/spectra/read-spectrum.ts';
import type { ArchiveFile } from '../../storage/file-store.ts';
import { cataloguedFile } from '../catalogued-file.ts';
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
  const catalogue = new CatalogueEncoder();
  const reasons = files.map(({ path, problem }) => problem ?? deadly?.[path]);
  for (const [index, file] of files.entries()) {
    const unreadableReason = reasons[index];
    if (unreadableReason !== undefined) catalogue.add(cataloguedFile(file), { unreadableReason });
  }
  await readEach(
    archive,
    files.map(({ path }, index) => (reasons[index] === undefined ? path : undefined)),
    (index, read) => {
      const file = files[index];
      if (!file) return;
      let reading: Reading;
      try {
        if ('error' in read) throw read.error;
        const { layout, metadata } = readSpectrum(read.bytes, NO_PIXELS);
        reading = { layout, metadata };
      } catch (error) {
        reading = { unreadableReason: reasonOf(error) };
      }
      catalogue.add(cataloguedFile(file), reading);
    },
  );
  return catalogue.toBytes();
}
