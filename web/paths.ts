/** Paths in the file store and in the archive, as text. Both use `/`; the store's begin with it. */

/** The name of a FITS file without its ending: what is made of it is called like it. */
export function withoutFitsEnding(name: string): string {
  return name.replace(/\.(fits?|fts)(\.gz)?$/i, '');
}

/** The archive's place in the file store. */
export const ARCHIVE_ROOT = '/SPECTRA';

export function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

export function joinPath(...parts: string[]): string {
  return `/${parts.flatMap(segmentsOf).join('/')}`;
}

export function parentOf(path: string): string {
  return joinPath(...segmentsOf(path).slice(0, -1));
}

export function baseName(path: string): string {
  return segmentsOf(path).at(-1) ?? '';
}

/** `/M31` → `/SPECTRA/M31`; a path that names the archive itself already stays as it is. */
export function storePathOfArchive(archivePath: string): string {
  const path = joinPath(archivePath);
  return isInArchive(path) ? path : joinPath(ARCHIVE_ROOT, path);
}

/** `/SPECTRA/M31` → `/M31`. */
export function archivePathOfStore(storePath: string): string {
  const path = joinPath(storePath);
  return isInArchive(path) ? joinPath(path.slice(ARCHIVE_ROOT.length)) : path;
}

export function isInArchive(storePath: string): boolean {
  const path = joinPath(storePath);
  return path === ARCHIVE_ROOT || path.startsWith(`${ARCHIVE_ROOT}/`);
}

/** Each directory on the way to `path` with its own path, the root (named '') first. */
export function breadcrumbsOf(path: string): { name: string; path: string }[] {
  const segments = segmentsOf(path);
  return [
    { name: '', path: '/' },
    ...segments.map((name, index) => ({ name, path: joinPath(...segments.slice(0, index + 1)) })),
  ];
}

/** A parameter of a `:path*` route as segments. */
export function routeSegments(parameter: string | readonly string[] | undefined): string[] {
  if (parameter === undefined) return [];
  return (typeof parameter === 'string' ? [parameter] : [...parameter]).filter((part) => part !== '');
}
