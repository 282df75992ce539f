import { expect, it } from 'vitest';
import { nextSort, sortRows, type TableColumn } from './table.ts';

const column: TableColumn<{ v: string | number | undefined }> = { key: 'v', label: 'v', value: ({ v }) => v };
const sorted = (values: (string | number | undefined)[], descending = false) =>
  sortRows(
    values.map((v) => ({ v })),
    column,
    descending,
  ).map(({ v }) => v);

it('sorts numbers as numbers, texts as people do, and puts what is missing last', () => {
  expect(sorted([10, 9, undefined, 2])).toEqual([2, 9, 10, undefined]);
  expect(sorted([10, undefined, 2], true)).toEqual([10, 2, undefined]);
  expect(sorted(['b10', 'B9', 'a'])).toEqual(['a', 'B9', 'b10']);
});
it('begins with the largest numbers, and turns round at the second click', () => {
  const first = nextSort(undefined, { ...column, number: true });
  expect(first).toEqual({ key: 'v', descending: true });
  expect(nextSort(first, column)).toEqual({ key: 'v', descending: false });
  expect(nextSort({ key: 'other', descending: true }, column)).toEqual({ key: 'v', descending: false });
});
