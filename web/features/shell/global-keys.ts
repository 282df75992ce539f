export type GlobalAction =
  | { kind: 'go'; to: string }
  | { kind: 'search' }
  | { kind: 'theme' }
  /** The first of two keys: the next one counts. */
  | { kind: 'prefix' };

const ROOMS: Record<string, string> = { h: '/', j: '/jobs', s: '/spectra', f: '/files', w: '/workers' };
const PREFIX = 'g';
/** Within this the second key has to follow the first [ms]. */
const TOGETHER_MS = 1200;

/** @returns what a key pressed at a time [ms] does everywhere; undefined where it does nothing */
export function globalKeys(): (key: string, at: number) => GlobalAction | undefined {
  let prefixAt = -Infinity;
  return (key, at) => {
    const follows = at - prefixAt <= TOGETHER_MS;
    prefixAt = -Infinity;
    const to = Object.hasOwn(ROOMS, key) ? ROOMS[key] : undefined;
    if (follows && to !== undefined) return { kind: 'go', to };
    if (key === PREFIX) {
      prefixAt = at;
      return { kind: 'prefix' };
    }
    if (key === '/') return { kind: 'search' };
    return key === 't' ? { kind: 'theme' } : undefined;
  };
}
