import { issuePath } from '../contracts/error.ts';

const MAX_DEPTH = 64;
// PostgreSQL takes neither in text nor in jsonb: NUL, and half a surrogate pair.
const isUnstorable = (text: string): boolean => text.includes('\0') || /\p{Surrogate}/u.test(text);

const TOO_DEEP = { path: '', message: `must not nest deeper than ${MAX_DEPTH}` };

/** The problem of a value that is nested so deep that validating it could exhaust the stack. Walks without recursion. */
export function depthProblems(value: unknown): { path: string; message: string }[] {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    level = level.flatMap((at) => (typeof at === 'object' && at !== null ? Object.values(at) : []));
    if (depth >= MAX_DEPTH) return [TOO_DEEP];
  }
  return [];
}

/**
 * What no store could keep, whatever a schema says: NUL characters, broken Unicode, and nesting too deep. Walks without
 * recursion.
 */
export function storableProblems(value: unknown): { path: string; message: string }[] {
  const problems: { path: string; message: string }[] = [];
  const open: { path: PropertyKey[]; value: unknown }[] = [{ path: [], value }];
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { path, value: at } = entry;
    if (typeof at === 'string') {
      if (isUnstorable(at))
        problems.push({ path: issuePath(path), message: 'must be Unicode text without NUL characters' });
    } else if (typeof at === 'object' && at !== null) {
      if (path.length >= MAX_DEPTH) return [TOO_DEEP];
      for (const [key, inner] of Object.entries(at)) {
        if (isUnstorable(key))
          problems.push({ path: issuePath(path), message: 'a key holds NUL or broken Unicode' });
        else open.push({ path: [...path, Array.isArray(at) ? Number(key) : key], value: inner });
      }
    }
    if (problems.length >= 20) break;
  }
  return problems;
}
