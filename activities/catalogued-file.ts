import type { CataloguedFile } from '../db/catalogue-row.ts';
import type { ArchiveFile } from '../storage/file-store.ts';

/** A file of the archive as the catalogue knows it. */
export function cataloguedFile({ path, size, mtimeMs }: ArchiveFile): CataloguedFile {
  return { path, size, modifiedAt: new Date(mtimeMs) };
}
