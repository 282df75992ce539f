import { describe, expect, it } from 'vitest';
import type { Job } from '../../../contracts/job.ts';
import { groupsOf, LISTED } from './found.ts';
import { globalKeys } from './global-keys.ts';

describe('keys that do something everywhere', () => {
  it('go to a page by two of them, one soon after the other', () => {
    const actionOf = globalKeys();
    expect(actionOf('g', 0)).toEqual({ kind: 'prefix' });
    expect(actionOf('j', 500)).toEqual({ kind: 'go', to: '/jobs' });
    expect(actionOf('j', 600)).toBeUndefined();
    expect(actionOf('g', 1000)).toEqual({ kind: 'prefix' });
    expect(actionOf('j', 5000)).toBeUndefined();
    expect(actionOf('g', 6000)).toEqual({ kind: 'prefix' });
    expect(actionOf('q', 6100)).toBeUndefined();
    expect(actionOf('s', 6200)).toBeUndefined();
  });

  it('search, and change the colours', () => {
    const actionOf = globalKeys();
    expect(actionOf('/', 0)).toEqual({ kind: 'search' });
    expect(actionOf('t', 0)).toEqual({ kind: 'theme' });
    expect(actionOf('constructor', 0)).toBeUndefined();
  });
});

describe('what is found', () => {
  const job: Job = {
    job_id: '1',
    dir_path: '/JOBS/1',
    type: 'ACTIVE_ML',
    phase: 'PROCESSING',
    label: 'Be stars',
    created_at: '2026-11-21T00:00:00Z',
  };

  it('is pages before anything was asked for, and pages by other words for them', () => {
    expect(groupsOf('', undefined, undefined).map(({ title }) => title)).toEqual(['pages']);
    const [pages] = groupsOf(' GPU', undefined, undefined);
    expect(pages?.found.map(({ to }) => to)).toEqual(['/workers']);
  });

  it('is jobs and spectra, with a line to all of them where there are more', () => {
    const groups = groupsOf('be', { jobs: [job], total: LISTED + 1 }, { spectra: [], total: 0 });
    expect(groups.map(({ title }) => title)).toEqual(['jobs']);
    expect(groups[0]?.found.map(({ title, to }) => [title, to])).toEqual([
      ['Be stars', { name: 'job', params: { id: '1' } }],
      [`All ${LISTED + 1} jobs`, { path: '/jobs', query: { q: 'be' } }],
    ]);
    expect(groupsOf('nowhere', { jobs: [], total: 0 }, { spectra: [], total: 0 })).toEqual([]);
  });
});
