import type { Request } from 'express';

/** Scheme, host and port that the client used; the Host header has been checked before any route is tried. */
export const originOf = (request: Request): string =>
  `${request.protocol}://${request.headers.host ?? 'localhost'}`;

/** Where the REST API serves a file of the file store. */
export function fileDownloadUrl(origin: string, path: string): string {
  const slash = path.lastIndexOf('/');
  const name = encodeURIComponent(path.slice(slash + 1));
  return `${origin}/api/files/${name}/download?parent_dir_path=${encodeURIComponent(path.slice(0, slash) || '/')}`;
}
