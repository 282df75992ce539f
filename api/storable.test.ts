import { expect, it } from 'vitest';
import { storableProblems } from './storable.ts';

it('takes what PostgreSQL can keep', () => {
  expect(storableProblems({ label: 'Ähre 😀', list: [1, null, true, { deep: '' }] })).toEqual([]);
});

it('names each text with NUL or half a surrogate pair, keys included', () => {
  const value = { a: ['x', 'y\u0000'], b: { c: '\udc00' }, 'k\u0000': 1 };
  expect(storableProblems(value).map(({ path }) => path)).toEqual(['', 'b.c', 'a[1]']);
});

it('refuses deep nesting without recursion', () => {
  const deep: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`);
  expect(storableProblems(deep)).toEqual([{ path: '', message: 'must not nest deeper than 64' }]);
});
