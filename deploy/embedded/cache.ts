import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** The project's cache of fetched programs: `$XDG_CACHE_HOME/spectrolabe`, else `~/.cache/spectrolabe`. */
export function cacheDirectory(variables: Record<string, string | undefined> = process.env): string {
  const base = variables['XDG_CACHE_HOME'];
  // The XDG specification ignores relative paths.
  return join(base !== undefined && isAbsolute(base) ? base : join(homedir(), '.cache'), 'spectrolabe');
}
