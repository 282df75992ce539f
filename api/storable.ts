import { issuePath } from '../contracts/error.ts';

const MAX_DEPTH = 64;
// PostgreSQL takes neither in text nor in jsonb: NUL, and half a surrogate pair.
const isUnstorable = (text: string): boolean => text.includes('\0') || /\p{Surrogate}/u.test(text);

/**
 * What no schema here asks about but no store could keep: NUL characters, broken Unicode, and nesting so deep that
 * validating it would exhaust the stack. Walks without recursion.
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
      if (path.length >= MAX_DEPTH) return [{ path: '', message: `must not nest deeper than ${MAX_DEPTH}` }];
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
