import { describe, expect, it } from 'vitest';
import { CatalogueQuery } from '../../../contracts/spectrum.ts';
import { catalogueQueryOf, FILTER_KEYS, nextSort, SORTABLE, sortDirection } from './catalogue-filters.ts';

describe('catalogueQueryOf', () => {
  it('asks for what is set', () => {
    expect(catalogueQueryOf({ type: 'STAR', min_sn_g: ' 10 ', q: '', offset: '50', sort: '-z' }, 50)).toEqual(
      {
        ok: true,
        query: { type: 'STAR', min_sn_g: '10', offset: 50, limit: 50, sort: '-z' },
      },
    );
  });
  it('names the filter that is wrong', () => {
    const answer = catalogueQueryOf({ min_sn_g: 'ten', ra: '400' }, 50);
    expect(answer).toMatchObject({
      ok: false,
      problems: { min_sn_g: expect.any(String), ra: expect.any(String) },
    });
  });
  it('wants a cone whole', () => {
    expect(catalogueQueryOf({ ra: '10', dec: '41' }, 50)).toEqual({
      ok: false,
      problems: { radius: 'ra, dec and radius belong together' },
    });
    expect(catalogueQueryOf({ ra: '10', dec: '41', radius: '0.5' }, 50)).toMatchObject({ ok: true });
  });
});

it('offers every filter and only orders that the API has', () => {
  const paging = ['offset', 'limit', 'sort', 'format'];
  expect([...FILTER_KEYS].sort()).toEqual(
    Object.keys(CatalogueQuery.shape)
      .filter((key) => !paging.includes(key))
      .sort(),
  );
  for (const column of SORTABLE) expect(CatalogueQuery.safeParse({ sort: column }).success).toBe(true);
});

it('turns the order around, then off', () => {
  expect(nextSort(undefined, 'z')).toBe('z');
  expect(nextSort('z', 'z')).toBe('-z');
  expect(nextSort('-z', 'z')).toBe('');
  expect(nextSort('ra', 'z')).toBe('z');
  expect([sortDirection('z', 'z'), sortDirection('-z', 'z'), sortDirection('ra', 'z')]).toEqual([
    'ascending',
    'descending',
    'none',
  ]);
});
